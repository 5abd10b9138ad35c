"""Text messages over GOV.UK Notify: against a server that speaks its protocol and checks ours."""

import time
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select, update
from typer.testing import CliRunner

from tests.factories import COH, NOON, Home, a_reading, a_ward, an_admission
from tests.fakes.doors import MailServer, WebhookReceiver
from tests.fakes.notify import API_KEY, SECRET, SERVICE, TEMPLATE, Answer, NotifyServer, error
from tests.services import free_port
from tests.ward_service.notify.desk import Desk, HandClock
from ward_service.cli.main import app
from ward_service.contract.clock import real_clock
from ward_service.contract.vocabulary import PATIENT, Channel, EndReason, PauseReason
from ward_service.domain.inputs import Ended, Paused
from ward_service.domain.sms_length import LONGEST, parts_of
from ward_service.domain.state import Message
from ward_service.domain.texts import text_for
from ward_service.enrolment.enrolment import add_gateway
from ward_service.errors import MessageLostError, NotifyError, WardError
from ward_service.notify import delivery, outbox
from ward_service.notify.channels import open_channels
from ward_service.notify.notifier import OutgoingMessage
from ward_service.notify.phone import words_by_stay
from ward_service.notify.roster import add_line, try_line
from ward_service.notify.sms import Sms, e164
from ward_service.pipeline import take_batch
from ward_service.settings import Settings
from ward_service.stays.acts import act_on_stay
from ward_service.stays.admission import admit
from ward_service.store.connect import engine_of
from ward_service.store.stays import state_of
from ward_service.store.tables.stays import EpisodeRow, PatientRow
from ward_service.ward import open_ward
from ward_service.watchdog.health import troubles

NURSE, DOCTOR = "07700 900123", "+44 7700 900456"  # numbers kept for drama
PAT = "07700 900000"
LOOK = "look at its template, and at what our service may send (400)"
CALL = OutgoingMessage(
    "alert-1:1:0:owner:nurse-3", NURSE, "a subject", "A red alert waits.", "roster:1"
)
AGAIN = OutgoingMessage(CALL.key, CALL.address, CALL.subject, CALL.text, CALL.way, again=True)


def an_sms(server: NotifyServer, **more: Any) -> Sms:
    given = {"url": server.url, "service_id": SERVICE, "template_id": TEMPLATE, "secret": SECRET}
    return Sms(**(given | {"answer_s": 2.0} | more))


def refusal(sms: Sms, message: OutgoingMessage = CALL) -> tuple[str, bool]:
    with pytest.raises(NotifyError) as refused:
        sms.send(message)
    return str(refused.value), refused.value.permanent


# --- the protocol --------------------------------------------------------------------------------


def test_a_text_goes_to_a_whole_number_and_its_reference_names_nobody(notify: NotifyServer) -> None:
    an_sms(notify).send(CALL)
    [text] = notify.texts
    assert (text.number, text.body) == ("+447700900123", CALL.text)
    assert len(text.reference) == 32
    assert not any(name in text.reference for name in ("alert", "nurse", "900123"))
    assert notify.asked == ["POST /v2/notifications/sms"]


def test_one_call_by_two_ways_is_two_messages_there(notify: NotifyServer) -> None:
    sms = an_sms(notify)
    sms.send(CALL)
    sms.send(OutgoingMessage(CALL.key, DOCTOR, "", CALL.text, "roster:2", again=True))
    assert [text.number for text in notify.texts] == ["+447700900123", "+447700900456"]


