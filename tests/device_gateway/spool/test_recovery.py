"""A spool that its disk has spoilt is never written over, and never stops a home."""

import logging
import sqlite3
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random
from threading import Event

import pytest

from device_gateway.clock_skew import ClockCheck
from device_gateway.config.homes_file import Broker
from device_gateway.home import open_home
from device_gateway.publish.report import HomeReport
from device_gateway.publish.status import status
from device_gateway.spool.file import SpoolBusyError, SpoolDamagedError
from device_gateway.spool.records import HeldPlan, Outgoing, Progress, Unclaimed
from device_gateway.spool.recovery import damaged_since, open_or_renew
from device_gateway.spool.spool import Spool
from device_gateway.street import Street
from tests.device_gateway.conftest import BrokerProcess, a_place
from tests.fakes.playback import take_frames
from tests.fakes.ward_peer import WardPeer, eventually
from ward_service.contract.clock import real_clock
from ward_service.contract.ids import new_id
from ward_service.contract.vocabulary import TroubleCode

NOON = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)
NOBODYS = Unclaimed(new_id(NOON), NOON, b"whose?", (1, 2))
KEYS = {a_place(1).gateway: a_place(1).key}


def a_spool(path: Path, readings: int = 300) -> list[Outgoing]:
    """Make a spool whose file is dozens of pages."""
    entries = [
        Outgoing(new_id(NOON), NOON + timedelta(seconds=n), b"%04d" % n * 100, 1 + n % 2)
        for n in range(readings)
    ]
    with Spool(path) as spool:
        spool.add(entries, Progress("film", NOON, readings))
        spool.keep_plan(HeldPlan(1, 7, NOON, b"plan"))
        spool.add([NOBODYS])
    return entries


def test_damage_is_said_in_a_sentence_and_nothing_is_changed(tmp_path: Path) -> None:
    path = tmp_path / "a"
    a_spool(path)
    whole = bytearray(path.read_bytes())
    middle = len(whole) // 2 // 4096 * 4096
    whole[middle : middle + 4096] = bytes(4096)  # a page that never reached the flash
    path.write_bytes(whole)
    with pytest.raises(SpoolDamagedError, match=r"is damaged.*Keep the file"):
        Spool(path)
    assert path.read_bytes() == whole


@pytest.mark.parametrize(
    "spoilt",
    [
        "update outbox set taken_at = cast(x'3230800a' as text) where seq = 7",
        "update outbox set taken_at = '2026-19-39T12:00:00+00:00' where seq = 7",
        "update outbox set taken_at = '2026-11-24T12:00:00' where seq = 7",
        "update outbox set reading_id = x'00' where seq = 7",
        "update unclaimed set slots = '[1,'",
        "update plan set received_at = ''",
    ],
)
def test_a_row_that_sqlite_can_read_and_we_could_not_is_damage(tmp_path: Path, spoilt: str) -> None:
    path = tmp_path / "a"
    a_spool(path, 60)
    with sqlite3.connect(path) as db:
        db.execute(spoilt)
    db.close()
    with pytest.raises(SpoolDamagedError, match="is not as it was written"):
        Spool(path)
    with closing(open_or_renew(path, None, NOON)) as spool:
        assert spool.depth() >= 59


def test_damage_that_comes_while_it_is_open_is_called_so(tmp_path: Path) -> None:
    path = tmp_path / "a"
    a_spool(path)
    with Spool(path) as spool:
        spool._file._db.execute("pragma shrink_memory")  # forget what was read before
        size = path.stat().st_size
        with path.open("r+b") as file:
            file.seek(4096)
            file.write(b"\xff" * (size - 4096))
        with pytest.raises(SpoolDamagedError, match="is damaged"):
            spool.add([Outgoing(new_id(NOON), NOON, b"new")])
        with pytest.raises(SpoolDamagedError, match="is damaged"):
            spool.depth()
        assert spool.damage is not None


@pytest.mark.parametrize("how", ["gone", "empty"])
def test_a_spool_that_was_there_before_does_not_quietly_begin_anew(
    tmp_path: Path, how: str
) -> None:
    path = tmp_path / "a"
    a_spool(path)
    path.unlink() if how == "gone" else path.write_bytes(b"")
    with pytest.raises(SpoolDamagedError, match="gone, or empty"):
        Spool(path)
    with closing(open_or_renew(path, None, NOON)) as spool:
        assert spool.depth() == 0
    assert damaged_since(path) == NOON


