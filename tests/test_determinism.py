"""Given the same inputs the same alerts come out: live, replayed, and from the ledger alone."""

from dataclasses import fields
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import func, select, text

from tests.factories import a_ward
from tests.replay.invented import Life
from ward_service.domain.alerts import AlertInPlay
from ward_service.replay.fold import Replayed, faithful
from ward_service.replay.history import blindness, histories
from ward_service.store.stays import alerts_of_ledger, findings_of
from ward_service.store.tables import AlertRow, EpisodeRow, LedgerRow, MessageRow, ReadingRow
from ward_service.ward import Ward

# What the row of an alert does not repeat: the ledger holds it.
LEDGER_ONLY = {"asked_at", "slot", "confirm_by", "lowest"}
NOT_OF_THE_RULES = ("admitted", "task done")


def replayed(ward: Ward, until: datetime) -> dict[Any, Replayed]:
    with ward.unit_of_work(read_only=True) as store:
        ids = [
            id_ for id_, _ in store.stays_between(datetime.min.replace(tzinfo=until.tzinfo), until)
        ]
        blind = blindness(store.blindness())
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
    written: dict[Any, list[Any]] = {}
    for line in lines:
        if line.alert_id or line.what not in NOT_OF_THE_RULES:
            of = line.alert_id or line.episode_id
            written.setdefault(of, []).append((line.at, line.by, line.what, line.words))
    said: dict[Any, list[Any]] = {}
    for id_, stay in again.items():
        for entry in stay.entries:
            of = entry.alert_id or id_
            said.setdefault(of, []).append((entry.at, entry.by, entry.what, entry.words))
    assert said == written
    assert {m.key: (m.at, m.to) for stay in again.values() for m in stay.messages} == keys


def as_row_names() -> list[str]:
    return [f.name for f in fields(AlertInPlay) if f.name not in LEDGER_ONLY]


@pytest.mark.parametrize("seed", [1, 2, 3, 4])
def test_live_replayed_and_recomputed_alerts_are_the_same(tmp_path: Path, seed: int) -> None:
    """Four times 2,500 patient-days: ten thousand."""
    ward = a_ward(tmp_path)
    life = Life(ward, seed)
    life.admit(100)
    until = life.live(25)
    must_be_the_same(ward, until)
    with ward.sessions() as session:
        readings = session.scalar(select(func.count()).select_from(ReadingRow)) or 0
        found = session.execute(select(LedgerRow.what, func.count()).group_by(LedgerRow.what)).all()
        ended = session.scalar(
            select(func.count()).select_from(EpisodeRow).where(EpisodeRow.ended_at.is_not(None))
        )
        seconds = session.execute(text("SELECT count(*) FROM act WHERE refused <> ''")).scalar_one()
    print(seed, readings, ended, seconds, dict(found))