@pytest.mark.parametrize(
    ("answer", "said", "permanent"),
    [
        (
            error(400, "BadRequestError", "Can't send to this recipient using a team-only API key"),
            "sends only to our own team: the key or service is not live (400)",
            True,
        ),
        (error(400, "BadRequestError", "Template not found"), f"refuses the message: {LOOK}", True),
        (
            error(400, "ValidationError", "phone_number Too many digits"),
            "refuses the number or the template (400)",
            True,
        ),
        (error(401, "AuthError", "Unauthorized"), "refuses our API key (401)", True),
        (
            error(403, "AuthError", "Invalid token: API key not found"),
            "refuses our API key (403)",
            True,
        ),
        (
            error(429, "RateLimitError", "Exceeded rate limit for key type LIVE of 3000 requests"),
            "wants fewer messages a minute (429)",
            False,
        ),
        (
            error(429, "TooManyRequestsError", "Exceeded send limits (sms: 50) for today"),
            "has sent as many messages today as our service may (429)",
            True,
        ),
        (error(500, "Exception", "Internal server error"), "answered 500", False),
        (error(503, "Exception", "Service unavailable"), "answered 503", False),
        ((502, "<html>bad gateway</html>"), "answered 502", False),
        ((408, ""), "answered 408", False),
        ((400, "[]"), f"refuses the message: {LOOK}", True),
        ((404, ""), "answered 404", True),
        ((302, ""), "answered 302", True),
    ],
)
def test_each_answer_is_said_in_words_of_ours(
    notify: NotifyServer, answer: Answer, said: str, permanent: bool
) -> None:
    notify.wrong = answer
    assert refusal(an_sms(notify)) == (f"GOV.UK Notify {said}", permanent)
    assert notify.texts == []


@pytest.mark.parametrize("off_s", [-40, 40])
def test_a_clock_that_is_wrong_is_said(notify: NotifyServer, off_s: int) -> None:
    """The stand-in reads the token; its own clock is right."""
    wrong = an_sms(notify, wall=lambda: real_clock().wall() + timedelta(seconds=off_s))
    said = "GOV.UK Notify says that the clock of this machine is more than 30 seconds off (403)"
    assert refusal(wrong) == (said, True)
    near = an_sms(notify, wall=lambda: real_clock().wall() + timedelta(seconds=off_s / 2))
    near.send(CALL)
    assert len(notify.texts) == 1


def test_what_is_wrong_with_key_template_or_service_is_found_by_the_other_side(
    notify: NotifyServer,
) -> None:
    key = ("GOV.UK Notify refuses our API key (403)", True)
    assert refusal(an_sms(notify, secret=SERVICE)) == key
    assert refusal(an_sms(notify, service_id=SECRET)) == key
    template = (f"GOV.UK Notify refuses the message: {LOOK}", True)
    assert refusal(an_sms(notify, template_id=SERVICE)) == template
    notify.trial = True
    _, permanent = refusal(an_sms(notify))
    assert permanent
    assert notify.texts == []


def test_a_notify_that_hangs_or_is_not_there_may_answer_later(notify: NotifyServer) -> None:
    notify.gate.clear()
    gone = ("GOV.UK Notify does not answer", False)
    assert refusal(an_sms(notify, answer_s=0.3)) == gone
    assert refusal(an_sms(notify, url=f"http://127.0.0.1:{free_port()}")) == gone


def test_a_text_that_is_too_long_is_not_cut(notify: NotifyServer) -> None:
    whole = OutgoingMessage(CALL.key, NURSE, "", "x" * LONGEST, CALL.way)
    an_sms(notify).send(whole)
    longer = OutgoingMessage(CALL.key, NURSE, "", "x" * (LONGEST + 1), CALL.way)
    assert refusal(an_sms(notify), longer) == ("this is too long for a text message", True)
    assert len(notify.texts) == 1


@pytest.mark.parametrize(
    ("number", "whole"),
    [
        ("07700 900123", "+447700900123"),
        ("07700900123", "+447700900123"),
        ("+44 7700 900123", "+447700900123"),
        ("+44 (0)7700-900123", "+447700900123"),
        ("0044 7700 900123", "+447700900123"),
        ("+353 85 012 3456", "+353850123456"),
        ("0117 496 0123", None),  # no mobile
        ("+44 117 496 0123", None),
        ("07700 90012", None),
        ("07700 9001234", None),
        ("7700 900123", None),
        ("+1234", None),
        ("+1234567890123456", None),
        ("the front desk", None),
        ("07700 900123; 07700 900124", None),
        ("٠٧٧٠٠٩٠٠١٢٣", None),
        ("", None),
    ],
)
def test_a_number_is_made_whole_or_refused(
    notify: NotifyServer, number: str, whole: str | None
) -> None:
    assert e164(number) == whole
    if whole is None:
        there = OutgoingMessage(CALL.key, number, "", "x", CALL.way)
        assert refusal(an_sms(notify), there) == ("this is no number for text messages", True)
        assert notify.asked == []


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("", 1),
        ("x" * 160, 1),
        ("x" * 161, 2),
        ("x" * 306, 2),
        ("x" * 307, 3),
        ("x" * 612, 4),
        ("x" * 613, 5),
        ("x" * 918, 6),
        ("[" * 80, 1),
        ("[" * 81, 2),
        ("ŵ" * 70, 1),
        ("ŵ" * 71, 2),
        ("ŵ" + "x" * 133, 2),
        ("ŵ" + "x" * 134, 3),
    ],
)
def test_as_how_many_a_text_is_paid_for(text: str, parts: int) -> None:
    assert parts_of(text) == parts