def test_a_home_goes_on_with_what_can_be_read_in_order_and_keeps_the_damaged_file(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    path = tmp_path / "a"
    entries = a_spool(path)
    with Spool(path) as before:
        stream = before.stream
    whole = bytearray(path.read_bytes())
    middle = len(whole) // 2 // 4096 * 4096
    whole[middle : middle + 4096] = b"\xff" * 4096
    path.write_bytes(whole)
    caplog.set_level(logging.ERROR)
    with closing(open_or_renew(path, None, NOON)) as spool:
        held = spool.after(0, 999)
        assert spool.stream != stream
        assert [h.seq for h in held] == list(range(1, len(held) + 1))
        was = {entry.reading_id: (n, entry) for n, entry in enumerate(entries)}
        assert 200 < len(held) < 300
        places = [was[h.reading_id][0] for h in held]
        assert places == sorted(places)
        assert (places[0], places[-1]) == (0, 299)  # from both ends
        for h in held:
            entry = was[h.reading_id][1]
            assert (h.payload, h.slot) == (entry.payload, entry.slot)
        assert spool.plans() == [HeldPlan(1, 7, NOON, b"plan")]
        assert spool.unclaimed() == [NOBODYS]
        assert spool.progress("film") == Progress("film", NOON, 300)
    assert (tmp_path / "a.damaged-20261124T120000Z").read_bytes() == whole
    [record] = [r for r in caplog.records if r.message == "spool.damaged"]
    assert record.__dict__["carried_on"] == len(held) + 1
    assert "0001" not in caplog.text
    with closing(open_or_renew(path, None, NOON)) as again:
        assert again.depth() == len(held)


def test_whatever_is_damaged_the_home_opens(tmp_path: Path) -> None:
    chance = Random(3)
    for n in range(25):
        path = tmp_path / f"{n}"
        entries = a_spool(path, 60)
        whole = bytearray(path.read_bytes())
        for _ in range(chance.choice((1, 3, 30))):
            at = chance.randrange(len(whole))
            whole[at : at + chance.choice((1, 16, 512))] = chance.randbytes(1)
        path.write_bytes(whole[: chance.choice((len(whole), len(whole) // 2))])
        with closing(open_or_renew(path, None, NOON)) as spool:
            known = {entry.reading_id for entry in entries}
            assert spool.depth() <= 60
            assert spool.add([Outgoing(new_id(NOON), NOON, b"new")])
            assert status(spool, ClockCheck(), HomeReport(), (), NOON, online=True).oldest_at
            carried_on = [h.reading_id for h in spool.after(0, 99)][:-1]
            assert len(carried_on) == len(set(carried_on))
            assert len(set(carried_on) - known) <= 3  # an id itself may be spoilt


def test_a_spool_in_use_is_not_damaged(tmp_path: Path) -> None:
    with Spool(tmp_path / "a"), pytest.raises(SpoolBusyError):
        open_or_renew(tmp_path / "a", None, NOON)
    assert damaged_since(tmp_path / "a") is None


def test_the_ward_is_told_until_somebody_has_taken_the_file_away(
    broker: BrokerProcess, tmp_path: Path
) -> None:
    path = tmp_path / "home-01.spool"
    path.write_bytes(b"no database at all" * 1_000)
    with WardPeer(broker.port, KEYS) as ward:

        def said() -> set[TroubleCode]:
            ward.statuses.clear()
            with Street([a_place(1)], broker.place, tmp_path, real_clock()):
                assert eventually(lambda: any(status.online for _, status in ward.statuses))
            # Its farewell is its last word: what comes after the next `clear` is of the next one.
            assert eventually(lambda: any(not status.online for _, status in ward.statuses))
            return {trouble.code for _, status in ward.statuses for trouble in status.troubles}

        assert said() == {TroubleCode.SPOOL_DAMAGED}
        assert said() == {TroubleCode.SPOOL_DAMAGED}
        [aside] = tmp_path.glob("*.damaged-*Z")
        assert aside.read_bytes() == b"no database at all" * 1_000
        aside.unlink()
        assert said() == set()


def test_a_home_of_its_own_opens_a_damaged_spool(tmp_path: Path) -> None:
    (tmp_path / "home-01.spool").write_bytes(b"x" * 10_000)
    nowhere = Broker(host="127.0.0.1", port=1)
    home = open_home(a_place(1), nowhere, tmp_path, real_clock(), Event())
    take_frames(home, [Outgoing(new_id(NOON), NOON, b"{}")])
    assert home.spool.depth() == 1
    home.spool.close()
