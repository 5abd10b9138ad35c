"""One patient in words: alerts with their history, readings with their age and their doubts."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from clinician_dashboard.view_models.alert_deadlines import IN_PLAY, Due, call_lines, due_lines
from clinician_dashboard.view_models.ward_list import SOURCES
from clinician_dashboard.view_models.words import SHAPES, age, ago, clock_time
from ward_service.contract.http.alerts import AlertView
from ward_service.contract.http.board import PatientLine
from ward_service.contract.http.readings import ReadingView, ToldView
from ward_service.contract.vocabulary import UNITS, AlertState, Level, Source

DOUBTS: Final = {
    "spo2_below_belief": "SpO2 lower than can be believed",
    "spo2_above_belief": "SpO2 higher than can be believed",
    "pulse_rate_below_belief": "pulse lower than can be believed",
    "pulse_rate_above_belief": "pulse higher than can be believed",
    "looks_swapped": "the two numbers look swapped",
    "time_doubtful": "time doubtful: judged as of receipt",
    "poor_signal": "poor signal",
    "low_perfusion": "low perfusion",
    "no_finger": "no finger",
    "questionable": "the device questions it",
    "early_estimate": "an early estimate",
}
OUTCOMES: Final = {
    "no_action": "No action was needed",
    "advice": "Advice given",
    "schedule_change": "More or fewer readings",
    "threshold_change": "Own limits to be changed",
    "face_to_face": "Seen face to face",
    "111": "NHS 111",
    "ed": "Emergency department",
    "999": "999 called",
    "admission": "Admitted to hospital",
}
ACTED: Final = {
    AlertState.PROVISIONAL: "a repeat was asked for",
    AlertState.OPEN: "waiting for somebody",
    AlertState.ACKNOWLEDGED: "taken",
    AlertState.RESOLVED: "resolved",
    AlertState.WITHDRAWN: "withdrawn: the repeat was in range",
}


@dataclass(frozen=True, slots=True)
class AlertText:
    """An alert as it is read: a headline, its reasons, what is due, its history line by line.

    `owner` is whose it is, or "".
    """

    headline: str
    reasons: list[str]
    due: list[Due]
    calls: list[str]
    history: list[str]
    owner: str
    in_play: bool
    may_be_resolved: bool
    needs_note: bool


def alert_text(alert: AlertView, now: datetime) -> AlertText:
    """Put an alert into words."""
    marks = [word for word, true in (("late", alert.late), ("for review", alert.review)) if true]
    whose = f" by {alert.owner}" if alert.owner and alert.state is AlertState.ACKNOWLEDGED else ""
    headline = (
        f"{SHAPES[alert.level]} {str(alert.level).upper()} ({alert.alert_class}): "
        f"{ACTED[alert.state]}{whose}; opened {clock_time(alert.opened_at, now)}, "
        f"{ago(alert.opened_at, now)}"
    )
    headline += f" [{', '.join(marks)}]" if marks else ""
    reasons = [
        f"{f.words}{' (doubtful)' if f.doubtful else ''}, "
        f"{'measured ' if f.reading_ids else ''}{clock_time(f.at, now)}"
        for f in alert.findings
    ]
    history = [
        " · ".join(part for part in (clock_time(e.at, now), e.by, e.what, e.words) if part)
        for e in alert.ledger
    ]
    open_to_people = alert.state in (AlertState.OPEN, AlertState.ACKNOWLEDGED)
    return AlertText(
        headline=headline,
        reasons=reasons,
        due=due_lines(alert, now),
        calls=call_lines(alert, now),
        history=history,
        owner=alert.owner or "" if alert.state is AlertState.ACKNOWLEDGED else "",
        in_play=alert.state in IN_PLAY,
        may_be_resolved=open_to_people,
        needs_note=alert.level is Level.RED,
    )


def most_urgent_first(alerts: Sequence[AlertView]) -> list[AlertView]:
    """Return alerts in play before those that have ended, worst first, then the newest."""
    ended = (AlertState.RESOLVED, AlertState.WITHDRAWN)
    worst = list(SHAPES)
    by_age = sorted(alerts, key=lambda alert: alert.opened_at, reverse=True)
    return sorted(by_age, key=lambda alert: (alert.state in ended, worst.index(alert.level)))


def reading_rows(readings: Sequence[ReadingView], now: datetime) -> list[dict[str, str]]:
    """Return one line per reading, newest first; a number never without its age."""
    return [
        {
            "measured": clock_time(reading.measured_at, now),
            "age": age(reading.measured_at, now),
            "values": ", ".join(UNITS[v].say(value) for v, value in reading.values.items()),
            "level": str(reading.level or "not judged"),
            "doubts": "; ".join(DOUBTS.get(doubt, doubt) for doubt in reading.doubts),
            "arrived": f"late, {clock_time(reading.received_at, now)}" if reading.late else "",
            "source": _source(reading),
            "told at home": told_words(reading.told),
        }
        for reading in reversed(readings)
    ]


def told_words(told: ToldView | None) -> str:
    """Say what the patient was told at home, by which plan; empty when nobody was told."""
    if told is None:
        return ""
    if told.plan_number is None:
        return "no plan was held: when to call 999, and 111"
    words = " ".join(told.words) or f"{', '.join(told.text_ids)}, of a plan not known here"
    return f"{told.level or 'not judged'}: {words} (plan {told.plan_number})"


def _source(reading: ReadingView) -> str:
    """Say whence a reading came, and of one that staff typed who did and who spoke."""
    said = "device" if reading.source is Source.BLE else SOURCES[reading.source]
    spoke = f", the {reading.spoke} spoke" if reading.spoke else ""
    return f"{said} ({reading.entered_by}{spoke})" if reading.entered_by else said


def headline(line: PatientLine, now: datetime) -> str:
    """Say why this patient stands where they stand."""
    waiting = f", waiting {age(line.waiting_since, now)}" if line.waiting_since else ""
    return f"{line.reason}{waiting}"
