import os
import signal
import sqlite3
import subprocess
import sys
import threading
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from device_gateway.spool import spool as spool_module
from device_gateway.spool.file import SpoolBusyError, SpoolError, SpoolFullError
from device_gateway.spool.records import (
    NOBODY,
    HeldPlan,
    Outgoing,
    Progress,
    Sample,
    SetAside,
    Unclaimed,
)
from device_gateway.spool.spool import DRAWER_HOLDS, Spool
from ward_service.contract.ids import new_id
from ward_service.contract.messages import Receipt
from ward_service.contract.vocabulary import Outcome, Quality, Vital

NOON = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)


def outgoing(payload: bytes = b"{}", at: datetime = NOON) -> Outgoing:
    return Outgoing(new_id(at), at, payload)


def receipt(id_: UUID, outcome: Outcome = Outcome.KEPT, reason: str = "") -> Receipt:
    return Receipt(reading_id=id_, outcome=outcome, reason=reason)


def test_what_was_added_is_there_after_opening_again_in_order(tmp_path: Path) -> None:
    entries = [outgoing(b"%d" % n) for n in range(5)]
    with Spool(tmp_path / "a") as spool:
        assert spool.add(entries) == [1, 2, 3, 4, 5]
        stream = spool.stream
    with Spool(tmp_path / "a") as spool:
        assert [held.payload for held in spool.after(0, 99)] == [b"0", b"1", b"2", b"3", b"4"]
        assert [held.seq for held in spool.after(2, 2)] == [3, 4]
        assert [held.seq for held in spool.numbered([4, 2, 99])] == [2, 4]
        assert (spool.stream, spool.last_seq, spool.depth()) == (stream, 5, 5)


def test_streams_differ_and_numbers_are_never_given_twice(tmp_path: Path) -> None:
    with Spool(tmp_path / "a") as one, Spool(tmp_path / "b") as other:
        assert one.stream != other.stream
        entry = outgoing()
        one.add([entry])
        one.settle([receipt(entry.reading_id)], NOON)
    with Spool(tmp_path / "a") as again:
        assert again.last_seq == 1
        assert again.add([outgoing()]) == [2]


@pytest.mark.parametrize("outcome", [Outcome.KEPT, Outcome.DUPLICATE, Outcome.QUARANTINED])
def test_any_receipt_of_the_ward_lets_go(tmp_path: Path, outcome: Outcome) -> None:
    with Spool(tmp_path / "a") as spool:
        entries = [outgoing(b"first"), outgoing(b"second")]
        spool.add(entries)
        assert spool.settle([receipt(entries[0].reading_id, outcome, "why")], NOON) == [1]
        assert [held.payload for held in spool.after(0, 9)] == [b"second"]
        drawer = [(row.origin, row.reading_id, row.reason, row.payload) for row in spool.drawer()]
        put_away = [("ward", entries[0].reading_id, "why", b"first")]
        assert drawer == (put_away if outcome is Outcome.QUARANTINED else [])


def test_receipts_for_others_change_nothing(tmp_path: Path) -> None:
    with Spool(tmp_path / "a") as spool:
        entry = outgoing()
        spool.add([entry])
        assert spool.settle([receipt(new_id(NOON)), receipt(new_id(NOON))], NOON) == []
        assert spool.depth() == 1
        assert spool.settle([receipt(entry.reading_id)] * 2, NOON) == [1]


