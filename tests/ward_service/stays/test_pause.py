"""What a pause stops of the calls that wait: reminders, never what an alert says of a red."""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import select

from tests.factories import NOON, Home, a_home, a_reading, a_ward, minutes
from ward_service.contract.vocabulary import PATIENT, PauseReason
from ward_service.domain.inputs import Paused
from ward_service.pipeline import process_due_deadlines, take_batch
from ward_service.stays.acts import act_on_stay
from ward_service.store.connect import engine_of
from ward_service.store.tables.messages import MessageRow
from ward_service.store.tables.stays import EpisodeRow
from ward_service.ward import Ward

TONIGHT = NOON + timedelta(hours=10)  # the ward is closed: the patient and on call are told
IN_DAYS = NOON + timedelta(days=3)


@pytest.fixture
def ward(tmp_path: Path, database_url: str) -> Iterator[Ward]:
    opened = a_ward(tmp_path, database_url)
    yield opened
    engine_of(opened.sessions).dispose()


@pytest.fixture
def home(ward: Ward) -> Home:
    return a_home(ward)


def pause(ward: Ward, reason: PauseReason, minute: float) -> None:
    with ward.sessions() as session:
        episode_id = session.scalars(select(EpisodeRow.id)).one()
    act_on_stay(ward, episode_id, Paused("nurse", reason, IN_DAYS), "key", NOON + minutes(minute))


def still_to_be_said(ward: Ward) -> set[tuple[str, str]]:
    with ward.sessions() as session:
        waiting = select(MessageRow).where(MessageRow.stopped_at.is_(None))
        return {(row.to, row.text_id) for row in session.scalars(waiting)}


@pytest.mark.parametrize("reason", [PauseReason.TRAVELLING, PauseReason.OTHER])
def test_a_pause_does_not_mute_a_red(ward: Ward, home: Home, reason: PauseReason) -> None:
    pause(ward, reason, 1)
    take_batch(ward, [home.sends(a_reading(88, at=TONIGHT))], TONIGHT)
    assert still_to_be_said(ward) == {(PATIENT, "out_of_hours.red"), ("on_call", "call.red")}


def test_nobody_writes_to_a_patient_in_hospital(ward: Ward, home: Home) -> None:
    pause(ward, PauseReason.IN_HOSPITAL, 1)
    take_batch(ward, [home.sends(a_reading(88, at=TONIGHT))], TONIGHT)
    assert still_to_be_said(ward) == {("on_call", "call.red")}


@pytest.mark.parametrize("reason", list(PauseReason))
def test_a_pause_stops_the_reminders_that_wait(ward: Ward, home: Home, reason: PauseReason) -> None:
    # Due at 13:00, so reminded at 15:00.
    process_due_deadlines(ward, NOON + minutes(181))
    assert (PATIENT, "remind.first") in still_to_be_said(ward)
    pause(ward, reason, 182)
    assert still_to_be_said(ward) == set()
