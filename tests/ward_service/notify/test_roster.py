"""Who answers for a role: entered, tried, ended; and who could not be reached by anything tried."""

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest
from typer.testing import CliRunner

from tests.factories import COH, NOON
from tests.fakes.doors import MailServer, WebhookReceiver
from tests.ward_service.notify.desk import Desk
from ward_service.bootstrap import add_account
from ward_service.cli.main import app
from ward_service.contract.vocabulary import Channel, Mode
from ward_service.errors import ConflictError, NotFoundError, WardError
from ward_service.notify.roster import (
    add_line,
    add_screens,
    end_line,
    try_line,
    unreachable,
)

NURSE = "nurse-3@anytown.example"


def was_tested(desk: Desk, id_: int) -> bool:
    with desk.ward.unit_of_work(read_only=True) as store:
        row = store.roster.get(id_)
        assert row
        return row.tested_at is not None


def test_a_line_is_tested_by_a_message_that_really_went_out(desk: Desk, mail: MailServer) -> None:
    id_ = add_line(desk.ward, "ward_nurse", Channel.EMAIL, NURSE, NOON)
    assert not was_tested(desk, id_)
    mail.replies["RCPT"] = "550 no such person"
    with pytest.raises(WardError, match="does not take mail for this address"):
        try_line(desk.ward, id_, NOON, answered=True)
    assert not was_tested(desk, id_)
    mail.replies.clear()
    try_line(desk.ward, id_, NOON, answered=False)
    assert was_tested(desk, id_)
    assert "Nobody is ill" in mail.mails[0].get_content()


def test_a_test_that_goes_out_ends_what_is_said_of_its_channel(
    desk: Desk, receiver: WebhookReceiver
) -> None:
    id_ = add_line(desk.ward, "ward_nurse", Channel.WEBHOOK, receiver.url, NOON)
    with desk.ward.unit_of_work() as store:
        for seconds in (0, 61):
            at = NOON + timedelta(seconds=seconds)
            store.channels.note(Channel.WEBHOOK, at, "the webhook does not answer")
        assert len(store.channels.failing()) == 1
    try_line(desk.ward, id_, NOON, answered=False)
    with desk.ward.unit_of_work() as store:
        assert store.channels.failing() == []


def test_a_phone_is_tested_by_a_person(desk: Desk) -> None:
    id_ = add_line(desk.ward, "on_call", Channel.PHONE, "07700 900123", NOON)
    with pytest.raises(WardError, match="--answered"):
        try_line(desk.ward, id_, NOON, answered=False)
    assert not was_tested(desk, id_)
    try_line(desk.ward, id_, NOON, answered=True)
    assert was_tested(desk, id_)


def test_a_line_that_has_ended_is_nobody(desk: Desk) -> None:
    id_ = add_line(desk.ward, "ward_nurse", Channel.SCREEN, "", NOON)
    end_line(desk.ward, id_, NOON + timedelta(hours=1))
    with desk.ward.unit_of_work(read_only=True) as store:
        assert len(store.roster.of_role("ward_nurse", NOON + timedelta(minutes=59))) == 1
        assert store.roster.of_role("ward_nurse", NOON + timedelta(hours=1)) == []
    with pytest.raises(ConflictError):
        end_line(desk.ward, id_, NOON + timedelta(hours=2))
    with pytest.raises(NotFoundError):
        try_line(desk.ward, 99, NOON, answered=False)


@pytest.mark.parametrize("role", ["ward_nurs", "patient", "owner:nobody", ""])
def test_a_role_that_nobody_calls_is_refused_with_those_there_are(desk: Desk, role: str) -> None:
    with pytest.raises(WardError, match="on_call, on_call_senior, ward_doctor, ward_nurse"):
        add_line(desk.ward, role, Channel.SCREEN, "", NOON)


def test_somebody_with_an_account_may_have_a_line_of_their_own(desk: Desk) -> None:
    add_account(desk.ward, "nurse-3", "Nurse", "a long enough password")
    add_line(desk.ward, "owner:nurse-3", Channel.EMAIL, NURSE, NOON)


