"""What waits is sent once, to somebody, in time; and when nobody can be reached, that is said."""

import json
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import datetime, timedelta
from threading import Barrier, Event, Thread
from types import SimpleNamespace
from typing import cast

import pytest
from fastapi import Request
from sqlalchemy import update

from tests.factories import COH, a_reading
from tests.fakes.doors import MailServer, WebhookReceiver
from tests.ward_service.notify.desk import Desk
from ward_service.api.board import BoardCache, get_board
from ward_service.api.health import health
from ward_service.contract.clock import Clock
from ward_service.contract.http.board import HealthView
from ward_service.contract.vocabulary import PATIENT, AlertState, Channel, Level
from ward_service.domain.state import Message
from ward_service.domain.texts import text_for
from ward_service.errors import NotifyError
from ward_service.notify import outbox
from ward_service.notify.notifier import OutgoingMessage
from ward_service.notify.phone import words_by_stay
from ward_service.pipeline import take_batch
from ward_service.store.connect import connect, engine_of
from ward_service.store.stays import state_of
from ward_service.store.tables.alerts import AlertRow
from ward_service.store.tables.runtime import HeartbeatRow
from ward_service.store.tables.stays import EpisodeRow, PatientRow
from ward_service.ward import Ward

NURSE, DOCTOR = "nurse-3@anytown.example", "doctor-1@anytown.example"


class _Asked:
    """A request, as far as the ward list looks at it."""

    def __init__(self, cache: BoardCache) -> None:
        self.app = SimpleNamespace(state=SimpleNamespace(board=cache))


def said(desk: Desk) -> HealthView:
    with desk.ward.unit_of_work() as store:
        for stage in ("ingest", "worker", "notify"):
            store.runtime.beat(stage, desk.clock.at, desk.clock.at)
        return health(desk.ward, store)


def write(desk: Desk, message: Message) -> None:
    """Write a message about the first stay there is."""
    episode_id = desk.messages()[0].episode_id
    with desk.ward.unit_of_work() as store:
        store.calls.add(episode_id, [message], desk.clock.at)


def a_reminder(desk: Desk, key: str = "reminder", valid_min: float = 120) -> Message:
    not_after = desk.clock.at + timedelta(minutes=valid_min)
    return Message(key, desk.clock.at, PATIENT, (), "remind.first", not_after)


def the_patient(desk: Desk, **values: object) -> None:
    with desk.ward.sessions.begin() as session:
        session.execute(update(PatientRow).values(**values))


# --- claim, send, mark ---------------------------------------------------------------------------


def test_a_call_goes_out_once_under_its_key_and_names_nobody(
    desk: Desk, receiver: WebhookReceiver
) -> None:
    desk.on_the_roster("ward_nurse", Channel.WEBHOOK, receiver.url)
    alert_id = desk.red()
    assert desk.sends() == 1
    assert desk.sends() == 0
    [post] = receiver.posts
    assert post.key == f"{alert_id}:1:0:ward_nurse"
    text = json.loads(post.body)["text"]
    assert text == f"{COH.text('call.red', None)} Reference: {str(alert_id)[-6:].upper()}."
    row = desk.message()
    assert (row.sent_at, row.channel, row.problem) == (desk.clock.at, Channel.WEBHOOK, None)


def test_a_sender_that_dies_between_send_and_mark_sends_again_under_the_same_key(
    desk: Desk, receiver: WebhookReceiver
) -> None:
    desk.on_the_roster("ward_nurse", Channel.WEBHOOK, receiver.url)
    desk.red()
    [claimed] = desk.claims()
    assert outbox.send(desk.ward, desk.channels, claimed)
    # Here it dies. Its lease is twice the timeout of two seconds.
    desk.clock.moves(3.9)
    assert desk.sends() == 0
    desk.clock.moves(0.2)
    assert desk.sends() == 1
    assert len(receiver.posts) == 2
    assert len(set(receiver.keys)) == 1
    assert desk.message().sent_at == desk.clock.at