# --- sent again ----------------------------------------------------------------------------------


def test_what_notify_has_is_not_sent_again(notify: NotifyServer) -> None:
    sms = an_sms(notify)
    sms.send(AGAIN)  # it is not there, so it goes out
    sms.send(AGAIN)
    assert notify.count("POST") == 1
    notify.texts[0].status = "temporary-failure"
    with pytest.raises(MessageLostError):
        sms.send(AGAIN)
    assert notify.count("POST") == 1


def test_who_cannot_ask_sends_nothing_again(
    notify: NotifyServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(notify, "_get", lambda _: error(500, "Exception", "Internal server error"))
    assert refusal(an_sms(notify), AGAIN) == ("GOV.UK Notify answered 500", False)
    monkeypatch.setattr(notify, "_get", lambda _: (200, {"else": []}))
    said = "GOV.UK Notify answers in words that we do not know"
    assert refusal(an_sms(notify), AGAIN) == (said, False)
    assert notify.count("POST") == 0


@pytest.mark.parametrize(
    ("status", "said"),
    [
        ("permanent-failure", "the number is wrong, or its network refuses it"),
        ("temporary-failure", "the phone is off, without signal or full"),
        ("technical-failure", "GOV.UK Notify could not hand it on"),
        ("cancelled", "GOV.UK Notify gave it up"),
    ],
)
def test_what_was_not_delivered_is_lost(notify: NotifyServer, status: str, said: str) -> None:
    notify.becomes = lambda _: status
    sms = an_sms(notify)
    sms.send(CALL)
    with pytest.raises(MessageLostError, match=f"the text message was not delivered: {said}"):
        sms.arrived(CALL.key, CALL.way)


@pytest.mark.parametrize(
    ("status", "there"),
    [("created", False), ("sending", False), ("pending", False), ("sent", True),
     ("delivered", True)],
)  # fmt: skip
def test_what_is_on_its_way_has_not_arrived(notify: NotifyServer, status: str, there: bool) -> None:
    notify.becomes = lambda _: status
    sms = an_sms(notify)
    assert not sms.arrived(CALL.key, CALL.way)  # it does not know it yet
    sms.send(CALL)
    assert sms.arrived(CALL.key, CALL.way) is there


# --- in a ward -----------------------------------------------------------------------------------


@pytest.fixture
def desk(
    tmp_path: Path,
    database_url: str,
    notify: NotifyServer,
    mail: MailServer,
    key_file: Path,
    secret_file: Path,
) -> Iterator[Desk]:
    """A ward whose time is handed in, which can send texts, mails and webhooks."""
    settings = Settings(
        data_dir=tmp_path / "ward",
        database_url=database_url,
        use="demo",
        notify_url=notify.url,
        notify_api_key_file=key_file,
        notify_template_id=TEMPLATE,
        notify_timeout_s=2,
        smtp_host="127.0.0.1",
        smtp_port=mail.port,
        smtp_security="none",
        smtp_from="Anytown Ward <ward@anytown.example>",
        smtp_timeout_s=2,
        webhook_secret_file=secret_file,
        webhook_timeout_s=2,
    )
    ward = open_ward(settings)
    made = Desk(ward, HandClock())
    yield made
    engine_of(ward.sessions).dispose()


def looks(desk: Desk) -> int:
    """Ask what became of what was sent, as the stage does."""
    return delivery.look(desk.ward, desk.channels, desk.clock.at, desk.clock.at)


def a_stay(desk: Desk, reach: Channel = Channel.SMS) -> EpisodeRow:
    """Somebody who is well, and is to be reached so."""
    add_gateway(desk.ward, "home-99", desk.clock.at)
    whole = an_admission("home-99").model_dump()
    whole |= {"reach": reach, "phone": PAT, "email": "pat@home.example"}
    admit(desk.ward, type(an_admission()).model_validate(whole), desk.clock.at)
    with desk.ward.sessions() as session:
        return session.scalars(select(EpisodeRow)).one()


def remind(desk: Desk, stay: EpisodeRow, key: str = "reminder", valid_min: float = 120) -> None:
    """Write a reminder, as silence does."""
    not_after = desk.clock.at + timedelta(minutes=valid_min)
    written = Message(key, desk.clock.at, PATIENT, (), "remind.first", not_after)
    with desk.ward.unit_of_work() as store:
        store.calls.add(stay.id, [written], desk.clock.at)


def to_ring(desk: Desk) -> list[str]:
    with desk.ward.unit_of_work() as store:
        return [said for each in words_by_stay(store, desk.clock.at).values() for said in each]


def trouble(desk: Desk) -> list[str]:
    with desk.ward.unit_of_work() as store:
        found = [t.words for t in troubles(store, desk.ward.clock)]
    return [words for words in found if "reached" in words or "gone out" in words]


def test_staff_read_which_alert_and_a_patient_the_words_of_the_pathway(
    desk: Desk, notify: NotifyServer, logged: Callable[[], str]
) -> None:
    desk.on_the_roster("ward_nurse", Channel.SMS, NURSE)
    alert_id = desk.red()
    desk.sends()
    [text] = notify.texts
    reference = str(alert_id)[-6:].upper()
    assert text.body == f"{COH.text('call.red', None)} Reference: {reference}."
    with desk.ward.sessions.begin() as session:
        session.execute(update(PatientRow).values(reach=Channel.SMS))
        stay = session.scalars(select(EpisodeRow)).one()
    remind(desk, stay)
    desk.sends()
    reminder = notify.texts[1]
    assert reminder.number == "+447700900000"
    assert reminder.body == text_for("remind.first", COH, state_of(stay).limits)
    notify.wrong = error(500, "Exception", "Internal server error")
    remind(desk, stay, "another")
    desk.sends()
    looks(desk)
    log = logged()
    assert "message.failed" in log
    secrets = ("900123", "900000", SECRET, SERVICE, reminder.body, text.body, "remind", "Bearer")
    assert [secret for secret in secrets if secret in log] == []


def test_a_sender_that_dies_between_send_and_mark_does_not_send_twice(
    desk: Desk, notify: NotifyServer
) -> None:
    desk.on_the_roster("ward_nurse", Channel.SMS, NURSE)
    desk.red()
    [claimed] = desk.claims()
    assert outbox.send(desk.ward, desk.channels, claimed)
    # Here it dies. Its lease is twice what two answers may take.
    desk.clock.moves(7.9)
    assert desk.sends() == 0
    desk.clock.moves(0.2)
    assert desk.sends() == 1
    assert len(notify.texts) == 1
    assert desk.message().sent_at == desk.clock.at


def test_an_answer_that_was_lost_on_the_way_is_no_second_message(
    desk: Desk, notify: NotifyServer
) -> None:
    desk.on_the_roster("ward_nurse", Channel.SMS, NURSE)
    notify.loses = True
    desk.red()
    desk.sends()
    assert desk.message().problem == "GOV.UK Notify does not answer"
    assert desk.message().sent_at is None
    notify.loses = False
    desk.clock.moves(5)
    desk.sends()
    assert desk.message().sent_at == desk.clock.at
    assert len(notify.texts) == 1


def test_one_phone_that_is_off_is_no_trouble_of_the_channel(
    desk: Desk, notify: NotifyServer
) -> None:
    """Notify took it, the answer was lost, and by the next attempt the text was too."""
    desk.on_the_roster("ward_nurse", Channel.SMS, NURSE)
    notify.becomes, notify.loses = (lambda _: "temporary-failure"), True
    desk.red()
    desk.sends()
    desk.clock.moves(5)
    desk.sends()
    desk.on_the_roster("ward_nurse", Channel.SCREEN)
    desk.sends()
    assert desk.message().channel is Channel.SCREEN
    with desk.ward.unit_of_work() as store:
        [channel] = store.channels.failing()
    assert channel.problem == "GOV.UK Notify does not answer"


@pytest.mark.parametrize(("seconds", "sent"), [(7_200, 1), (7_201, 0)])
def test_a_reminder_that_comes_too_late_is_not_sent(
    desk: Desk, notify: NotifyServer, seconds: float, sent: int
) -> None:
    remind(desk, a_stay(desk))
    desk.clock.moves(seconds)
    assert desk.sends() == sent
    assert len(notify.texts) == sent
    assert (desk.message().problem == "too late to be of use") is not sent


def test_a_reminder_that_fails_until_it_is_late_goes_no_other_way(
    desk: Desk, notify: NotifyServer
) -> None:
    notify.wrong = error(500, "Exception", "Internal server error")
    remind(desk, a_stay(desk), valid_min=0.5)
    for wait in (0, 5, 15):
        desk.clock.moves(wait)
        assert desk.sends() == 1
    desk.clock.moves(45)
    assert desk.sends() == 0
    assert desk.message().problem == "too late to be of use"
    assert to_ring(desk) == []


@pytest.mark.parametrize("reach", [Channel.SMS, Channel.EMAIL])
@pytest.mark.parametrize(
    ("what", "why"), [("in hospital", "in hospital"), ("died", "the stay has ended")]
)
def test_hospital_and_death_mute_a_reminder_that_waits_and_one_that_is_claimed(
    desk: Desk, notify: NotifyServer, mail: MailServer, reach: Channel, what: str, why: str
) -> None:
    stay = a_stay(desk, reach)
    remind(desk, stay, "claimed")
    [claimed] = desk.claims()
    remind(desk, stay, "waiting")
    happens(desk, stay, what)
    assert not outbox.send(desk.ward, desk.channels, claimed)
    desk.clock.moves(60)
    assert desk.sends() == 0
    assert (notify.texts, mail.mails) == ([], [])
    rows = desk.messages()
    assert [row.problem for row in rows if row.key in ("claimed", "waiting")] == [why, why]
    assert all(row.sent_at is None for row in rows)


def happens(desk: Desk, stay: EpisodeRow, what: str) -> None:
    now = desk.clock.at
    deed = (
        Ended("nurse-3", EndReason.DIED, "The family rang.", device_returned="no", gp_informed=True)
        if what == "died"
        else Paused("nurse-3", PauseReason.IN_HOSPITAL, now + timedelta(days=2))
    )
    act_on_stay(desk.ward, stay.id, deed, what, now)


# --- whether it arrived --------------------------------------------------------------------------


def test_what_arrives_is_asked_about_until_it_has(desk: Desk, notify: NotifyServer) -> None:
    notify.becomes = lambda _: "sending"
    desk.on_the_roster("ward_nurse", Channel.SMS, NURSE)
    desk.red()
    desk.sends()
    began, asked = desk.clock.at, []
    while desk.clock.at < began + timedelta(minutes=20):
        if looks(desk):
            asked.append((desk.clock.at - began).total_seconds())
        desk.clock.moves(5)
    assert asked == [5, 15, 35, 95, 395, 695, 995]
    assert desk.message().arrived_at is None
    notify.texts[0].status = "delivered"
    desk.clock.moves(300)
    assert looks(desk) == 1
    assert desk.message().arrived_at == desk.clock.at
    desk.clock.moves(3_600)
    assert looks(desk) == 0


def test_a_text_to_staff_that_does_not_arrive_goes_the_next_way_at_once(
    desk: Desk, notify: NotifyServer, receiver: WebhookReceiver, logged: Callable[[], str]
) -> None:
    notify.becomes = lambda _: "permanent-failure"
    desk.on_the_roster("ward_nurse", Channel.SMS, NURSE)
    second = desk.on_the_roster("ward_nurse", Channel.WEBHOOK, receiver.url)
    desk.red()
    desk.sends()
    assert desk.message().sent_at is not None
    desk.clock.moves(5)
    assert looks(desk) == 1
    row = desk.message()
    assert row.sent_at is None
    said = "the text message was not delivered: the number is wrong, or its network refuses it"
    assert row.problem == said
    assert desk.sends() == 1
    assert len(receiver.posts) == 1
    assert desk.message().way == f"roster:{second}"
    assert trouble(desk) == []  # a wrong number is no trouble of the channel
    assert "message.lost" in logged()


def test_when_no_text_arrives_and_nobody_is_left_the_ward_says_so(
    desk: Desk, notify: NotifyServer
) -> None:
    notify.becomes = lambda _: "temporary-failure"
    desk.on_the_roster("ward_nurse", Channel.SMS, NURSE)
    desk.red()
    desk.sends()
    assert trouble(desk) == []
    desk.clock.moves(5)
    looks(desk)
    desk.sends()
    assert trouble(desk) == [
        "Somebody could not be reached: ward nurse (the text message was not delivered: the phone "
        "is off, without signal or full)"
    ]


def test_a_patient_whom_a_text_does_not_reach_is_rung(desk: Desk, notify: NotifyServer) -> None:
    notify.becomes = lambda _: "permanent-failure"
    remind(desk, a_stay(desk))
    desk.sends()
    assert to_ring(desk) == []
    desk.clock.moves(5)
    looks(desk)
    desk.sends()
    assert to_ring(desk) == [f"Ring the patient on {PAT}: no reading has come"]


@pytest.mark.parametrize("what", ["in hospital", "died", "a reading came", "too late"])
def test_nobody_is_rung_for_a_lost_text_that_is_not_needed_any_more(
    desk: Desk, notify: NotifyServer, what: str
) -> None:
    notify.becomes = lambda _: "permanent-failure"
    stay = a_stay(desk)
    key = desk.ward.key_of("home-99")
    assert key
    home = Home("home-99", key.hex())
    remind(desk, stay, valid_min=0.2)
    desk.sends()
    desk.clock.moves(5 if what != "too late" else 13)
    if what == "a reading came":
        reading = a_reading(97, at=desk.clock.at)
        take_batch(desk.ward, [home.sends(reading)], desk.clock.at)
    elif what != "too late":
        happens(desk, stay, what)
    looks(desk)
    assert desk.sends() == 0
    assert to_ring(desk) == []
    [row] = [row for row in desk.messages() if row.key == "reminder"]
    assert row.ask_at is None
    assert row.sent_at is not None


def test_an_answered_alert_asks_after_no_text(desk: Desk, notify: NotifyServer) -> None:
    desk.on_the_roster("ward_nurse", Channel.SMS, NURSE)
    alert_id = desk.red()
    desk.sends()
    desk.answers(alert_id)
    desk.clock.moves(5)
    assert looks(desk) == 0
    assert notify.count("GET") == 0
    assert desk.message().ask_at is None


def test_a_notify_that_cannot_be_asked_is_asked_again(desk: Desk, notify: NotifyServer) -> None:
    desk.on_the_roster("ward_nurse", Channel.SMS, NURSE)
    desk.red()
    desk.sends()
    right, notify.clock = notify.clock, lambda: time.time() + 3_600
    desk.clock.moves(5)
    looks(desk)
    assert (desk.message().sent_at, desk.message().arrived_at) == (NOON, None)
    notify.clock = right
    desk.clock.moves(10)
    looks(desk)
    assert desk.message().arrived_at == desk.clock.at


# --- roster, admission, settings -----------------------------------------------------------------


def when_tested(desk: Desk, id_: int) -> datetime | None:
    with desk.ward.unit_of_work(read_only=True) as store:
        row = store.roster.get(id_)
        assert row
        return row.tested_at


def test_a_line_is_tested_by_a_text_that_arrived(desk: Desk, notify: NotifyServer) -> None:
    with pytest.raises(WardError, match="no address for sms: a mobile number"):
        add_line(desk.ward, "ward_nurse", Channel.SMS, "0117 496 0123", NOON)
    id_ = add_line(desk.ward, "ward_nurse", Channel.SMS, NURSE, NOON)
    notify.wrong = error(403, "AuthError", "Invalid token: API key not found")
    with pytest.raises(WardError, match=r"did not go out: GOV\.UK Notify refuses our API key"):
        try_line(desk.ward, id_, NOON)
    notify.wrong = None
    notify.becomes = lambda _: "permanent-failure"
    with pytest.raises(WardError, match="did not arrive: the text message was not delivered"):
        try_line(desk.ward, id_, NOON)
    notify.becomes = lambda _: "sending"
    with pytest.raises(WardError, match=f"has not arrived yet.*roster test {id_} --answered"):
        try_line(desk.ward, id_, NOON, wait_s=0)
    assert when_tested(desk, id_) is None
    notify.becomes = lambda _: "delivered"
    try_line(desk.ward, id_, NOON)
    assert when_tested(desk, id_) == NOON
    assert "Nobody is ill" in notify.texts[-1].body


def test_somebody_may_say_that_a_slow_test_came(desk: Desk, notify: NotifyServer) -> None:
    id_ = add_line(desk.ward, "ward_nurse", Channel.SMS, NURSE, NOON)
    try_line(desk.ward, id_, NOON, answered=True)
    assert when_tested(desk, id_) == NOON
    assert notify.texts == []


@pytest.mark.parametrize(("phone", "fits"), [(PAT, True), ("0117 496 0123", False), ("", False)])
def test_who_is_to_have_texts_has_a_number_for_them(tmp_path: Path, phone: str, fits: bool) -> None:
    ward = a_ward(tmp_path / "ward")
    add_gateway(ward, "home-01", NOON)
    whole = an_admission("home-01").model_dump() | {"reach": "sms", "phone": phone}
    admission = type(an_admission()).model_validate(whole)
    if fits:
        admit(ward, admission, NOON)
    else:
        with pytest.raises(WardError, match="Text messages cannot go to this number"):
            admit(ward, admission, NOON)
    engine_of(ward.sessions).dispose()


def test_the_operator_adds_and_tests_a_line(
    tmp_path: Path, notify: NotifyServer, key_file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in {
        "DATA_DIR": tmp_path / "ward",
        "USE": "demo",
        "NOTIFY_URL": notify.url,
        "NOTIFY_API_KEY_FILE": key_file,
        "NOTIFY_TEMPLATE_ID": TEMPLATE,
    }.items():
        monkeypatch.setenv(f"HOMEWARD_{name}", str(value))
    run = CliRunner().invoke
    added = run(app, ["roster", "add", "ward_nurse", "--channel", "sms", "--address", NURSE])
    assert added.exit_code == 0, added.output
    done = run(app, ["roster", "test", "1"])
    assert done.output == "Line 1 is tested.\n"
    assert [text.number for text in notify.texts] == ["+447700900123"]


@pytest.mark.parametrize(
    ("content", "mode", "said"),
    [
        (API_KEY, 0o644, "chmod 600"),
        ("too-short", 0o600, "too short"),
        ("x" * 80, 0o600, "holds no key of GOV.UK Notify"),
        (f"{SERVICE}-{SECRET}", 0o600, "holds no key of GOV.UK Notify"),  # without its name
        (f"{API_KEY}x", 0o600, "holds no key of GOV.UK Notify"),
    ],
)
def test_a_key_is_private_and_whole(
    tmp_path: Path, key_file: Path, content: str, mode: int, said: str
) -> None:
    key_file.write_text(content)
    key_file.chmod(mode)
    settings = Settings(
        data_dir=tmp_path, notify_api_key_file=key_file, notify_template_id=TEMPLATE
    )
    with pytest.raises(WardError, match=said) as refused:
        open_channels(settings)
    assert SECRET not in str(refused.value)


def test_text_messages_go_over_https_and_what_is_secret_is_in_no_repr(
    tmp_path: Path, key_file: Path
) -> None:
    given: dict[str, Any] = {
        "data_dir": tmp_path,
        "notify_api_key_file": key_file,
        "notify_template_id": TEMPLATE,
    }
    channels = open_channels(Settings(**given))
    sms = channels[Channel.SMS]
    assert isinstance(sms, Sms)
    assert sms.url == "https://api.notifications.service.gov.uk"
    shown = repr([channels, Settings(**given), CALL])
    assert not any(secret in shown for secret in (SECRET, "900123", CALL.text))
    with pytest.raises(WardError, match="https"):
        open_channels(Settings(**given, notify_url="http://notify.example"))
    with pytest.raises(WardError, match="does not name a file"):
        open_channels(Settings(**(given | {"notify_api_key_file": tmp_path / "nowhere"})))
    half = open_channels(Settings(**(given | {"notify_template_id": ""})))
    with pytest.raises(NotifyError, match="HOMEWARD_NOTIFY_TEMPLATE_ID"):
        half[Channel.SMS].send(CALL)
