"""What is due on an alert and who was called, in words."""

from typing import Any

import pytest

from clinician_dashboard.view_models.alert_deadlines import (
    call_lines,
    coming_words,
    due_lines,
    late_words,
)
from clinician_dashboard.view_models.outcomes import taken_words, took_words
from clinician_dashboard.ward_api.ward_api import RefusedError
from tests.clinician_dashboard.test_view_models import an_alert
from tests.factories import NOON, minutes
from ward_service.contract.http.alerts import CallView
from ward_service.contract.vocabulary import AlertState, Channel

TAKEN = {"state": AlertState.ACKNOWLEDGED, "owner": "nurse-3", "acknowledged_at": NOON}


def a_call(**more: Any) -> CallView:
    given: dict[str, Any] = {
        "to": "ward_nurse",
        "due_at": NOON,
        "channel": None,
        "sent_at": None,
        "stopped_at": None,
        "given_up_at": None,
        "attempts": 0,
        "problem": None,
    }
    return CallView(**(given | more))


@pytest.mark.parametrize(
    ("alert", "said"),
    [
        (
            {"respond_by": NOON + minutes(10), "next_call_at": NOON + minutes(15)},
            ["somebody takes this alert by 12:10", "somebody is called next at 12:15"],
        ),
        (
            {"respond_by": NOON, "next_call_at": NOON - minutes(1)},
            [
                "PAST ITS TIME: somebody takes this alert by 12:00, just now",
                "somebody was to be called at 11:59",
            ],
        ),
        ({**TAKEN, "contact_by": NOON + minutes(60)}, ["speak with the patient by 13:00"]),
        (
            {**TAKEN, "contact_by": NOON - minutes(20)},
            ["PAST ITS TIME: speak with the patient by 11:40, 20 min ago"],
        ),
        ({**TAKEN, "contacted_at": NOON}, ["somebody spoke with the patient at 12:00"]),
        ({"review": True}, ["for review: nobody is called about it"]),
        ({"state": AlertState.RESOLVED, "contacted_at": NOON}, []),
    ],
)
def test_what_is_due_is_said_in_words(alert: dict[str, Any], said: list[str]) -> None:
    assert [due.words for due in due_lines(an_alert(**alert), NOON)] == said


def test_a_time_for_contact_that_ran_out_is_not_silent() -> None:
    """The ward takes the deadline away when it reminds the owner; the screen must not go quiet."""
    reminded = an_alert(**TAKEN, contact_by=None)
    [due] = due_lines(reminded, NOON)
    assert due.past
    assert "nurse-3 was reminded" in due.words
    assert late_words(reminded, NOON) == "PAST ITS TIME: nobody has spoken with the patient"


@pytest.mark.parametrize(("ago", "late"), [(-1, False), (0, True), (1, True)])
def test_a_deadline_is_past_from_its_own_moment_on(ago: int, late: bool) -> None:
    alert = an_alert(respond_by=NOON - minutes(ago))
    assert bool(late_words(alert, NOON)) is late


def test_what_comes_next_fits_into_a_cell() -> None:
    assert coming_words(an_alert(respond_by=NOON), NOON) == "take by 12:00"
    spoken = an_alert(**TAKEN, contact_by=NOON)
    assert coming_words(spoken, NOON) == "speak with the patient by 12:00"
    assert coming_words(an_alert(), NOON) == ""


@pytest.mark.parametrize(
    ("call", "said"),
    [
        (
            {"sent_at": NOON, "channel": Channel.SCREEN},
            "12:00 · ward nurse · sent by screen at 12:00",
        ),
        (
            {"sent_at": NOON, "channel": Channel.SMS, "arrived_at": NOON + minutes(1)},
            "12:00 · ward nurse · sent by sms at 12:00, arrived at 12:01",
        ),
        (
            {
                "to": "on_call",
                "given_up_at": NOON + minutes(9),
                "attempts": 4,
                "problem": "no answer",
            },
            "12:00 · on call · NOT REACHED, given up at 12:09: no answer",
        ),
        (
            {"stopped_at": NOON, "problem": "answered"},
            "12:00 · ward nurse · not sent, stopped at 12:00: answered",
        ),
        (
            {"attempts": 2, "problem": "the line is cut"},
            "12:00 · ward nurse · NOT YET SENT, tried 2 times: the line is cut",
        ),
        ({"to": "owner:nurse-3"}, "12:00 · nurse-3, who has it · not yet sent"),
    ],
)
def test_who_was_called_and_what_became_of_it(call: dict[str, Any], said: str) -> None:
    assert call_lines(an_alert(calls=(a_call(**call),)), NOON) == [said]


def test_taking_says_by_when_to_speak_with_the_patient() -> None:
    took = an_alert(**TAKEN, contact_by=NOON + minutes(60))
    assert "speak with the patient by 13:00" in took_words(took)
    assert "record the outcome" in took_words(an_alert(**TAKEN, contacted_at=NOON))


def test_nobody_is_told_that_they_were_first_themselves() -> None:
    mine = RefusedError("It has changed.", an_alert(**TAKEN))
    assert taken_words(mine, "nurse-3") == "It has changed. Nothing was changed."
    assert taken_words(mine, "nurse-4").startswith("Somebody was first: taken by nurse-3")