def test_a_sender_that_was_frozen_beyond_its_lease_sends_nothing(
    desk: Desk, receiver: WebhookReceiver
) -> None:
    desk.on_the_roster("ward_nurse", Channel.WEBHOOK, receiver.url)
    desk.red()
    [frozen] = desk.claims()
    desk.clock.moves(4)
    assert not outbox.send(desk.ward, desk.channels, frozen)  # another may have it by now
    [other] = desk.claims()
    assert not outbox.send(desk.ward, desk.channels, frozen)
    assert outbox.send(desk.ward, desk.channels, other)
    failure = NotifyError("too late to say so", permanent=True)
    outbox.settle(desk.ward, frozen, failure, desk.clock.at, desk.clock.at)
    assert desk.message().leased_until == other.lease
    assert len(receiver.posts) == 1


def test_two_senders_never_both_hold_a_message(desk: Desk, receiver: WebhookReceiver) -> None:
    desk.on_the_roster("ward_nurse", Channel.WEBHOOK, receiver.url)
    for _ in range(12):
        desk.red()
    url = desk.ward.settings.database
    others = [connect(url) for _ in range(2)]
    wards = [
        Ward(w.settings, w.clock, sessions, w.secret, w.pathways, w.current)
        for w in [desk.ward]
        for sessions in others
    ]
    together = Barrier(2)
    held: list[str] = []

    def claims(ward: Ward) -> list[str]:
        together.wait(10)
        found = outbox.claim(ward, desk.channels, {}, desk.clock.at, desk.clock.at)
        return [claimed.message.key for claimed in found]

    with ThreadPoolExecutor(2) as pool:
        for _ in range(6):
            for keys in pool.map(claims, wards):
                held += keys
    for sessions in others:
        engine_of(sessions).dispose()
    assert len(held) == 12
    assert len(set(held)) == 12


def test_the_red_ones_go_first(desk: Desk) -> None:
    for role in ("ward_nurse", "ward_doctor"):
        desk.on_the_roster(role, Channel.SCREEN)
    desk.red()
    desk.sends()
    at, alert_id = desk.clock.at, desk.messages()[0].alert_id
    for n in range(30):
        call = Message(f"a{n:02d}", at, f"owner:{n}", (), "call.amber", None, alert_id, Level.AMBER)
        write(desk, call)
    desk.clock.moves(60)
    write(desk, Message("z", at, "ward_doctor", (), "call.red", None, alert_id, Level.RED))
    assert desk.claims()[0].message.key == "z"


# --- answered, or too late -----------------------------------------------------------------------


def test_an_acknowledgement_stops_what_still_waits(desk: Desk, receiver: WebhookReceiver) -> None:
    desk.on_the_roster("ward_nurse", Channel.WEBHOOK, receiver.url)
    alert_id = desk.red()
    desk.answers(alert_id)
    assert desk.sends() == 0
    assert receiver.posts == []
    assert (desk.message().stopped_at, desk.message().problem) == (desk.clock.at, "answered")


def test_an_acknowledgement_between_claim_and_send_is_still_known(
    desk: Desk, receiver: WebhookReceiver
) -> None:
    desk.on_the_roster("ward_nurse", Channel.WEBHOOK, receiver.url)
    alert_id = desk.red()
    [claimed] = desk.claims()
    desk.answers(alert_id)
    assert not outbox.send(desk.ward, desk.channels, claimed)
    assert receiver.posts == []


def test_a_call_that_was_written_after_the_answer_is_not_made(
    desk: Desk, receiver: WebhookReceiver
) -> None:
    """A step and an acknowledgement in one fold: the call is written after the others stopped."""
    desk.on_the_roster("ward_doctor", Channel.WEBHOOK, receiver.url)
    desk.on_the_roster("owner:nurse-3", Channel.WEBHOOK, receiver.url)
    alert_id = desk.red()
    desk.answers(alert_id)
    at = desk.clock.at
    write(desk, Message("step", at, "ward_doctor", (), "call.red", None, alert_id, Level.RED))
    write(desk, Message("own", at, "owner:nurse-3", (), "call.owner_reminder", None, alert_id))
    desk.sends()
    assert receiver.keys == ["own"]  # the owner is reminded all the same
    with desk.ward.sessions.begin() as session:
        session.execute(update(AlertRow).values(state=AlertState.RESOLVED))
    write(desk, Message("own-2", at, "owner:nurse-3", (), "call.owner_reminder", None, alert_id))
    desk.sends()
    assert receiver.keys == ["own"]


