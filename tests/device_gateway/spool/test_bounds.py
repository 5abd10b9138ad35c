"""A spool that is nearly full makes traces shorter; a full one refuses aloud. Promise 1."""

import sqlite3
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import UUID

import pytest

from device_gateway.spool.bounds import BESIDE, LEAST_ROOM, MB, NEARLY, Bounds, Extent, Fullness
from device_gateway.spool.bounds import fullness as fullness_of
from device_gateway.spool.bounds import room as room_of
from device_gateway.spool.file import SpoolFullError
from device_gateway.spool.records import HeldPlan, Outgoing, Sample, Unclaimed
from device_gateway.spool.spool import KEPT_LEAST, Spool
from tests.device_gateway.spool.test_condense import a_trace, wire
from ward_service.contract.ids import new_id
from ward_service.contract.messages import Receipt, Trace
from ward_service.contract.vocabulary import Outcome, Vital

NOON = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)
SMALL = Bounds(max_bytes=2 * MB, keep_free_bytes=0, ballast_bytes=MB)
EIGHTH = int(NEARLY * Bounds().max_bytes)
MINUTE = tuple(float(90 + n % 9) for n in range(60))


def a_minute(n: int = 0) -> Outgoing:
    trace = a_trace(spo2=MINUTE, pulse_rate=MINUTE, perfusion_index=MINUTE)
    return Outgoing(trace.reading_id, NOON + timedelta(minutes=n), wire(trace), slot=1)


def a_reading(n: int = 0, size: int = 1_000) -> Outgoing:
    return Outgoing(new_id(NOON), NOON + timedelta(seconds=n), b"x" * size)


def receipts(ids: list[UUID]) -> list[Receipt]:
    return [Receipt(reading_id=id_, outcome=Outcome.KEPT) for id_ in ids]


def fill(spool: Spool) -> list[UUID]:
    """Add readings, one a transaction, until the spool refuses; return what it then holds."""
    for n in range(20_000):
        kept = a_reading(n)
        try:
            spool.add([kept])
        except SpoolFullError:
            return [held.reading_id for held in spool.after(0, n + 9)]
    raise AssertionError("it has no bound")


@pytest.mark.parametrize(
    ("left", "rising", "falling"),
    [
        (LEAST_ROOM - 1, Fullness.FULL, Fullness.FULL),
        (LEAST_ROOM, Fullness.NEARLY_FULL, Fullness.NEARLY_FULL),
        (EIGHTH - 1, Fullness.NEARLY_FULL, Fullness.NEARLY_FULL),
        (EIGHTH, Fullness.ROOMY, Fullness.NEARLY_FULL),
        (2 * EIGHTH, Fullness.ROOMY, Fullness.ROOMY),
    ],
)
def test_how_full_is_said_by_what_is_left(left: int, rising: Fullness, falling: Fullness) -> None:
    assert fullness_of(left, Bounds(), Fullness.ROOMY) is rising
    assert fullness_of(left, Bounds(), Fullness.NEARLY_FULL) is falling


