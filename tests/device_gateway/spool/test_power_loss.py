"""Power goes: only what was synced is left. Each disk that could be found is made, and opened.

strace tells every write and sync of a home that takes readings and settles receipts. From that the
disk at any moment is worked out: all that was synced, and of the rest nothing, or any part of it.
Source: docs/reference/brokers-and-databases.md#full-disk, #faults, R6.
"""

import ast
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from uuid import UUID

import pytest

from device_gateway.spool.spool import Spool
from tests.conftest import missing

ROOT = Path(__file__).parents[3]
TAKER = """
import os, sys
from datetime import UTC, datetime
from pathlib import Path
from threading import Event
from device_gateway.home import open_home
from device_gateway.config.homes_file import Broker
from device_gateway.spool.spool import Outgoing
from tests.device_gateway.conftest import a_place
from tests.fakes.playback import take_frames
from ward_service.contract.clock import real_clock
from ward_service.contract.ids import new_id
from ward_service.contract.messages import Receipt
from ward_service.contract.vocabulary import Outcome

NOON = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)
nowhere = Broker(host="127.0.0.1", port=1)
home = open_home(a_place(1), nowhere, Path(sys.argv[1]), real_clock(), Event())

def say(what, id_):
    os.write(1, f"{what} {id_.hex}\\n".encode())

held = []
for n in range(150):
    id_ = new_id(NOON)
    take_frames(home, [Outgoing(id_, NOON, b"x" * 6_000)])
    say("taken", id_)
    held.append(id_)
    if n % 10 == 9:
        say("receipt", held[0])
        home.spool.settle([Receipt(reading_id=held.pop(0), outcome=Outcome.KEPT)], NOON)
say("end", id_)
"""
CALL = re.compile(r"^(\w+)\(\d+<([^>]*)>(?:, (.*))?\)\s+= (\d+)$")
WRITTEN = re.compile(r'^"(.*)", \d+(?:, (\d+))?$', re.DOTALL)
SAID = ('"taken ', '"receipt ', '"end ')
OURS = ("home-01.spool", "home-01.spool-wal")


@dataclass
class File:
    """What is surely on the disk, and what was written since."""

    synced: bytearray = field(default_factory=bytearray)
    pending: list[tuple[int, bytes | None]] = field(default_factory=list)  # None: cut off there

    def sync(self) -> None:
        for change in self.pending:
            _apply(self.synced, change)
        self.pending.clear()

    def after_power_loss(self, chance: Random | None) -> bytes:
        """Return what could be found: nothing that was not synced, or any part of it."""
        found = bytearray(self.synced)
        for change in self.pending if chance else ():
            if chance and chance.random() < 0.5:
                _apply(found, change)
        return bytes(found)


def _apply(content: bytearray, change: tuple[int, bytes | None]) -> None:
    at, data = change
    if data is None:
        del content[at:]
        return
    content.extend(bytes(max(0, at - len(content))))
    content[at : at + len(data)] = data


@dataclass
class Disk:
    files: dict[str, File] = field(default_factory=lambda: {name: File() for name in OURS})
    syncs: int = 0

    def moments(self, trace: str) -> Iterator[tuple[str, UUID]]:
        """Follow a trace; stop at each thing that the home said."""
        for line in trace.splitlines():
            call = CALL.match(line)
            if call is None:
                continue
            name, path, rest, result = call.groups()
            file = self.files.get(path.rpartition("/")[2])
            if name in {"fsync", "fdatasync"} and file is not None:
                file.sync()
                self.syncs += 1
            elif name == "ftruncate" and file is not None:
                file.pending.append((int(rest), None))
            elif name == "pwrite64" and file is not None:
                data, at = _written(rest)
                assert len(data) == int(result)
                file.pending.append((at, data))
            elif name == "write" and rest.startswith(SAID):
                what, id_ = _written(rest)[0].decode().split()
                yield what, UUID(hex=id_)


def _written(rest: str) -> tuple[bytes, int]:
    """Return what a call wrote, and where."""
    written = WRITTEN.match(rest)
    assert written, rest[:200]
    data: bytes = ast.literal_eval(f'b"{written[1]}"')
    return data, int(written[2] or 0)


@pytest.fixture
def trace(tmp_path: Path) -> str:
    strace = shutil.which("strace")
    if strace is None:
        missing("strace", "install it, for example: apt-get install strace")
    calls = "trace=pwrite64,write,fsync,fdatasync,ftruncate"
    ran = subprocess.run(
        [
            str(strace), "-y", "-s", "70000", "-e", calls, "-o", str(tmp_path / "trace"),
            sys.executable, "-c", TAKER, str(tmp_path / "spools"),
        ],
        cwd=ROOT,
        capture_output=True,
        text=True,
    )  # fmt: skip
    assert ran.returncode == 0, ran.stderr
    return (tmp_path / "trace").read_text()


def test_no_take_returns_before_it_is_synced(trace: str) -> None:
    disk = Disk()
    before = 0
    said = 0
    for what, _ in disk.moments(trace):
        if what == "taken":
            said += 1
            assert disk.syncs > before
            pending = disk.files["home-01.spool-wal"].pending
            assert [change for change in pending if change[1] is not None] == []
        before = disk.syncs
    assert said == 150


def test_whatever_the_power_leaves_all_that_was_taken_and_not_receipted_is_there(
    trace: str, tmp_path: Path
) -> None:
    chance, disk = Random(7), Disk()
    must_be_there: set[UUID] = set()
    images = 0
    for what, id_ in disk.moments(trace):
        if what == "taken":
            must_be_there.add(id_)
        elif what == "receipt":
            must_be_there.discard(id_)
        for lost in (None, chance):
            folder = tmp_path / f"image-{images}"
            folder.mkdir()
            for name, file in disk.files.items():
                (folder / name).write_bytes(file.after_power_loss(lost))
            with Spool(folder / "home-01.spool") as spool:
                there = {held.reading_id for held in spool.after(0, 9_999)}
            assert must_be_there <= there
            assert len(there - must_be_there) <= 1  # a receipt that was just being settled
            shutil.rmtree(folder)
            images += 1
    assert images > 300
    assert len(disk.files["home-01.spool"].synced) > 500_000  # checkpoints came in between