def test_an_owner_without_a_line_of_their_own_is_reminded_on_the_ward_list(desk: Desk) -> None:
    alert_id = desk.red()
    desk.answers(alert_id)
    at = desk.clock.at
    write(desk, Message("own", at, "owner:nurse-3", (), "call.owner_reminder", None, alert_id))
    assert desk.sends() == 1
    [row] = [row for row in desk.messages() if row.key == "own"]
    assert (row.channel, row.sent_at) == (Channel.SCREEN, at)


@pytest.mark.parametrize(("seconds", "sent"), [(7_200, 1), (7_201, 0)])
def test_a_reminder_that_comes_too_late_is_not_sent(
    desk: Desk, mail: MailServer, seconds: float, sent: int
) -> None:
    desk.on_the_roster("ward_nurse", Channel.SCREEN)
    desk.red()
    desk.sends()
    the_patient(desk, reach=Channel.EMAIL, email="pat@home.example")
    write(desk, a_reminder(desk))
    desk.clock.moves(seconds)
    assert desk.sends() == sent
    assert len(mail.mails) == sent
    [row] = [row for row in desk.messages() if row.key == "reminder"]
    assert (row.problem == "too late to be of use") is not sent


# --- when it does not go out ---------------------------------------------------------------------


def test_what_fails_is_tried_after_5_15_and_45_seconds_and_then_by_the_next_way(
    desk: Desk, receiver: WebhookReceiver
) -> None:
    receiver.answer = lambda _: 503
    first = desk.on_the_roster("ward_nurse", Channel.WEBHOOK, receiver.url)
    second = desk.on_the_roster("ward_nurse", Channel.WEBHOOK, receiver.url + "/second")
    desk.red()
    began = desk.clock.at
    tried: list[float] = []
    while len(tried) < 5:
        if desk.sends():
            tried.append((desk.clock.at - began).total_seconds())
        else:
            desk.clock.moves(0.25)
        assert desk.clock.at - began < timedelta(minutes=3)
    assert tried == [0, 5, 20, 65, 65]
    row = desk.message()
    assert (row.tried, row.way, row.attempts) == ([f"roster:{first}"], f"roster:{second}", 1)
    assert row.problem == "the webhook answered 503"


def test_the_next_way_is_another_person_by_another_channel(
    desk: Desk, receiver: WebhookReceiver, mail: MailServer
) -> None:
    """Where the mail server is down, the next person's mail is no help."""
    mail.replies["MAIL"] = "421 closing"
    for channel, address in (
        (Channel.EMAIL, NURSE),
        (Channel.EMAIL, DOCTOR),
        (Channel.WEBHOOK, receiver.url),
    ):
        desk.on_the_roster("ward_nurse", channel, address)
    desk.red()
    for wait in (0, 5, 15, 45):
        desk.clock.moves(wait)
        assert desk.sends() == 1
    assert receiver.posts == []
    assert desk.sends() == 1
    assert len(receiver.posts) == 1
    assert desk.message().channel is Channel.WEBHOOK


def test_what_would_fail_again_goes_to_the_next_way_at_once(
    desk: Desk, receiver: WebhookReceiver, mail: MailServer
) -> None:
    mail.replies["RCPT"] = "550 no such person"
    desk.on_the_roster("ward_nurse", Channel.SMS, "07700 900123")
    desk.on_the_roster("ward_nurse", Channel.EMAIL, NURSE)
    desk.on_the_roster("ward_nurse", Channel.WEBHOOK, receiver.url)
    desk.red()
    assert [desk.sends() for _ in range(4)] == [1, 1, 1, 0]
    assert len(receiver.posts) == 1


