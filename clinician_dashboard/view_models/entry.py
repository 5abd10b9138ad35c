"""A reading by phone and a paper diary in words: what is asked, what was typed, what to say."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time
from typing import Final

from clinician_dashboard.view_models.words import SHAPES, clock_time
from ward_service.contract.entry import (
    AskedQuestion,
    CheckView,
    DiaryPage,
    DiaryView,
    EnteredView,
    FormView,
    GivenAnswer,
    ScriptView,
)
from ward_service.contract.http.alerts import AlertView
from ward_service.contract.http.problem import RowWords
from ward_service.contract.vocabulary import AlertState, Level, Speaker, Vital

SPOKE: Final = {Speaker.PATIENT: "The patient", Speaker.CARER: "A carer"}
FLAGS_FIRST: Final = (
    "If they have any of these: tell them to call 999 now. Then go on with the form."
)
_DAY: Final = re.compile(r"(\d{1,2})[./ -](\d{1,2})(?:[./ -](\d{4}|\d{2}))?")
_TIME: Final = re.compile(r"(\d{1,2})[:. ]?(\d{2})\s*(am|pm)?")


def spoken(question: AskedQuestion) -> str:
    """Return a question as it is asked: in the person's words first, if the pathway has them."""
    return f"{question.own} ({question.said})" if question.own else question.said


def answers_of(question: AskedQuestion) -> dict[str, str]:
    """Return the answers to choose from, each in words."""
    return {a.code: f"{a.own} ({a.said})" if a.own else a.said for a in question.answers}


def given(chosen: Mapping[str, Sequence[str]]) -> tuple[GivenAnswer, ...]:
    """Return what was chosen as answers; what was not asked is left out."""
    return tuple(
        GivenAnswer(question=question, answer=answer.strip())
        for question, answers in chosen.items()
        for answer in answers
        if answer.strip()
    )


def check_lines(checked: CheckView) -> list[str]:
    """Return what a reading would mean, in words."""
    level = f"{SHAPES[checked.level]} {str(checked.level).upper()}" if checked.level else "?"
    head = f"{level}: nothing worrying was found" if checked.level else "It cannot be judged"
    if checked.findings:
        head = f"{level}: {'; '.join(finding.words for finding in checked.findings)}"
    return [head, *checked.answered]


@dataclass(frozen=True, slots=True)
class Script:
    """What to say now: the first words for the caller, then the texts, then what the ward did."""

    first: str
    loud: bool
    said: tuple[str, ...]
    own: tuple[str, ...]
    alerts: tuple[str, ...]


def script_of(entered: EnteredView, now: datetime) -> Script:
    """Put what was kept into the script for whoever is on the phone."""
    script: ScriptView = entered.script
    return Script(
        first=script.first,
        loud=script.call is not None or script.level is Level.RED,
        said=tuple(said.words for said in script.said),
        own=tuple(said.own for said in script.said if said.own),
        alerts=alert_lines(entered.alerts, now),
    )


def alert_lines(alerts: Sequence[AlertView], now: datetime) -> tuple[str, ...]:
    """Say which alerts what was entered opened or joined."""
    return tuple(_alert_line(alert, now) for alert in alerts) or ("No alert was raised.",)


def _alert_line(alert: AlertView, now: datetime) -> str:
    head = f"{SHAPES[alert.level]} {str(alert.level).upper()} alert ({alert.alert_class})"
    if alert.review:
        return f"{head}: for review, nobody is called about it."
    if alert.state is AlertState.PROVISIONAL:
        return f"{head}: on the list; a second measurement can still tell."
    if alert.respond_by is not None:
        return f"{head}: on the list; somebody takes it by {clock_time(alert.respond_by, now)}."
    return f"{head}: on the list."


# A paper diary: rows as they stand on paper.


@dataclass(frozen=True, slots=True)
class RowTyped:
    """One row as it was typed: day, time, numbers by vital, the letters of answers, own words."""

    day: str
    at: str
    values: Mapping[Vital, str]
    letters: str = ""
    words: str = ""
    sure: bool = False

    @property
    def empty(self) -> bool:
        """Whether nothing was typed in it: it is left out."""
        typed = (self.day, self.at, *self.values.values(), self.letters, self.words)
        return not any(text.strip() for text in typed)