def test_both_the_bound_and_the_disk_leave_room_and_the_lesser_counts() -> None:
    bounds = Bounds(max_bytes=10 * MB, keep_free_bytes=2 * MB)
    extent = Extent(used=4 * MB, spare=MB, growth=MB, on_disk=5 * MB, free=100 * MB)
    assert room_of(extent, bounds) == 10 * MB - BESIDE - 4 * MB
    tight = Extent(used=4 * MB, spare=MB, growth=MB // 2, on_disk=5 * MB, free=3 * MB)
    assert room_of(tight, bounds) == 3 * MB + MB - MB // 2 - 2 * MB


def summaries(spool: Spool) -> list[bool]:
    held = spool.after(0, 9_999)
    return [Trace.model_validate_json(h.payload).summary_of == 60 for h in held]


def test_a_nearly_full_spool_makes_the_oldest_traces_shorter_in_their_place(
    tmp_path: Path,
) -> None:
    minutes = [a_minute(n) for n in range(1_000)]
    whole = sum(len(minute.payload) for minute in minutes)
    assert whole > 1.5 * (SMALL.max_bytes - BESIDE)  # more than it could hold as it came
    with Spool(tmp_path / "a", SMALL) as spool:
        for n in range(0, 450, 5):
            spool.add(minutes[n : n + 5])
        shortened = summaries(spool)
        assert shortened[:64] == [True] * 64  # the oldest first
        assert False in shortened
        for n in range(450, 1_000, 5):
            spool.add(minutes[n : n + 5])
        held = spool.after(0, 9_999)
        assert [h.seq for h in held] == list(range(1, 1_001))  # no gap, no new number
        assert [h.reading_id for h in held] == [m.reading_id for m in minutes]
        assert {h.slot for h in held} == {1}
        first = Trace.model_validate_json(held[0].payload)
        assert first.samples[Vital.SPO2] == (90, 90, 90, 90, 90, 90)
        assert spool.oldest_at() == NOON
        assert spool.size() <= SMALL.max_bytes


WRITER = """
import sys
from pathlib import Path
from device_gateway.spool.spool import Spool
from tests.device_gateway.spool.test_bounds import SMALL, a_minute
with Spool(Path(sys.argv[1]), SMALL) as spool:
    for n in range(400):
        minute = a_minute(n)
        spool.add([minute])
        print(minute.reading_id, flush=True)
"""


def test_a_home_killed_while_it_makes_traces_shorter_loses_none(tmp_path: Path) -> None:
    said: list[str] = []
    for n in range(4):
        writer = subprocess.Popen(
            [sys.executable, "-c", WRITER, str(tmp_path / "a")],
            cwd=Path(__file__).parents[3],
            stdout=subprocess.PIPE,
            text=True,
        )
        assert writer.stdout is not None
        lines = [writer.stdout.readline() for _ in range(200 + 7 * n)]
        writer.kill()
        said += [line.strip() for line in (*lines, *writer.stdout)]
        writer.stdout.close()
        writer.wait()
    said = [id_ for id_ in said if len(id_) == 36]
    with Spool(tmp_path / "a", SMALL) as spool:
        held = spool.after(0, 9_999)
        assert any(summaries(spool))
    assert [h.seq for h in held] == list(range(1, len(held) + 1))
    ids = [str(h.reading_id) for h in held]
    assert [id_ for id_ in ids if id_ in set(said)] == said
    assert len(ids) - len(said) <= 4  # one of a life may be saved and not yet said


def test_a_nearly_full_spool_takes_new_traces_as_summaries_and_readings_as_they_are(
    tmp_path: Path,
) -> None:
    with Spool(tmp_path / "a", SMALL) as spool:
        while spool.fullness() is Fullness.ROOMY:
            spool.add([a_reading(size=20_000)])
        minute, other = a_minute(), a_minute()
        spool.add([minute, Unclaimed(other.reading_id, NOON, other.payload, (1, 2))])
        spool.add([a_reading(size=7)])
        [*_, held, last] = spool.after(0, 999)
        assert Trace.model_validate_json(held.payload).summary_of == 60
        [unclaimed] = spool.unclaimed()
        assert Trace.model_validate_json(unclaimed.payload).summary_of == 60
        assert last.payload == b"x" * 7


def test_a_full_spool_refuses_aloud_still_advises_and_takes_again(tmp_path: Path) -> None:
    plan = HeldPlan(1, 7, NOON, b"plan")
    with Spool(tmp_path / "a", SMALL) as spool:
        spool.keep_plan(plan)
        kept = fill(spool)
        assert spool.fullness() is Fullness.FULL
        with pytest.raises(SpoolFullError, match="is full; what it holds is safe"):
            spool.add([a_reading(size=20_000)])
        second = Sample("A", 1, NOON, {Vital.SPO2: 96.0})
        with pytest.raises(SpoolFullError):
            spool.add([Unclaimed(new_id(NOON), NOON, b"y" * 60_000, (1, 2))])
        with pytest.raises(SpoolFullError):
            spool.add_samples([second] * 2_000)
        with pytest.raises(SpoolFullError):
            spool.close_minute("A", NOON, [a_reading(size=60_000)])
        assert (spool.depth(), spool.last_seq) == (len(kept), len(kept))
        assert spool.unclaimed() == []
        assert spool.samples("A") == []
        assert spool.plans() == [plan]
        assert spool.keep_plan(HeldPlan(1, 8, NOON, b"newer"))
        spool.settle(receipts(kept[:300]), NOON)
        assert spool.fullness() is not Fullness.FULL
        assert spool.add([a_reading()]) == [len(kept) + 1]
        assert [h.seq for h in spool.after(0, 1)] == [301]


def test_a_minute_that_takes_less_room_than_its_seconds_is_closed_in_a_full_spool(
    tmp_path: Path,
) -> None:
    with Spool(tmp_path / "a", SMALL) as spool:
        seconds = [
            Sample("A", 1, NOON + timedelta(seconds=n), {Vital.SPO2: 96.0}) for n in range(600)
        ]
        spool.add_samples(seconds)
        fill(spool)
    with Spool(tmp_path / "a", Bounds(max_bytes=MB, ballast_bytes=MB)) as spool:  # less than it has
        with pytest.raises(SpoolFullError):
            spool.add([a_reading(size=20_000)])
        assert spool.close_minute("A", NOON + timedelta(hours=1), [a_minute()])
        assert spool.samples("A") == []


def test_the_file_grows_to_its_bound_and_shrinks_again(tmp_path: Path) -> None:
    def on_disk() -> int:
        return sum(f.stat().st_size for f in tmp_path.iterdir() if "ballast" not in f.name)

    with Spool(tmp_path / "a", SMALL) as spool:
        fill(spool)
        assert SMALL.max_bytes * 0.8 < on_disk() <= SMALL.max_bytes
        while held := spool.after(0, 100):
            spool.settle(receipts([h.reading_id for h in held]), NOON)
    assert (tmp_path / "a").stat().st_size < 0.5 * MB
    assert not (tmp_path / "a-wal").exists()


def test_what_the_home_looks_back_on_goes_first_the_oldest_of_it_but_not_all(
    tmp_path: Path,
) -> None:
    with Spool(tmp_path / "a", SMALL) as spool:
        looked_at = [
            Outgoing(new_id(NOON), NOON, b"x" * 500, 1, NOON + timedelta(minutes=n))
            for n in range(KEPT_LEAST + 100)
        ]
        spool.add(looked_at)
        spool.settle(receipts([entry.reading_id for entry in looked_at]), NOON)
        waiting = Outgoing(new_id(NOON), NOON, b"old", 1, NOON - timedelta(days=1))
        spool.add([waiting])
        fill(spool)
        left = [kept.reading_id for kept in spool.kept(1, NOON - timedelta(days=9))]
        expected = [waiting, *looked_at[-(KEPT_LEAST - 1) :]]
        assert left == [entry.reading_id for entry in expected]


def test_the_home_looks_back_on_days_and_on_so_many_rows(tmp_path: Path) -> None:
    bounds = Bounds(kept_days=2, kept_rows=5)
    with Spool(tmp_path / "a", bounds) as spool:
        entries = [
            Outgoing(new_id(NOON), NOON, b"%d" % n, 1, NOON - timedelta(hours=6 * n))
            for n in range(12)
        ]
        spool.add(entries)
        assert spool.kept_within(NOON) == 0  # the ward has none of it
        spool.settle(receipts([entry.reading_id for entry in entries[:11]]), NOON)
        assert spool.kept_within(NOON) == 7
        left = [kept.payload for kept in spool.kept(1, NOON - timedelta(days=9))]
        assert left == [b"11", b"3", b"2", b"1", b"0"]


def test_the_traces_of_an_older_spool_can_be_made_shorter_too(tmp_path: Path) -> None:
    with Spool(tmp_path / "a", SMALL) as spool:
        spool.add([a_minute(), a_reading()])
    with sqlite3.connect(tmp_path / "a") as db:  # as version 2 left it
        db.execute("drop table asked_about")
        db.execute("alter table kept drop column seq")
        db.execute("drop index outbox_condensable")
        db.execute("drop index kept_receipted")
        db.execute("alter table outbox drop column condensable")
        db.execute("pragma user_version = 2")
    db.close()
    with Spool(tmp_path / "a", SMALL) as spool:
        while spool.fullness() is Fullness.ROOMY:
            spool.add([a_reading(size=20_000)])
        spool.add([a_reading()])
        [minute, reading] = spool.after(0, 2)
        assert Trace.model_validate_json(minute.payload).summary_of == 60
        assert reading.payload == b"x" * 1_000


def test_a_spool_that_could_not_shrink_is_written_anew_once(tmp_path: Path) -> None:
    with Spool(tmp_path / "a") as spool:
        spool.add([a_reading()])
    with sqlite3.connect(tmp_path / "a", isolation_level=None) as db:  # as it was made before
        db.execute("pragma auto_vacuum = none")
        db.execute("vacuum")
        assert db.execute("pragma auto_vacuum").fetchone() == (0,)
    db.close()
    with Spool(tmp_path / "a") as spool:
        assert spool.depth() == 1
        assert spool._file.rows("pragma auto_vacuum") == [(2,)]