def test_when_nobody_is_left_it_is_given_up_and_the_ward_says_so(
    desk: Desk, mail: MailServer, logged: Callable[[], str]
) -> None:
    mail.replies["RCPT"] = "550 no such person"
    desk.on_the_roster("ward_nurse", Channel.EMAIL, NURSE)
    alert_id = desk.red()
    desk.sends()
    assert said(desk).well
    desk.sends()
    row = desk.message()
    problem = "the mail server does not take mail for this address (550)"
    assert (row.given_up_at, row.problem) == (desk.clock.at, problem)
    health_now = said(desk)
    assert not health_now.well
    assert health_now.words == f"Somebody could not be reached: ward nurse ({problem})"
    log = logged()
    assert "message.given_up" in log
    assert NURSE not in log
    desk.answers(alert_id)
    assert said(desk).well


def test_a_role_without_a_roster_cannot_be_reached_until_a_later_call_goes_out(desk: Desk) -> None:
    alert_id = desk.red()
    desk.sends()
    assert said(desk).words == (
        "Somebody could not be reached: ward nurse (ward nurse has no way to be reached)"
    )
    desk.clock.moves(60)
    desk.on_the_roster("ward_nurse", Channel.SCREEN)
    at = desk.clock.at
    write(desk, Message("again", at, "ward_nurse", (), "call.red", None, alert_id, Level.RED))
    desk.sends()
    assert said(desk).well


def test_a_channel_that_fails_for_a_minute_is_said(desk: Desk, receiver: WebhookReceiver) -> None:
    receiver.answer = lambda _: 500
    line = desk.on_the_roster("ward_nurse", Channel.WEBHOOK, receiver.url)
    desk.on_the_roster("ward_nurse", Channel.WEBHOOK, receiver.url)
    desk.red()
    for wait in (0, 5, 15):
        desk.clock.moves(wait)
        desk.sends()
        assert said(desk).well
    desk.clock.moves(45)
    desk.sends()
    words = "Nothing has gone out by webhook for 1 min: the webhook answered 500"
    assert said(desk).words == words
    receiver.answer = lambda _: 200
    desk.sends()
    assert said(desk).well
    assert desk.message().tried == [f"roster:{line}"]


def test_one_message_that_breaks_us_does_not_hold_up_the_next(
    desk: Desk, receiver: WebhookReceiver
) -> None:
    desk.on_the_roster("ward_nurse", Channel.WEBHOOK, receiver.url)
    alert_id = desk.red()
    at = desk.clock.at
    no_such = Message("broken", at, PATIENT, (), "no.such.text", None, alert_id, Level.RED)
    write(desk, no_such)
    desk.sends()
    assert len(receiver.posts) == 1
    [row] = [row for row in desk.messages() if row.key == "broken"]
    assert (row.given_up_at, row.problem) == (at, "our fault: KeyError")
    assert "the patient (our fault: KeyError)" in said(desk).words


# --- the patient ---------------------------------------------------------------------------------


def test_a_patient_reads_their_own_numbers_and_no_log_knows_where(
    desk: Desk, mail: MailServer, logged: Callable[[], str]
) -> None:
    alert_id = desk.red()
    the_patient(desk, reach=Channel.EMAIL, email="pat@home.example")
    at = desk.clock.at
    write(desk, Message("advice", at, PATIENT, (), "advice.red", None, alert_id, Level.RED))
    desk.sends()
    [sent] = mail.mails
    rows = desk.messages()
    with desk.ward.unit_of_work() as store:
        episode = store.outbox.about(rows)["advice"].episode
    expected = text_for("advice.red", COH, state_of(episode).limits, "en")
    assert "92 %" in expected
    assert " ".join(sent.get_content().split()) == expected
    assert (sent["To"], sent["Subject"]) == ("pat@home.example", "Homeward")
    assert "pat@" not in logged()


@pytest.mark.parametrize(("reviewed", "language"), [((), "en"), (("en-x-easy",), "en-x-easy")])
def test_a_message_has_no_room_beside_it_for_other_words_so_they_must_be_reviewed(
    desk: Desk, mail: MailServer, reviewed: tuple[str, ...], language: str
) -> None:
    pathway = replace(COH, reviewed=frozenset(reviewed))
    desk.ward.pathways[COH.name] = pathway
    alert_id = desk.red()
    the_patient(desk, reach=Channel.EMAIL, email="pat@home.example")
    at = desk.clock.at
    write(desk, Message("advice", at, PATIENT, (), "advice.red", None, alert_id, Level.RED))
    with desk.ward.sessions.begin() as session:
        session.execute(update(EpisodeRow).values(language="en-x-easy"))
    desk.sends()
    [sent] = mail.mails
    rows = desk.messages()
    with desk.ward.unit_of_work() as store:
        episode = store.outbox.about(rows)["advice"].episode
    expected = text_for("advice.red", COH, state_of(episode).limits, language)
    assert " ".join(sent.get_content().split()) == " ".join(expected.split())


