"""Given the same inputs the same alerts come out: live, replayed, and from the ledger alone."""

import re
from concurrent.futures import ProcessPoolExecutor
from dataclasses import fields
from datetime import datetime, timedelta
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import func, select
from sqlalchemy.event import listen

from tests.factories import NOON, a_home, a_reading, a_ward, minutes
from tests.ward_service.replay.invented import Life
from ward_service.contract.vocabulary import AlertClass, Source
from ward_service.domain.alerts import AlertInPlay
from ward_service.ingest.message import ArrivedMessage
from ward_service.pipeline import process_due_deadlines, take_batch
from ward_service.replay.fold import Replayed, faithful
from ward_service.replay.history import blindness, histories
from ward_service.store.alerts import alerts_of_ledger, findings_of
from ward_service.store.connect import engine_of
from ward_service.store.tables.alerts import AlertRow, LedgerRow
from ward_service.store.tables.homes import HomeTroubleRow
from ward_service.store.tables.messages import MessageRow
from ward_service.store.tables.readings import QuarantineRow, ReadingRow
from ward_service.store.tables.stays import ActRow
from ward_service.ward import Ward

# What the row of an alert does not repeat: the ledger holds it.
LEDGER_ONLY = {"asked_at", "slot", "confirm_by", "lowest", "vitals"}
NOT_OF_THE_RULES = ("admitted", "task done")


def replayed(ward: Ward, until: datetime) -> dict[Any, Replayed]:
    with ward.unit_of_work(read_only=True) as store:
        ids = [
            id_
            for id_, _ in store.history.stays_between(
                datetime.min.replace(tzinfo=until.tzinfo), until
            )
        ]
        blind = blindness(store.history.blindness())
        return {
            history.episode_id: faithful(history, ward.pathways[history.pathway], blind, until)
            for history in histories(store, ids)
        }


def as_row(alert: AlertInPlay) -> dict[str, Any]:
    """An alert of the rules, as its row keeps it."""
    names = [f.name for f in fields(alert) if f.name not in LEDGER_ONLY]
    return {name: getattr(alert, name) for name in names}


def must_be_the_same(ward: Ward, until: datetime) -> None:
    """Compare live alerts, ledger and calls with the replay, and with the ledger alone."""
    again = replayed(ward, until)
    with ward.sessions() as session:
        rows = session.scalars(select(AlertRow)).all()
        lines = session.scalars(select(LedgerRow).order_by(LedgerRow.id)).all()
        keys = {m.key: (m.due_at, m.to) for m in session.scalars(select(MessageRow))}
    live = {row.id: {name: getattr(row, name) for name in as_row_names()} for row in rows}
    for row in rows:
        live[row.id]["findings"] = findings_of(row)
    of_ledger = alerts_of_ledger((line.alert_id, line.change) for line in lines)
    assert {id_: as_row(alert) for id_, alert in of_ledger.items()} == live
    # When it was noticed depends on when somebody looked, and on nothing else.
    noticed = {id_: {**alert, "noticed_at": None} for id_, alert in live.items()}
    out = {id_: alert for stay in again.values() for id_, alert in stay.alerts.items()}
    assert {id_: {**as_row(a), "noticed_at": None} for id_, a in out.items()} == noticed
    written: dict[Any, list[Any]] = {id_: [] for id_ in again}
    for line in lines:
        if line.alert_id or line.what not in NOT_OF_THE_RULES:
            said = (line.alert_id, line.at, line.by, line.what, line.words)
            written[line.episode_id].append(said)
    said_again = {
        id_: [(e.alert_id, e.at, e.by, e.what, e.words) for e in stay.entries]
        for id_, stay in again.items()
    }
    assert said_again == written
    assert {m.key: (m.at, m.to) for stay in again.values() for m in stay.messages} == keys


def as_row_names() -> list[str]:
    return [f.name for f in fields(AlertInPlay) if f.name not in LEDGER_ONLY]


# What must have happened in a life, or it proves too little.
HAPPENED = {
    "opened", "opened for review", "called", "confirmed", "withdrawn", "worsened", "joined",
    "joined for review",
    "acknowledged", "came second", "taken over", "kept", "contact", "not reached", "re-opened",
    "owner reminded", "ladder resumed", "resolved", "overdue", "limits changed", "zone changed",
    "paused", "pause ended", "ended",
}  # fmt: skip