def test_the_drawer_does_not_grow_for_ever_and_origins_do_not_push_each_other_out(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert DRAWER_HOLDS == 1_000
    monkeypatch.setattr(spool_module, "DRAWER_HOLDS", 5)
    with Spool(tmp_path / "a") as spool:
        entry = outgoing(b"from the ward")
        spool.add([entry])
        spool.settle([receipt(entry.reading_id, Outcome.QUARANTINED, "odd")], NOON)
        for n in range(12):
            spool.add([SetAside(NOON, b"%d" % n, "demonstration data")])
        assert [row.payload for row in spool.drawer()] == [
            b"from the ward", b"7", b"8", b"9", b"10", b"11",
        ]  # fmt: skip
        assert spool.depth() == 0


def test_depth_and_oldest_are_what_waits(tmp_path: Path) -> None:
    with Spool(tmp_path / "a") as spool:
        assert (spool.depth(), spool.oldest_at()) == (0, None)
        summer = datetime.fromisoformat("2026-07-01T00:30:00+01:00")  # before midnight, UTC
        entries = [outgoing(at=NOON), outgoing(at=summer), outgoing(at=summer + timedelta(hours=1))]
        spool.add(entries)
        assert (spool.depth(), spool.oldest_at()) == (3, summer)


def test_a_second_process_is_told_who_is_in_the_way(tmp_path: Path) -> None:
    with Spool(tmp_path / "a"):
        script = (
            "import sys; from pathlib import Path; from device_gateway.spool.spool import *\n"
            "from device_gateway.spool.file import *\n"
            "try: Spool(Path(sys.argv[1]))\n"
            "except SpoolBusyError as error: sys.exit(str(error))"
        )
        ran = subprocess.run(
            [sys.executable, "-c", script, str(tmp_path / "a")], capture_output=True, text=True
        )
        assert ran.returncode == 1
        assert "is open in another device-gateway; stop that one first" in ran.stderr
        with pytest.raises(SpoolBusyError):
            Spool(tmp_path / "a")
    Spool(tmp_path / "a").close()


def test_a_newer_spool_is_left_alone(tmp_path: Path) -> None:
    Spool(tmp_path / "a").close()
    with sqlite3.connect(tmp_path / "a") as db:
        db.execute("pragma user_version = 99")
    db.close()
    with pytest.raises(SpoolError, match="version 99, this program knows 5; nothing was changed"):
        Spool(tmp_path / "a")


def test_what_is_no_spool_is_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "a"
    path.write_bytes(b"a letter to my grandmother" * 100)
    with pytest.raises(SpoolError, match="Keep the file"):
        Spool(path)
    assert path.read_bytes() == b"a letter to my grandmother" * 100


def test_only_the_owner_can_read_a_spool(tmp_path: Path) -> None:
    with Spool(tmp_path / "spools" / "a") as spool:
        spool.add([outgoing()])
        for path in (tmp_path / "spools").iterdir():
            assert path.stat().st_mode & 0o077 == 0, path.name


def test_a_full_disk_refuses_aloud_keeps_what_is_there_and_takes_again_later(
    tmp_path: Path,
) -> None:
    with Spool(tmp_path / "a") as spool:
        spool.add([outgoing(b"x" * 1_000) for _ in range(10)], Progress("film", NOON, 10))
        pages = spool._file._db.execute("pragma page_count").fetchone()[0]
        spool._file._db.execute(f"pragma max_page_count = {pages}")  # SQLite's own "disk is full"
        with pytest.raises(SpoolFullError, match="what it holds is safe"):
            spool.add([outgoing(b"y" * 50_000)], Progress("film", NOON, 11))
        assert spool.depth() == 10
        assert spool.progress("film") == Progress("film", NOON, 10)
        spool._file._db.execute("pragma max_page_count = 100000")
        assert spool.add([outgoing(b"y" * 50_000)]) == [11]


def test_progress_is_saved_with_its_readings_or_not_at_all(tmp_path: Path) -> None:
    with Spool(tmp_path / "a") as spool:
        assert spool.progress("film") is None
        entry = outgoing()
        spool.add([entry], Progress("film", NOON, 1))
        with pytest.raises(sqlite3.IntegrityError):
            spool.add([outgoing(), entry], Progress("film", NOON, 3))
        assert spool.progress("film") == Progress("film", NOON, 1)
        assert spool.depth() == 1


def test_a_payload_that_no_broker_would_carry_is_refused_before_it_blocks_the_queue(
    tmp_path: Path,
) -> None:
    with Spool(tmp_path / "a") as spool:
        with pytest.raises(ValueError, match="65000 bytes does not fit"):
            spool.add([outgoing(b"x" * 65_000)])
        assert spool.depth() == 0


def test_a_commit_is_synced_before_it_returns(tmp_path: Path) -> None:
    with Spool(tmp_path / "a") as spool:
        assert spool._file._db.execute("pragma journal_mode").fetchone()[0] == "wal"
        assert spool._file._db.execute("pragma synchronous").fetchone()[0] == 2  # FULL


def test_threads_share_a_spool(tmp_path: Path) -> None:
    with Spool(tmp_path / "a") as spool:

        def add() -> None:
            for _ in range(50):
                spool.add([outgoing()])

        def settle() -> None:
            while spool.last_seq < 200 or spool.depth():
                spool.settle([receipt(held.reading_id) for held in spool.after(0, 20)], NOON)

        threads = [threading.Thread(target=add) for _ in range(4)]
        threads.append(threading.Thread(target=settle))
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert (spool.depth(), spool.last_seq) == (0, 200)


@given(st.lists(st.sampled_from(["add", "kept", "quarantined", "stranger", "reopen"]), max_size=30))
def test_nothing_leaves_but_by_its_receipt(acts: list[str]) -> None:
    import tempfile

    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "a"
        spool = Spool(path)
        waiting: list[UUID] = []
        for act in acts:
            if act == "add":
                entry = outgoing()
                spool.add([entry])
                waiting.append(entry.reading_id)
            elif act == "stranger":
                spool.settle([receipt(new_id(NOON))], NOON)
            elif act == "reopen":
                spool.close()
                spool = Spool(path)
            elif waiting:
                spool.settle([receipt(waiting.pop(0), Outcome(act))], NOON)
            assert [held.reading_id for held in spool.after(0, 99)] == waiting
        spool.close()


WRITER = """
import sys
from datetime import UTC, datetime
from pathlib import Path
from device_gateway.spool.spool import Outgoing, Spool
from ward_service.contract.ids import new_id
NOON = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)
with Spool(Path(sys.argv[1])) as spool:
    while True:
        id_ = new_id(NOON)
        spool.add([Outgoing(id_, NOON, id_.bytes)])
        print(id_, flush=True)  # said: saved
"""


def test_what_was_said_saved_survives_kill_9(tmp_path: Path) -> None:
    said: list[str] = []
    for n in range(8):
        writer = subprocess.Popen(
            [sys.executable, "-c", WRITER, str(tmp_path / "a")], stdout=subprocess.PIPE, text=True
        )
        assert writer.stdout is not None
        said.append(writer.stdout.readline().strip())
        time.sleep(0.02 + 0.03 * n)
        os.kill(writer.pid, signal.SIGKILL)
        rest = writer.stdout.read()
        said += [line for line in rest.splitlines(keepends=False) if len(line) == 36]
        writer.stdout.close()
        writer.wait()
    with Spool(tmp_path / "a") as spool:
        held = spool.after(0, 1_000_000)
    ids = [str(row.reading_id) for row in held]
    assert set(said) <= set(ids)
    assert len(ids) == len(set(ids)) <= len(said) + 8  # one per life may be saved but not yet said
    assert [id_ for id_ in ids if id_ in set(said)] == said  # and in order
    assert all(row.payload == row.reading_id.bytes for row in held)


def test_a_spool_of_the_first_version_is_carried_on_with_all_that_it_holds(tmp_path: Path) -> None:
    with Spool(tmp_path / "a") as new:
        new.add([outgoing(b"old")])
        stream = new.stream
    with sqlite3.connect(tmp_path / "a") as db:  # as version 1 left it
        for table in ("sample", "unclaimed", "kept", "plan", "asked_about"):
            db.execute(f"drop table {table}")
        db.execute("drop index outbox_condensable")
        for column in ("slot", "condensable"):
            db.execute(f"alter table outbox drop column {column}")
        db.execute("pragma user_version = 1")
    db.close()
    with Spool(tmp_path / "a") as again:
        assert (again.stream, [held.slot for held in again.after(0, 9)]) == (stream, [None])
        again.add([Outgoing(new_id(NOON), NOON, b"new", slot=2, measured_at=NOON)])
        assert [held.slot for held in again.after(0, 9)] == [None, 2]
        assert [kept.payload for kept in again.kept(2, NOON)] == [b"new"]


def test_readings_of_one_moment_come_back_in_the_order_in_which_they_were_taken(
    tmp_path: Path,
) -> None:
    payloads = [str(n).encode() for n in range(20)]
    with Spool(tmp_path / "a") as spool:
        for payload in payloads:
            spool.add([Outgoing(new_id(NOON), NOON, payload, slot=1, measured_at=NOON)])
        assert [kept.payload for kept in spool.kept(1, NOON)] == payloads


def test_readings_of_a_spool_of_version_four_come_before_all_that_have_an_order(
    tmp_path: Path,
) -> None:
    with Spool(tmp_path / "a") as new:
        new.add([Outgoing(new_id(NOON), NOON, b"old", slot=1, measured_at=NOON)])
    with sqlite3.connect(tmp_path / "a") as db:
        db.execute("alter table kept drop column seq")
        db.execute("pragma user_version = 4")
    db.close()
    with Spool(tmp_path / "a") as again:
        again.add([Outgoing(new_id(NOON), NOON, b"new", slot=1, measured_at=NOON)])
        assert [(k.payload, k.seq) for k in again.kept(1, NOON)] == [(b"old", None), (b"new", 2)]


def test_seconds_of_a_stream_survive_until_they_are_a_minute(tmp_path: Path) -> None:
    seconds = [
        Sample("A", 2, NOON + timedelta(seconds=n), {Vital.SPO2: 96.0 - n}, (Quality.POOR_SIGNAL,))
        for n in range(3)
    ]
    with Spool(tmp_path / "a") as spool:
        spool.add_samples(seconds)
    with Spool(tmp_path / "a") as spool:
        assert spool.streaming() == ["A"]
        assert spool.samples("A") == seconds
        minute = Outgoing(new_id(NOON), NOON, b"minute", slot=2)
        assert spool.close_minute("A", NOON + timedelta(seconds=2), [minute]) == [1]
        assert spool.samples("A") == seconds[2:]
        with pytest.raises(ValueError, match="does not fit"):
            spool.close_minute("A", NOON + timedelta(hours=1), [outgoing(b"x" * 70_000)])
        assert spool.samples("A") == seconds[2:]


def test_a_reading_that_nobody_claimed_is_sent_once_somebody_says_whose_it_is(
    tmp_path: Path,
) -> None:
    with Spool(tmp_path / "a") as spool:
        nobodys = Unclaimed(new_id(NOON), NOON, b"whose?", (1, 2))
        assert spool.add([nobodys]) == []
        assert (spool.unclaimed(), spool.depth()) == ([nobodys], 0)
        claimed = Outgoing(nobodys.reading_id, NOON, b"hers", slot=2, measured_at=NOON)
        assert spool.claim(claimed) == 1
        assert spool.claim(claimed) is None
        assert spool.unclaimed() == []
        assert [(held.seq, held.slot, held.payload) for held in spool.after(0, 9)] == [
            (1, 2, b"hers")
        ]


def test_a_stored_record_is_asked_about_once_however_often_its_device_sends_it(
    tmp_path: Path,
) -> None:
    def record(key: str, at: datetime) -> Unclaimed:
        return Unclaimed(new_id(at), at, key.encode(), (1, 2), key)

    with Spool(tmp_path / "a") as spool:
        spool.add([record("one", NOON)])
        spool.claim(Outgoing(spool.unclaimed()[0].reading_id, NOON, b"one", slot=NOBODY))
    with Spool(tmp_path / "a") as spool:
        later = NOON + timedelta(days=30)
        spool.add([record("one", later), record("two", later), record("two", later)])
        assert [nobodys.payload for nobodys in spool.unclaimed()] == [b"two"]
        assert [held.slot for held in spool.after(0, 9)] == [NOBODY]


def test_how_many_records_were_asked_about_is_bounded(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(spool_module, "ASKED_ABOUT_HOLDS", 2)
    with Spool(tmp_path / "a") as spool:
        for n, key in enumerate("abac"):
            at = NOON + timedelta(hours=n)
            spool.add([Unclaimed(new_id(at), at, key.encode(), (1, 2), key)])
        rows = spool._file.rows("select source_key from asked_about order by source_key")
        assert rows == [("a",), ("c",)]  # "a" came again later than "b"


def test_seconds_and_the_progress_they_make_are_kept_together(tmp_path: Path) -> None:
    second = Sample("A", 1, NOON, {Vital.SPO2: 96.0})
    with Spool(tmp_path / "a") as spool:
        spool.add_samples([second], Progress("film", NOON, 7))
    with Spool(tmp_path / "a") as spool:
        assert (spool.samples("A"), spool.progress("film")) == ([second], Progress("film", NOON, 7))


def test_the_home_remembers_what_became_of_a_reading_after_it_has_let_go_of_it(
    tmp_path: Path,
) -> None:
    later = NOON + timedelta(hours=2)
    entry = Outgoing(new_id(NOON), NOON, b"{}", slot=1, measured_at=NOON)
    with Spool(tmp_path / "a") as spool:
        spool.add([entry])
        assert spool.forget_kept(later) == 0  # the ward does not have it
        spool.settle([receipt(entry.reading_id)], NOON)
        seen = Receipt(reading_id=entry.reading_id, outcome=Outcome.KEPT, seen_at=later)
        assert spool.settle([seen], later) == []
        [kept] = spool.kept(1, NOON)
        assert (kept.receipted_at, kept.outcome, kept.seen_at) == (NOON, Outcome.KEPT, later)
        assert spool.kept(2, NOON) == []
        assert spool.forget_kept(later) == 1


def test_a_plan_is_only_ever_replaced_by_a_newer_one(tmp_path: Path) -> None:
    def plan(number: int) -> HeldPlan:
        return HeldPlan(1, number, NOON, b"%d" % number)

    with Spool(tmp_path / "a") as spool:
        assert [spool.keep_plan(plan(n)) for n in (3, 2, 3, 4)] == [True, False, False, True]
    with Spool(tmp_path / "a") as spool:
        assert spool.plans() == [plan(4)]