def test_a_patient_whose_mail_fails_is_rung_by_a_person(desk: Desk, mail: MailServer) -> None:
    desk.on_the_roster("ward_nurse", Channel.SCREEN)
    mail.replies["RCPT"] = "550 no such person"
    alert_id = desk.red()
    desk.sends()
    the_patient(desk, reach=Channel.EMAIL, email="pat@home.example", phone="07700 900001")
    write(desk, a_reminder(desk))
    assert [desk.sends() for _ in range(3)] == [1, 1, 0]
    with desk.ward.unit_of_work() as store:
        [whom] = store.outbox.to_ring(desk.clock.at)
    assert (whom.to, whom.alert_id, whom.patient_phone) == (PATIENT, None, "07700 900001")
    assert alert_id


def test_a_patient_who_left_no_address_is_given_up_aloud(desk: Desk) -> None:
    desk.on_the_roster("ward_nurse", Channel.SCREEN)
    desk.red()
    desk.sends()
    the_patient(desk, reach=Channel.EMAIL, email="", phone="")
    write(desk, a_reminder(desk))
    desk.sends()
    assert "the patient has no way to be reached" in said(desk).words
    desk.clock.moves(7_200)
    assert "could not be reached" not in said(desk).words  # it would be of no use any more


# --- a person rings ------------------------------------------------------------------------------


def test_who_is_to_be_rung_is_on_the_list_until_somebody_answers(desk: Desk) -> None:
    desk.on_the_roster("ward_nurse", Channel.PHONE, "07700 900123")
    alert_id = desk.red()
    before = desk.message().sent_at
    with desk.ward.unit_of_work() as store:
        version = store.board.version()
    desk.sends()
    assert (before, desk.message().sent_at) == (None, desk.clock.at)
    with desk.ward.unit_of_work() as store:
        [whom] = store.outbox.to_ring(desk.clock.at)
        assert store.board.version() > version
        said = words_by_stay(store, desk.clock.at)
    assert (whom.alert_id, whom.to, whom.level) == (alert_id, "ward_nurse", Level.RED)
    reference = str(alert_id)[-6:].upper()
    assert said == {whom.episode_id: [f"Ring ward nurse on 07700 900123: red alert {reference}"]}
    board = get_board(cast(Request, _Asked(BoardCache())), desk.ward)
    assert [line.to_ring for line in board.patients] == [tuple(said[whom.episode_id])]
    desk.answers(alert_id)
    with desk.ward.unit_of_work() as store:
        assert store.outbox.to_ring(desk.clock.at) == []


def test_a_reminder_by_phone_goes_when_the_reading_comes(desk: Desk) -> None:
    desk.on_the_roster("ward_nurse", Channel.SCREEN)
    desk.red()
    write(desk, a_reminder(desk))
    desk.sends()
    with desk.ward.unit_of_work() as store:
        [[said]] = words_by_stay(store, desk.clock.at).values()
    assert said == "Ring the patient on 07700 900000: no reading has come"
    desk.clock.moves(600)
    reading = desk.homes[0].sends(a_reading(97, at=desk.clock.at))
    take_batch(desk.ward, [reading], desk.clock.at)
    with desk.ward.unit_of_work() as store:
        assert store.outbox.to_ring(desk.clock.at) == []