def quick(ward: Ward) -> Ward:
    """What is on the disk is not tested here: let the database not wait for it."""
    engine = engine_of(ward.sessions)
    listen(engine, "connect", lambda made, _: made.execute("PRAGMA synchronous = OFF"))
    engine.dispose()
    return ward


SEEDS, PEOPLE, DAYS = (1, 2, 3, 4), 100, 25


def a_life(folder: Path, seed: int) -> tuple[set[str], tuple[int, ...]]:
    """Live through one ward and compare; return what happened, and how often what is rare."""
    ward = quick(a_ward(folder))
    life = Life(ward, seed)
    life.admit(PEOPLE)
    must_be_the_same(ward, life.live(DAYS))
    with ward.sessions() as session:
        happened = set(session.scalars(select(LedgerRow.what).distinct()))
        rare = (
            select(func.count()).where(ActRow.refused != ""),
            select(func.count()).where(QuarantineRow.times > 1),
            select(func.count()).where(ReadingRow.late),
            select(func.count()).where(ReadingRow.time_doubtful),
            select(func.count()).where(HomeTroubleRow.about == "home.missing"),
            select(func.count()).where(HomeTroubleRow.about == "home.whose"),
            select(func.count()).where(HomeTroubleRow.about.startswith("home.battery_low")),
            select(func.count()).where(ReadingRow.source == Source.STAFF_PHONE),
            select(func.count()).where(ReadingRow.source == Source.PAPER),
        )
        counts = tuple(session.scalar(query) or 0 for query in rare)
    engine_of(ward.sessions).dispose()
    return happened, counts


def test_live_replayed_and_recomputed_alerts_are_the_same(tmp_path: Path) -> None:
    """Ten thousand patient-days of four hundred invented people, in four lives."""
    with ProcessPoolExecutor(2, get_context("spawn")) as pool:
        lives = list(pool.map(a_life, [tmp_path / str(seed) for seed in SEEDS], SEEDS))
    assert len(SEEDS) * PEOPLE * DAYS == 10_000
    assert set.union(*(happened for happened, _ in lives)) >= HAPPENED
    assert all(min(counts) > 0 for _, counts in lives)


OXIMETERS = (1, 2, 4, 5)  # the third was not connected
SUBJECTS = (100001, 100002, 100003, 100004)
SAMPLE = re.compile(r"^ ?(\d\d):(\d\d):(\d\d),")


@pytest.mark.recordings
def test_the_recordings_give_the_same_alerts_again(tmp_path: Path, recordings: Path) -> None:
    """Sixteen oximeters, every sample a reading, through the pipeline, a minute at a time."""
    ward = quick(a_ward(tmp_path))
    arrives: dict[int, list[ArrivedMessage]] = {}
    for subject in SUBJECTS:
        lines = (recordings / f"uw_raw/{subject}.csv").read_text(encoding="utf-8-sig").splitlines()
        samples = [line.split(",") for line in lines if SAMPLE.match(line)]
        for oximeter in OXIMETERS:
            home = a_home(ward, f"home-{subject}-{oximeter}")
            for n, row in enumerate(samples):
                reading = a_reading(float(row[oximeter]), None, at=NOON + timedelta(seconds=n))
                arrives.setdefault(n // 60, []).append(home.sends(reading))
    now = NOON
    for minute, batch in sorted(arrives.items()):
        now = NOON + minutes(minute + 1)
        take_batch(ward, batch, now)
        if minute % 3 == 0:
            process_due_deadlines(ward, now)
    until = now + timedelta(hours=8)
    process_due_deadlines(ward, until)
    must_be_the_same(ward, until)
    with ward.sessions() as session:
        assert session.scalar(select(func.count()).select_from(ReadingRow)) == 17_172
        opened = select(func.count()).where(AlertRow.alert_class == AlertClass.PHYSIOLOGICAL)
        assert (session.scalar(opened) or 0) >= 16
    engine_of(ward.sessions).dispose()
