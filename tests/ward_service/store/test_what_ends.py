"""What ends, ends in the store as well: timers, and calls that wait. On both databases."""

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import select

from tests.factories import NOON, Home, a_home, a_reading, a_ward, minutes
from tests.ward_service.domain.fold import HOUR
from ward_service.contract.vocabulary import AlertState, EndReason, PauseReason
from ward_service.domain.inputs import Acknowledged, Ended, Paused
from ward_service.pipeline import process_due_deadlines, take_batch
from ward_service.stays.acts import act, act_on_stay
from ward_service.store.connect import engine_of
from ward_service.store.tables.alerts import AlertRow, TimerRow
from ward_service.store.tables.messages import MessageRow
from ward_service.store.tables.stays import EpisodeRow
from ward_service.ward import Ward


def at(hour: float, day: int = 24) -> datetime:
    return datetime(2026, 11, day, tzinfo=UTC) + hour * HOUR


@pytest.fixture
def ward(tmp_path: Path, database_url: str) -> Iterator[Ward]:
    opened = a_ward(tmp_path, database_url)
    yield opened
    engine_of(opened.sessions).dispose()


@pytest.fixture
def home(ward: Ward) -> Home:
    return a_home(ward)


def rows(ward: Ward, table: Any) -> list[Any]:
    with ward.sessions() as session:
        return list(session.scalars(select(table)))


def waiting(ward: Ward) -> list[str]:
    return [m.to for m in rows(ward, MessageRow) if m.sent_at is None and m.stopped_at is None]


def steps_due(ward: Ward) -> list[TimerRow]:
    return [t for t in rows(ward, TimerRow) if t.taken_at is None and t.stopped_at is None]


def the_stay(ward: Ward) -> UUID:
    [row] = rows(ward, EpisodeRow)
    id_: UUID = row.id
    return id_


def a_red_at_home(ward: Ward, home: Home) -> AlertRow:
    take_batch(ward, [home.sends(a_reading(91, at=NOON))], NOON)
    process_due_deadlines(ward, NOON + minutes(6))
    [alert] = rows(ward, AlertRow)
    assert isinstance(alert, AlertRow)
    return alert


def test_an_acknowledgement_stops_the_step_that_was_due_and_the_call_that_waits(
    ward: Ward, home: Home
) -> None:
    alert = a_red_at_home(ward, home)
    assert (waiting(ward), len(steps_due(ward))) == (["ward_nurse"], 1)
    act(ward, alert.id, Acknowledged(alert.id, "nurse-3", alert.version), "key-0001", at(12.2))
    assert (waiting(ward), steps_due(ward)) == ([], [])


@pytest.mark.parametrize("reason", [EndReason.DIED, EndReason.MOVED_AREA])
def test_the_end_of_a_stay_ends_its_timers_and_its_messages(
    ward: Ward, home: Home, reason: EndReason
) -> None:
    a_red_at_home(ward, home)
    process_due_deadlines(ward, at(19.5))  # overdue and reminded by now
    assert "patient" in waiting(ward)
    ended = Ended("nurse-3", reason, "Seen at home.", "yes", True)
    act_on_stay(ward, the_stay(ward), ended, "key-0002", at(19.6))
    assert (waiting(ward), steps_due(ward)) == ([], [])
    assert {alert.state for alert in rows(ward, AlertRow)} == {AlertState.RESOLVED}
    process_due_deadlines(ward, at(12, 28))
    assert (waiting(ward), steps_due(ward)) == ([], [])


def test_a_pause_stops_the_reminder_that_waits_and_no_call_about_a_red(
    ward: Ward, home: Home
) -> None:
    a_red_at_home(ward, home)
    process_due_deadlines(ward, at(15.1))
    process_due_deadlines(ward, at(19.1))
    assert "patient" in waiting(ward)
    paused = Paused("nurse-3", PauseReason.IN_HOSPITAL, at(12, 26))
    act_on_stay(ward, the_stay(ward), paused, "key-0003", at(19.2))
    assert "patient" not in waiting(ward)
    assert "ward_doctor" in waiting(ward)
    assert len(steps_due(ward)) == 1


def test_a_ward_that_comes_back_after_two_days_floods_nobody(ward: Ward, home: Home) -> None:
    a_red_at_home(ward, home)
    before = {m.key for m in rows(ward, MessageRow)}
    process_due_deadlines(ward, at(12, 26))
    written = [m for m in rows(ward, MessageRow) if m.key not in before]
    assert len(written) > 100  # every call is on paper
    new = [m for m in written if m.stopped_at is None]
    # One to each about each alert; of the reminders only the latest, if it still is of use.
    assert len({(m.alert_id, m.to) for m in new}) == len(new)
    assert len(new) <= 8
    reminders = [m for m in written if m.to == "patient" and m.alert_id is None]
    assert all(m.stopped_at is not None or m.not_after >= at(12, 26) for m in reminders)


def test_a_reminder_that_is_past_its_use_is_not_sent(ward: Ward, home: Home) -> None:
    take_batch(ward, [home.sends(a_reading(97, at=NOON))], NOON)
    process_due_deadlines(
        ward, at(23, 24) + minutes(1)
    )  # the second reminder of five o'clock: until 23
    reminders = [m for m in rows(ward, MessageRow) if m.to == "patient" and m.alert_id is None]
    assert [m.due_at for m in reminders] == [at(19), at(21)]
    assert [m.problem for m in reminders] == ["too late to be of use"] * 2
