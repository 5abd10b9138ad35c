"""Somebody who has gone quiet is reminded by text message: the whole ward, and Notify beside it."""

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from time import sleep

import pytest
from sqlalchemy import select

from tests.fakes.notify import API_KEY, SECRET, SERVICE, TEMPLATE, NotifyServer
from tests.journeys.house import House
from tests.journeys.short_windows import Ward, eventually, seconds
from ward_service.contract.vocabulary import PATIENT, Channel
from ward_service.store.connect import connect, engine_of
from ward_service.store.tables.messages import MessageRow

BEGAN = datetime(2026, 11, 24, 12, 59, 50, tzinfo=UTC)  # ten seconds before an agreed time
QUIET, HOSPITAL = "home-01", "home-02"
NUMBERS = {QUIET: "07700 900001", HOSPITAL: "07700 900002"}  # kept for drama


@pytest.fixture
def notify() -> Iterator[NotifyServer]:
    made = NotifyServer()
    yield made
    made.close()


@pytest.fixture
def ward(house: House, notify: NotifyServer, tmp_path: Path) -> Iterator[Ward]:
    key = tmp_path / "notify-key"
    key.touch(mode=0o600)
    key.write_text(API_KEY)
    house.more |= {
        "HOMEWARD_NOTIFY_URL": notify.url,
        "HOMEWARD_NOTIFY_API_KEY_FILE": str(key),
        "HOMEWARD_NOTIFY_TEMPLATE_ID": TEMPLATE,
        "HOMEWARD_NOTIFY_TIMEOUT_S": "1",
    }
    opened = Ward.open(house, BEGAN, list(NUMBERS))
    for gateway, number in NUMBERS.items():
        opened.admit(gateway, reach="sms", phone=number)
    yield opened
    opened.close()


def reminders(ward: Ward, gateway: str) -> list[MessageRow]:
    sessions = connect(ward.house.url)
    mine = (MessageRow.episode_id == ward.stays[gateway]) & (MessageRow.to == PATIENT)
    with sessions() as session:
        found = list(session.scalars(select(MessageRow).where(mine).order_by(MessageRow.due_at)))
    engine_of(sessions).dispose()
    return found


def two_that_arrived(ward: Ward) -> list[MessageRow] | None:
    first = reminders(ward, QUIET)[:2]
    return first if len(first) == 2 and all(row.arrived_at for row in first) else None


def test_who_is_overdue_is_reminded_by_text_at_the_pathways_times_and_nobody_in_hospital(
    ward: Ward, notify: NotifyServer
) -> None:
    pause = {"reason": "in_hospital", "until": (ward.now() + seconds(3_600)).isoformat()}
    ward.ask("POST", f"/episodes/{ward.stays[HOSPITAL]}/pause", status=204, json=pause)
    assert len(notify.wait_for(2, 30)) == 2
    first, second = eventually(lambda: two_that_arrived(ward), 30)
    due = ward.first_due[QUIET]
    assert [first.due_at, second.due_at] == [due + seconds(3), due + seconds(6)]
    for row in (first, second):
        assert row.channel is Channel.SMS
        assert row.sent_at is not None
        assert row.not_after is not None
        assert row.due_at <= row.sent_at <= row.not_after
    assert "We have not had your reading yet." in notify.texts[0].body
    assert "We still have not had your reading." in notify.texts[1].body
    assert {text.number for text in notify.texts} == {"+447700900001"}
    assert reminders(ward, HOSPITAL) == []
    assert ward.house.ward
    log = ward.house.ward.log.read_text()
    assert '"message.sent"' in log
    assert '"message.arrived"' in log
    secrets = ("900001", "900002", SECRET, SERVICE, "Bearer", "your reading")
    assert [secret for secret in secrets if secret in log] == []


def test_a_ward_that_is_killed_after_notify_took_a_text_sends_no_second_one(
    ward: Ward, notify: NotifyServer
) -> None:
    notify.answering.clear()
    assert notify.wait_for(1, 30)
    ward.house.kill_ward()
    notify.answering.set()
    taken = len(notify.texts)  # the other home's reminder may have been taken too
    asked = notify.count("GET")
    ward.house.start_ward()
    eventually(lambda: reminders(ward, QUIET)[0].sent_at and reminders(ward, HOSPITAL)[0].sent_at)
    sleep(1)  # whoever would send a second one does it now
    assert notify.count("GET") >= asked + taken
    references = [text.reference for text in notify.texts]
    assert len(references) == len(set(references))
