"""The worker's tick, and what it does about a database that goes away."""

from datetime import timedelta
from pathlib import Path
from threading import Event, Thread

import pytest
from sqlalchemy import select

from tests.factories import NOON, a_home, a_reading, a_ward, minutes
from ward_service import worker
from ward_service.contract.clock import demo_clock
from ward_service.contract.vocabulary import AlertState
from ward_service.pipeline import take_batch
from ward_service.store.connect import connect, engine_of
from ward_service.store.tables.alerts import AlertRow
from ward_service.store.tables.runtime import BlindRow, HeartbeatRow
from ward_service.ward import Ward


@pytest.fixture
def ward(tmp_path: Path) -> Ward:
    opened = a_ward(tmp_path)
    opened.clock = demo_clock(opened.clock.wall(), NOON, 1.0)
    return opened


def test_a_tick_confirms_who_did_not_repeat_and_finds_who_is_silent(ward: Ward) -> None:
    reported = a_home(ward, "home-01")
    a_home(ward, "home-02")
    take_batch(ward, [reported.sends(a_reading(91))], NOON)
    worker.tick(ward, NOON + minutes(121))
    with ward.sessions() as session:
        found = {(a.alert_class, a.state) for a in session.scalars(select(AlertRow))}
    assert found == {("physiological", AlertState.OPEN), ("missing", AlertState.OPEN)}


def test_more_people_than_one_look_takes_are_all_looked_at(
    ward: Ward, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(worker, "AT_ONCE", 3)
    for n in range(10):
        a_home(ward, f"home-{n:02d}")
    worker.tick(ward, NOON + minutes(121))
    with ward.sessions() as session:
        assert len(session.scalars(select(AlertRow)).all()) == 10


def test_a_worker_lives_through_a_database_that_goes_away(
    ward: Ward, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(worker, "TICK_S", 0.01)
    monkeypatch.setattr(worker, "BEAT_S", 0.0)
    whole = ward.sessions
    ward.sessions = connect("postgresql://nobody@127.0.0.1:1/nowhere?connect_timeout=2")
    stop = Event()
    thread = Thread(target=worker.run_worker, args=(ward, stop))
    thread.start()
    assert not stop.wait(0.5)
    assert thread.is_alive()
    ward.sessions = whole
    stop.wait(0.5)
    stop.set()
    thread.join(10)
    with whole() as session:
        assert session.get(HeartbeatRow, worker.STAGE) is not None
    engine_of(whole).dispose()


@pytest.mark.parametrize(("away_s", "blind"), [(59, False), (61, True)])
def test_only_a_real_absence_is_called_blindness(ward: Ward, away_s: int, blind: bool) -> None:
    wall = ward.clock.wall() - timedelta(seconds=away_s)
    with ward.unit_of_work() as store:
        store.add(HeartbeatRow(stage=worker.STAGE, at=NOON - minutes(5), wall_at=wall))
    worker.note_blindness(ward, worker.STAGE)
    with ward.sessions() as session:
        rows = session.scalars(select(BlindRow)).all()
    assert bool(rows) is blind
    if rows:
        assert rows[0].blind_from == NOON - minutes(5)
