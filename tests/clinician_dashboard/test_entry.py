"""What is typed at the ward, in words: rows as on paper, what it would mean, what to say."""

from datetime import date, time
from typing import Any
from uuid import UUID

import pytest

from clinician_dashboard.view_models import entry
from clinician_dashboard.view_models.entry import RowTyped
from clinician_dashboard.view_models.words import ZONE
from tests.clinician_dashboard.test_view_models import an_alert
from tests.factories import NOON, minutes
from ward_service.contract.entry import (
    AskedAnswer,
    AskedQuestion,
    AskedVital,
    CheckView,
    EnteredView,
    FormView,
    PhoneReading,
    SaidView,
    ScriptView,
)
from ward_service.contract.http.alerts import FindingView
from ward_service.contract.http.problem import RowWords
from ward_service.contract.ids import new_id
from ward_service.contract.typed_numbers import read_back, read_number
from ward_service.contract.vocabulary import AlertState, Level, Vital

TODAY = date(2026, 11, 24)


def a_form(episode_id: UUID | None = None, **more: Any) -> FormView:
    flags = AskedQuestion(
        id="red_flags",
        said="Any of these now?",
        several=True,
        red_flags=True,
        answers=(
            AskedAnswer(code="none", said="None of these"),
            AskedAnswer(code="blue_lips", said="Blue lips", own="Blaue Lippen", level=Level.RED),
        ),
    )
    feeling = AskedQuestion(
        id="feeling",
        said="Compared with yesterday?",
        answers=(AskedAnswer(code="same", said="Same"), AskedAnswer(code="worse", said="Worse")),
    )
    oxygen = AskedVital(vital=Vital.SPO2, called="Oxygen", unit="%", low=50, high=100, needed=True)
    given: dict[str, Any] = {
        "episode_id": episode_id or new_id(NOON),
        "pathway": "invented@1",
        "signed": False,
        "language": "en",
        "technique": "Rest first.",
        "zone": "Europe/London",
        "times": (time(9), time(17)),
        "vitals": (oxygen,),
        "questions": (flags, feeling, AskedQuestion(id="other", said="Anything else?")),
    }
    return FormView(**(given | more))


def a_check(told: PhoneReading) -> CheckView:
    """What the ward would answer: it reads numbers as the contract does."""
    typed = {vital: read_number(text, vital) for vital, text in told.values.items()}
    values = {vital: read.value for vital, read in typed.items() if read.value is not None}
    return CheckView(
        read_back=read_back(values),
        answered=(),
        problems=tuple(read.problem for read in typed.values() if read.problem),
        questions=(),
        level=Level.RED,
        findings=(FindingView(level=Level.RED, words="SpO2 91 % <= 92 %", at=NOON),),
    )


def an_entered(**more: Any) -> EnteredView:
    given: dict[str, Any] = {
        "reading_id": new_id(NOON),
        "measured_at": NOON,
        "level": Level.RED,
        "findings": (),
        "doubts": (),
        "script": ScriptView(
            level=Level.RED,
            first="RED. Tell them to call 999 now.",
            said=(SaidView(words="Go to A&E at once or call 999."),),
            text_ids=("advice.red",),
            call="999",
        ),
        "alerts": (),
    }
    return EnteredView(**(given | more))


@pytest.mark.parametrize(
    ("text", "day"),
    [
        ("24/11", date(2026, 11, 24)),
        ("24.11.2026", date(2026, 11, 24)),
        ("1-2-26", date(2026, 2, 1)),
        ("24 11", date(2026, 11, 24)),
        ("25/12", date(2025, 12, 25)),  # the latest one of that name
        ("31/11", None),
        ("11/24", None),
        ("yesterday", None),
        ("", None),
    ],
)
def test_a_day_is_read_as_it_stands_on_paper(text: str, day: date | None) -> None:
    assert entry.read_day(text, TODAY) == day


@pytest.mark.parametrize(
    ("text", "at"),
    [
        ("09:00", time(9)),
        ("9.30", time(9, 30)),
        ("0905", time(9, 5)),
        ("9:30 PM", time(21, 30)),
        ("12:10 am", time(0, 10)),
        ("12:10pm", time(12, 10)),
        ("17 00", time(17)),
        ("25:00", None),
        ("13:00 pm", None),
        ("9", None),
        ("noon", None),
    ],
)
def test_a_time_is_read_as_it_stands_on_paper(text: str, at: time | None) -> None:
    assert entry.read_time(text) == at