def test_a_message_waits_for_its_own_channel_only(
    desk: Desk, receiver: WebhookReceiver, mail: MailServer
) -> None:
    """With every line of a channel taken, what goes by another is not kept waiting."""
    mail.replies["RCPT"] = "550 no such person"
    desk.on_the_roster("ward_nurse", Channel.EMAIL, NURSE)
    desk.on_the_roster("ward_nurse", Channel.WEBHOOK, receiver.url)
    desk.red()
    at = desk.clock.at
    busy = {Channel.EMAIL: outbox.LINES}
    assert outbox.claim(desk.ward, desk.channels, busy, at, at) == []  # its first way is taken
    assert desk.message().channel is Channel.EMAIL
    desk.sends()  # by mail, in vain
    [claimed] = outbox.claim(desk.ward, desk.channels, busy, at, at)
    assert claimed.way.channel is Channel.WEBHOOK
    desk.on_the_roster("ward_doctor", Channel.WEBHOOK, receiver.url)
    alert_id = desk.message().alert_id
    write(desk, Message("new", at, "ward_doctor", (), "call.red", None, alert_id, Level.RED))
    [fresh] = outbox.claim(desk.ward, desk.channels, busy, at, at)
    assert fresh.message.key == "new"


# --- the sender as a stage -----------------------------------------------------------------------


def test_a_channel_that_hangs_holds_up_no_other(desk: Desk, receiver: WebhookReceiver) -> None:
    """Six mails into nothing, and then a call by another channel."""
    desk.ward.clock = cast(Clock, _Real(desk.ward.clock))
    never = Event()

    class Hanging:
        timeout_s = 20.0

        def send(self, message: OutgoingMessage) -> None:
            never.wait(20)

    channels = {**desk.channels, Channel.EMAIL: Hanging()}
    desk.on_the_roster("ward_nurse", Channel.EMAIL, NURSE)
    desk.on_the_roster("ward_doctor", Channel.WEBHOOK, receiver.url)
    for _ in range(6):
        desk.red()
    sender = outbox.Sender(desk.ward, channels)
    clock = desk.ward.clock
    sender.look(clock.now(), clock.wall())
    alert_id = desk.messages()[0].alert_id
    call = Message("call", clock.now(), "ward_doctor", (), "call.red", None, alert_id, Level.RED)
    write(desk, call)
    asked = time.monotonic()
    while not receiver.keys and time.monotonic() < asked + 5:
        sender.look(clock.now(), clock.wall())
        sender.wait()
    assert receiver.keys == ["call"]
    assert time.monotonic() < asked + 5
    never.set()
    sender.finish(5)
    for _ in range(20):
        sender.look(clock.now(), clock.wall())
        sender.wait()
    sender.finish(5)
    assert all(row.sent_at for row in desk.messages())


class _Real:
    """Real time that began at noon, so that leases run while a test waits."""

    def __init__(self, began: Clock) -> None:
        self._at, self._began, self.speed = began.now(), time.monotonic(), 1.0

    def now(self) -> datetime:
        return self._at + timedelta(seconds=time.monotonic() - self._began)

    wall = now


def test_the_stage_beats_while_it_works_and_lives_through_a_database_that_goes_away(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(outbox, "BEAT_S", 0.0)
    monkeypatch.setattr(outbox, "POLL_S", 0.01)
    whole = desk.ward.sessions
    desk.ward.sessions = connect("postgresql://nobody@127.0.0.1:1/nowhere?connect_timeout=2")
    stop = Event()
    thread = Thread(target=outbox.run, args=(desk.ward, stop))
    thread.start()
    assert not stop.wait(0.3)
    assert thread.is_alive()
    engine_of(desk.ward.sessions).dispose()
    desk.ward.sessions = whole
    stop.wait(0.5)
    stop.set()
    thread.join(10)
    assert not thread.is_alive()
    with whole() as session:
        assert session.get(HeartbeatRow, outbox.STAGE) is not None


def test_a_message_ends_in_one_way_only(desk: Desk) -> None:
    """Sent while somebody answered: it says both, truly, and is never sent again."""
    desk.on_the_roster("ward_nurse", Channel.SCREEN)
    alert_id = desk.red()
    [claimed] = desk.claims()
    assert outbox.send(desk.ward, desk.channels, claimed)
    desk.answers(alert_id)
    outbox.settle(desk.ward, claimed, None, desk.clock.at, desk.clock.at)
    row = desk.message()
    assert (row.sent_at, row.stopped_at, row.problem) == (desk.clock.at, desk.clock.at, "answered")
    desk.clock.moves(60)
    assert desk.sends() == 0
