"""A disk that is really full: a file system of a few megabytes.

docs/reference/brokers-and-databases.md#faults, R7.
"""

import os
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from uuid import UUID

import pytest

from device_gateway.spool.bounds import MB, Bounds, Fullness
from device_gateway.spool.file import SpoolFullError
from device_gateway.spool.records import HeldPlan, Outgoing
from device_gateway.spool.spool import Spool
from tests.conftest import missing
from ward_service.contract.ids import new_id
from ward_service.contract.messages import Receipt
from ward_service.contract.vocabulary import Outcome

NOON = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)
BOUNDS = Bounds(keep_free_bytes=0)  # nothing but the disk itself says stop
HALF_A_PAGE = 4  # readings: a page of 4,096 bytes has room for three of these


@pytest.fixture
def tiny_disk(tmp_path: Path) -> Iterator[Path]:
    """Eight megabytes in memory, mounted as root."""
    disk = tmp_path / "disk"
    disk.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=8m", "tmpfs", str(disk)], capture_output=True
    )
    if mounted.returncode:
        missing("a disk of 8 MB", "mounting a tmpfs needs root")
    yield disk
    subprocess.run(["umount", "--lazy", str(disk)], check=True)


def a_reading() -> Outgoing:
    return Outgoing(new_id(NOON), NOON, b"x" * 1_000)


def receipts(ids: list[UUID]) -> list[Receipt]:
    return [Receipt(reading_id=id_, outcome=Outcome.KEPT) for id_ in ids]


def fill(spool: Spool) -> list[UUID]:
    """Add until it refuses, and return all that it holds. A page that is half empty takes more."""

    def add_until_it_refuses() -> None:
        for _ in range(20_000):
            spool.add([a_reading()])

    with pytest.raises(SpoolFullError, match="safe"):
        add_until_it_refuses()
    return [held.reading_id for held in spool.after(0, 99_999)]


def somebody_fills(disk: Path) -> Path:
    """Write until nothing more goes in: what is left is not even a byte."""
    path = disk / "somebody.log"
    handle = os.open(path, os.O_CREAT | os.O_WRONLY)
    for size in (100_000, 4_096, 1):
        try:
            while os.write(handle, b"x" * size):
                pass
        except OSError:
            continue
    os.close(handle)
    assert free(disk) == 0
    return path


def free(disk: Path) -> int:
    found = os.statvfs(disk)
    return found.f_bavail * found.f_frsize


def test_on_a_full_disk_receipts_still_let_go_and_it_takes_again(tiny_disk: Path) -> None:
    with Spool(tiny_disk / "a", BOUNDS) as spool:
        spool.keep_plan(HeldPlan(1, 7, NOON, b"plan"))
        filled = len(fill(spool))
        log = somebody_fills(tiny_disk)
        ids = fill(spool)
        assert 500 < filled <= len(ids) < filled + HALF_A_PAGE
        assert spool.fullness() is Fullness.FULL
        assert [plan.number for plan in spool.plans()] == [7]
        assert len(spool.settle(receipts(ids[:20]), NOON)) == 20
        assert [held.reading_id for held in spool.after(0, 9_999)] == ids[20:]
        before = spool.depth()
        assert len(fill(spool)) - before < 100  # the ballast has room for thousands: to let go only
        assert spool.fullness() is Fullness.FULL
        assert len(spool.settle(receipts(ids[20:]), NOON)) == len(ids) - 20
        log.unlink()
        assert spool.add([a_reading()])
        assert spool.fullness() is not Fullness.FULL
        assert spool._file.rows("pragma integrity_check") == [("ok",)]
    ballast = (tiny_disk / "a.ballast").stat()
    assert ballast.st_blocks * 512 >= ballast.st_size == 4 * MB


FILLED_AND_KILLED = """
import os, signal, sys
from pathlib import Path
from device_gateway.spool.spool import Spool
from tests.device_gateway.spool.test_full_disk import BOUNDS, fill, somebody_fills
spool = Spool(Path(sys.argv[1]) / "a", BOUNDS)
print(len(fill(spool)), flush=True)
somebody_fills(Path(sys.argv[1]))
os.kill(os.getpid(), signal.SIGKILL)
"""


def test_a_spool_is_opened_again_on_a_disk_with_no_byte_left(tiny_disk: Path) -> None:
    killed = subprocess.run(
        [sys.executable, "-c", FILLED_AND_KILLED, str(tiny_disk)],
        cwd=Path(__file__).parents[3],
        capture_output=True,
        text=True,
    )
    assert free(tiny_disk) == 0
    with Spool(tiny_disk / "a", BOUNDS) as spool:
        assert (before := spool.depth()) == int(killed.stdout) > 500
        ids = fill(spool)
        assert before <= len(ids) < before + HALF_A_PAGE
        assert len(spool.settle(receipts(ids), NOON)) == len(ids)


def test_without_room_for_its_ballast_a_spool_takes_nothing_until_there_is(
    tiny_disk: Path,
) -> None:
    somebody = tiny_disk / "somebody.log"
    somebody.write_bytes(bytes(5 * MB))
    assert free(tiny_disk) > 2 * MB  # room for thousands of readings, but not for letting go
    with Spool(tiny_disk / "a", BOUNDS) as spool:
        with pytest.raises(SpoolFullError, match=r"the disk of the spool .* is full"):
            spool.add([a_reading()])
        assert spool.fullness() is Fullness.FULL
        somebody.unlink()
        assert spool.add([a_reading()]) == [1]
        assert spool.fullness() is not Fullness.FULL


def test_what_the_disk_keeps_free_is_kept_free(tiny_disk: Path) -> None:
    bounds = Bounds(keep_free_bytes=2 * MB)
    with Spool(tiny_disk / "a", bounds) as spool:
        fill(spool)
        assert free(tiny_disk) > 2 * MB - 200_000