@pytest.mark.parametrize(
    ("channel", "address", "fits"),
    [
        (Channel.EMAIL, NURSE, True),
        (Channel.EMAIL, "nurse", False),
        (Channel.EMAIL, f"{NURSE}, {NURSE}", False),
        (Channel.PHONE, "+44 7700 900123", True),
        (Channel.PHONE, "the front desk", False),
        (Channel.WEBHOOK, "https://pager.anytown.example/x", True),
        (Channel.WEBHOOK, "http://pager.anytown.example/x", False),
        (Channel.SCREEN, "", True),
        (Channel.SCREEN, "here", False),
    ],
)
def test_an_address_is_of_its_channel(
    desk: Desk, channel: Channel, address: str, fits: bool
) -> None:
    if fits:
        assert add_line(desk.ward, "ward_nurse", channel, address, NOON)
    else:
        with pytest.raises(WardError, match="no address"):
            add_line(desk.ward, "ward_nurse", channel, address, NOON)


# --- who could not be reached --------------------------------------------------------------------


def test_every_role_of_the_ladder_needs_a_channel_that_was_tested(desk: Desk) -> None:
    ward = desk.ward
    assert len(unreachable(ward, COH, Mode.MONITORED, NOON)) == 4
    lines = {
        role: add_line(ward, role, Channel.PHONE, "07700 900123", NOON)
        for role in ("ward_nurse", "ward_doctor", "on_call", "on_call_senior")
    }
    assert len(unreachable(ward, COH, Mode.MONITORED, NOON)) == 4  # nobody has answered yet
    for id_ in lines.values():
        try_line(ward, id_, NOON, answered=True)
    for mode in COH.modes:
        assert unreachable(ward, COH, mode, NOON) == []
    end_line(ward, lines["ward_doctor"], NOON)
    assert unreachable(ward, COH, Mode.MONITORED, NOON) == [
        "Nobody who answers for ward doctor has a tested channel (red step 2, amber step 2, "
        "overdue step 2)."
    ]


def test_the_ward_list_reaches_nobody_at_night(desk: Desk) -> None:
    add_screens(desk.ward, NOON)
    assert unreachable(desk.ward, COH, Mode.MONITORED, NOON) == [
        "Nobody who answers for on call has a tested channel (red step 1 out of hours).",
        "Nobody who answers for on call senior has a tested channel (red step 2 out of hours).",
    ]


def test_a_demo_has_a_screen_for_every_role_and_only_once(desk: Desk) -> None:
    for _ in range(2):
        add_screens(desk.ward, NOON)
    with desk.ward.unit_of_work(read_only=True) as store:
        roster = store.roster.all(NOON)
    assert list(roster) == ["on_call", "on_call_senior", "ward_doctor", "ward_nurse"]
    assert [[row.channel for row in rows] for rows in roster.values()] == [[Channel.SCREEN]] * 4


def test_the_roster_by_its_commands(
    tmp_path: Path,
    mail: MailServer,
    monkeypatch: pytest.MonkeyPatch,
    logged: Callable[[], str],
) -> None:
    for name, value in {
        "DATA_DIR": str(tmp_path / "ward"),
        "SMTP_HOST": "127.0.0.1",
        "SMTP_PORT": str(mail.port),
        "SMTP_SECURITY": "none",
        "SMTP_FROM": "ward@anytown.example",
    }.items():
        monkeypatch.setenv(f"HOMEWARD_{name}", value)

    def says(code: int, *arguments: str) -> str:
        done = CliRunner().invoke(app, ["roster", *arguments])
        assert done.exit_code == code, done.output
        return done.output

    assert "Line 1 is on the roster, untested" in says(
        0, "add", "ward_nurse", "--channel", "email", "--address", NURSE
    )
    assert "UNTESTED" in says(0, "list")
    assert "Line 1 is tested." in says(0, "test", "1")
    listed = says(0, "list")
    assert "ward_nurse  email  tested" in listed
    assert NURSE not in listed
    assert NURSE in says(0, "list", "--addresses")
    assert "off the roster" in says(0, "end", "1")
    assert says(0, "list") == ""
    assert "There is no such line" in says(1, "test", "7")
    assert NURSE not in logged()
