"""A stay in words: its pause, its own limits, its end; and what people at the ward are to do."""

from collections.abc import Sequence
from datetime import date, datetime, time
from typing import Final

from clinician_dashboard.view_models.alert_deadlines import PAST
from clinician_dashboard.view_models.words import (
    ZONE,
    ago,
    clock_time,
    nhs_number,
    patient_name,
)
from ward_service.contract.http.board import PatientLine
from ward_service.contract.http.stays import LimitsView, TaskView
from ward_service.contract.vocabulary import EndReason, PauseReason, Spo2Target, TaskKind

PAUSES: Final = {
    PauseReason.IN_HOSPITAL: "In hospital",
    PauseReason.TRAVELLING: "Travelling",
    PauseReason.OTHER: "Something else",
}
ENDS: Final = {
    EndReason.RECOVERED_END_OF_PERIOD: "Recovered, at the end of the period",
    EndReason.RECOVERED_EARLY: "Recovered early",
    EndReason.ADMITTED_FROM_PATHWAY: "Admitted to hospital",
    EndReason.ED_NOT_ADMITTED_THEN_LEFT: "Emergency department, not admitted, then left the ward",
    EndReason.DIED: "Died",
    EndReason.WITHDREW: "Withdrew",
    EndReason.UNCONTACTABLE: "Cannot be contacted",
    EndReason.MOVED_AREA: "Moved to another area",
    EndReason.TRANSFERRED_OTHER_PATHWAY: "Transferred to another pathway",
    EndReason.INELIGIBLE_AFTER_ONBOARDING: "Turned out not to be eligible",
    EndReason.OTHER: "Something else",
}
DEVICES: Final = {
    "yes": "Yes",
    "no": "Not yet",
    "lost": "Lost",
    "not_issued": "None was issued",
}
TARGETS: Final = {
    Spo2Target.STANDARD: "The pathway's usual bands",
    Spo2Target.BASELINE: "Bands around this person's own usual SpO2",
    Spo2Target.RANGE_88_92: "Target range 88 to 92 %",
}
YES_NO: Final = {True: "Yes", False: "No"}
TASKS: Final = {
    TaskKind.CHECK_IN: "Check-in call",
    TaskKind.DISCHARGE_REVIEW: "Decide how the stay goes on",
}


def moment(day: date, at: time) -> datetime:
    """Return what the clock on the ward's wall means by a day and a time."""
    return datetime.combine(day, at, tzinfo=ZONE)


def limit_rows(limits: LimitsView) -> list[dict[str, str]]:
    """Return each of a person's own numbers beside the pathway's."""
    return [
        {
            "number": parameter.means,
            "own": _said(parameter.value),
            "pathway's": _said(parameter.usual),
            "differs": "differs" if parameter.value != parameter.usual else "",
            "may be": f"{parameter.low:g} to {parameter.high:g}",
        }
        for parameter in limits.parameters
    ]


def limits_words(limits: LimitsView) -> str:
    """Say by what a person is judged."""
    usual = "not known" if limits.usual_spo2 is None else f"{limits.usual_spo2:g} %"
    oxygen = "not known" if limits.home_oxygen is None else YES_NO[limits.home_oxygen].lower()
    exert = "may be asked to exert themselves" if limits.may_exert else "no exertion now"
    return (
        f"{TARGETS[limits.target]} · usual SpO2 {usual} · oxygen at home: {oxygen} · "
        f"{exert}: {limits.may_exert_words} · version {limits.number} of this person's limits"
    )


def _said(value: float | None) -> str:
    return "nobody has set it" if value is None else f"{value:g}"


def task_rows(
    tasks: Sequence[TaskView], patients: Sequence[PatientLine], now: datetime
) -> list[dict[str, str]]:
    """Return one line for each task, in the ward's order."""
    lines = {line.episode_id: line for line in patients}
    return [
        {
            "due": due_words(task, now),
            "what": TASKS[task.kind],
            "words": task.words,
            "patient": _who(lines.get(task.episode_id)),
            "phone": line.phone if (line := lines.get(task.episode_id)) else "",
        }
        for task in tasks
    ]


def task_name(task: TaskView, patients: Sequence[PatientLine]) -> str:
    """Name a task so that nobody takes it for another: whose it is, and which."""
    line = next((p for p in patients if p.episode_id == task.episode_id), None)
    return f"{_who(line)} · {TASKS[task.kind]}: {task.words}"


def due_words(task: TaskView, now: datetime) -> str:
    """Say when a task is due, and loudly that its time has gone."""
    at = clock_time(task.due_at, now)
    return at if task.due_at > now else f"{PAST}: {at}, {ago(task.due_at, now)}"


def _who(line: PatientLine | None) -> str:
    if line is None:
        return "somebody who is no longer on the list"
    name = patient_name(line.family_name, line.given_name)
    return f"{name} · NHS\N{NO-BREAK SPACE}{nhs_number(line.nhs_number)}"