def test_rows_keep_their_place_on_the_screen_and_empty_ones_are_left_out() -> None:
    form = a_form()
    typed = [
        RowTyped("", "", {Vital.SPO2: " "}),
        RowTyped("23/11", "09:00", {Vital.SPO2: "97%"}, "A0 b1", "slept badly"),
        RowTyped("24/11", "9", {Vital.SPO2: "97"}, "A7 X"),
    ]
    rows, places, wrong = entry.read_rows(typed, form, TODAY)
    assert places == [2]
    assert [(a.question, a.answer) for a in rows[0].answers] == [
        ("red_flags", "none"),
        ("feeling", "worse"),
        ("other", "slept badly"),
    ]
    assert entry.row_lines(wrong) == ["Row 3: type the time as 09:00; there is no answer A7, X."]
    asked = (RowWords(row=1, words="Is it right?", question=True),)
    [said] = entry.row_lines(asked, places)
    assert said.startswith("Row 2: Is it right? If it is right as it stands, tick")


@pytest.mark.parametrize(
    ("day", "at", "measured"),
    [
        ("", "", None),
        ("", "09:15", "2026-11-24T09:15:00+00:00"),
        ("1/7", "9.15", "2026-07-01T09:15:00+01:00"),  # summer, by the wall
    ],
)
def test_what_was_measured_earlier_has_the_time_of_the_wall(
    day: str, at: str, measured: str | None
) -> None:
    found, problem = entry.earlier(day, at, NOON.astimezone(ZONE))
    assert (found.isoformat() if found else None, problem) == (measured, "")


@pytest.mark.parametrize(("day", "at"), [("24/11", ""), ("32/11", "09:00"), ("", "late")])
def test_a_time_that_cannot_be_read_is_not_now(day: str, at: str) -> None:
    found, problem = entry.earlier(day, at, NOON.astimezone(ZONE))
    assert found is None
    assert problem.startswith("Type the time")


def test_the_letters_are_those_of_the_printed_diary() -> None:
    assert entry.letter_lines(a_form()) == [
        "Any of these now? A0 None of these, A1 Blue lips",
        "Compared with yesterday? B0 Same, B1 Worse",
    ]


def test_what_is_asked_is_said_in_the_persons_own_words_first() -> None:
    flags = a_form().questions[0]
    assert entry.answers_of(flags)["blue_lips"] == "Blaue Lippen (Blue lips)"
    assert entry.spoken(flags.model_copy(update={"own": "Jetzt?"})) == "Jetzt? (Any of these now?)"


def test_a_check_says_the_level_with_its_shape_and_word() -> None:
    checked = a_check(PhoneReading(spoke="patient", values={Vital.SPO2: "91"}))
    assert entry.check_lines(checked) == ["■ RED: SpO2 91 % <= 92 %"]
    green = checked.model_copy(update={"level": Level.GREEN, "findings": ()})
    assert entry.check_lines(green) == ["● GREEN: nothing worrying was found"]
    unknown = checked.model_copy(update={"level": None, "findings": ()})
    assert entry.check_lines(unknown) == ["It cannot be judged"]


@pytest.mark.parametrize(
    ("more", "said"),
    [
        ({"review": True}, "for review, nobody is called about it"),
        ({"state": AlertState.PROVISIONAL}, "a second measurement can still tell"),
        ({"respond_by": NOON + minutes(15)}, "somebody takes it by 12:15"),
    ],
)
def test_the_script_says_what_the_ward_did(more: dict[str, Any], said: str) -> None:
    given: dict[str, Any] = {"state": AlertState.OPEN, "respond_by": None} | more
    script = entry.script_of(an_entered(alerts=(an_alert(**given),)), NOON)
    assert said in script.alerts[0]
    assert (script.loud, script.first) == (True, "RED. Tell them to call 999 now.")
    assert entry.script_of(an_entered(), NOON).alerts == ("No alert was raised.",)