def letters_of(form: FormView) -> dict[str, tuple[str, str]]:
    """Return what the letters of the printed diary stand for: letter -> question, answer."""
    return {
        f"{chr(ord('A') + n)}{number}": (question.id, answer.code)
        for n, question in enumerate(form.questions)
        for number, answer in enumerate(question.answers)
    }


def letter_lines(form: FormView) -> list[str]:
    """Return the list of letters, a line for each question."""
    named = {code: letter for letter, code in letters_of(form).items()}
    return [
        f"{question.said} "
        + ", ".join(f"{named[question.id, a.code]} {a.said}" for a in question.answers)
        for question in form.questions
        if question.answers
    ]


def read_rows(
    typed: Sequence[RowTyped], form: FormView, today: date
) -> tuple[list[DiaryPage], list[int], list[RowWords]]:
    """Return the rows to send, which row of the screen each was, and what cannot be read."""
    rows, places, wrong = [], [], []
    for n, row in enumerate(typed, 1):
        if row.empty:
            continue
        problems = []
        day, at = read_day(row.day, today), read_time(row.at)
        if day is None:
            problems.append("type the day as 24/11, or 24/11/2026")
        if at is None:
            problems.append("type the time as 09:00")
        answers, unknown = _read_letters(row, form)
        if unknown:
            problems.append(f"there is no answer {', '.join(unknown)}")
        if problems or day is None or at is None:
            wrong.append(RowWords(row=n, words=f"{'; '.join(problems)}."))
            continue
        values = {vital: text for vital, text in row.values.items() if text.strip()}
        rows.append(DiaryPage(day=day, at=at, values=values, answers=answers, sure=row.sure))
        places.append(n)
    return rows, places, wrong


def _read_letters(row: RowTyped, form: FormView) -> tuple[tuple[GivenAnswer, ...], list[str]]:
    known, answers, unknown = letters_of(form), [], []
    for letter in re.findall(r"[A-Za-z]\s*\d+|\S+", row.letters.replace(",", " ")):
        code = known.get("".join(letter.split()).upper())
        if code is None:
            unknown.append(letter)
        else:
            answers.append(GivenAnswer(question=code[0], answer=code[1]))
    free = next((question.id for question in form.questions if not question.answers), None)
    if row.words.strip() and free is not None:
        answers.append(GivenAnswer(question=free, answer=row.words.strip()))
    return tuple(answers), unknown


def read_day(text: str, today: date) -> date | None:
    """Return the day that was written as on paper, the latest one of that name; None: no day."""
    found = _DAY.fullmatch(text.strip())
    if found is None:
        return None
    day, month, year = int(found[1]), int(found[2]), found[3]
    try:
        if year:
            return date(int(year) + (2000 if len(year) < len("2026") else 0), month, day)
        this_year = date(today.year, month, day)
        return this_year if this_year <= today else date(today.year - 1, month, day)
    except ValueError:
        return None


def read_time(text: str) -> time | None:
    """Return the time that was written: `9:00`, `09.00`, `0900`, `9.30 pm`; None: no time."""
    found = _TIME.fullmatch(text.strip().lower())
    if found is None:
        return None
    hour, minute, half = int(found[1]), int(found[2]), found[3]
    if half and not 1 <= hour <= 12:
        return None
    hour = hour % 12 + (12 if half == "pm" else 0) if half else hour
    try:
        return time(hour, minute)
    except ValueError:
        return None


def earlier(day: str, at: str, now: datetime) -> tuple[datetime | None, str]:
    """Return when a reading was measured by the ward's wall, None for just now; or what is wrong.

    `now` is in the zone of the ward.
    """
    if not day.strip() and not at.strip():
        return None, ""
    on = read_day(day, now.date()) if day.strip() else now.date()
    hour = read_time(at)
    if on is None or hour is None:
        return None, "Type the time as 09:00, and the day as 24/11 if it was not today."
    return datetime.combine(on, hour, tzinfo=now.tzinfo), ""


def row_lines(words: Sequence[RowWords], places: Sequence[int] = ()) -> list[str]:
    """Say row by row what is wrong, or to be asked; `places` are the rows of the screen."""
    return [
        f"Row {places[said.row - 1] if places else said.row}: {said.words}"
        + (" If it is right as it stands, tick “Looked again”." if said.question else "")
        for said in words
    ]


def kept_words(kept: DiaryView) -> str:
    """Say how much was kept, and what came of it."""
    rows = "1 row is kept" if len(kept.rows) == 1 else f"{len(kept.rows)} rows are kept"
    return f"{rows}, in the order in which they were measured."
