"""The ward list in words and marks. The ward has decided the order; here it is only said."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from clinician_dashboard.view_models.alert_deadlines import PAST, coming_words, late_words
from clinician_dashboard.view_models.words import (
    SHAPES,
    ZONE,
    age,
    clock_time,
    nhs_number,
    patient_name,
)
from ward_service.contract.http.alerts import AlertView
from ward_service.contract.http.board import BoardView, HealthView, PatientLine, Place
from ward_service.contract.http.pathways import PathwayView
from ward_service.contract.vocabulary import UNITS, AlertState, Level, Source, Vital

SHOWN: Final = timedelta(days=14)
MOST_REASONS: Final = 3
LOWEST, HIGHEST = 80.0, 100.0  # the sparkline's axis, per cent; lower values sit on its floor

SAID: Final[dict[Place, tuple[Level, str]]] = {
    Place.RED_AND_OVERDUE: (Level.RED, "RED, silent"),
    Place.RED: (Level.RED, "RED"),
    Place.OVERDUE_AFTER_RED: (Level.OVERDUE, "OVERDUE after red"),
    Place.NEVER_REPORTED: (Level.OVERDUE, "NEVER REPORTED"),
    Place.AMBER_AND_OVERDUE: (Level.AMBER, "AMBER, silent"),
    Place.AMBER: (Level.AMBER, "AMBER"),
    Place.OVERDUE: (Level.OVERDUE, "OVERDUE"),
    Place.NOT_JUDGED: (Level.TECHNICAL, "NOT JUDGED"),
    Place.TECHNICAL: (Level.TECHNICAL, "TECHNICAL"),
    Place.GREEN: (Level.GREEN, "In range"),
}
SOURCES: Final = {
    Source.PATIENT: "typed by the patient",
    Source.CARER: "typed by a carer",
    Source.SMS: "by text message",
    Source.STAFF_PHONE: "by phone to staff",
    Source.PAPER: "from a paper diary",
}


@dataclass(frozen=True, slots=True)
class Number:
    """A value with everything without which it must not be shown."""

    value: str
    age: str
    stale: bool
    marks: str


@dataclass(frozen=True, slots=True)
class Spark:
    """Points (0 to 1, left to right and bottom to top), broken where there was a gap.

    `doubtful` are those of them that are not to be trusted: drawn hollow.
    """

    runs: list[list[tuple[float, float]]]
    doubtful: list[tuple[float, float]]
    bands: list[tuple[float, float, str]]
    words: str


@dataclass(frozen=True, slots=True)
class Row:
    """One patient on the list. `alert` and `version` go back with what a clinician does.

    `action` is what the button says: which alert it takes, where another is somebody's already.
    """

    id: str
    alert: str
    version: int
    level: str
    shape: str
    word: str
    unowned: bool
    waiting: str
    name: str
    about: str
    why: list[str]
    reason: str
    spo2: Number | None
    pulse: Number | None
    spark: Spark
    last: str
    last_about: str
    state: str
    state_about: str
    due: str
    late: str
    paused: str
    action: str


def triage_rows(board: BoardView) -> list[dict[str, Any]]:
    """Return one row per patient, in the ward's order."""
    same = _same_surnames(board.patients)
    return [asdict(_row(line, board.as_of, line.family_name in same)) for line in board.patients]


def counts(board: BoardView) -> str:
    """Say how many stand where: `2 red, 1 amber, 3 silent, 34 in range`."""
    by = board.counts
    said = [
        (by.get(Place.RED_AND_OVERDUE, 0) + by.get(Place.RED, 0), "red"),
        (by.get(Place.AMBER_AND_OVERDUE, 0) + by.get(Place.AMBER, 0), "amber"),
        (
            by.get(Place.OVERDUE_AFTER_RED, 0)
            + by.get(Place.NEVER_REPORTED, 0)
            + by.get(Place.OVERDUE, 0),
            "overdue",
        ),
        (by.get(Place.NOT_JUDGED, 0), "not judged"),
        (by.get(Place.TECHNICAL, 0), "technical"),
        (by.get(Place.GREEN, 0), "in range or not yet due"),
    ]
    return ", ".join(f"{number} {word}" for number, word in said)


def use_words(use: str, unsigned: bool, leads: Sequence[str] = ()) -> str:
    """Say how this ward is used, and who signed the rules under which people stay.

    docs/understand/design.md#promise-14.
    """
    if unsigned or not leads:
        return f"{use.upper()} USE: UNSIGNED pathway, not for care"
    care = "" if use == "live" else ", not for care"
    return f"{use.upper()} USE: pathway signed by {' and '.join(leads)}{care}"


def leads(board: BoardView, pathways: Sequence[PathwayView]) -> list[str]:
    """Return who signed the versions under which somebody stays now."""
    staying = {line.pathway for line in board.patients}
    signed = [p.signed_by for p in pathways if p.signed_by and f"{p.id}@{p.version}" in staying]
    return list(dict.fromkeys(signed))


def signed_words(line: PatientLine, pathways: Sequence[PathwayView]) -> str:
    """Say which rules a stay runs under, and who signed them."""
    found = [p for p in pathways if f"{p.id}@{p.version}" == line.pathway and p.signed_by]
    if not line.signed or not found or found[0].signed_at is None:
        return f"{line.pathway}: UNSIGNED, not for care"
    on = found[0].signed_at.astimezone(ZONE)
    return f"{line.pathway}: signed by {found[0].signed_by}, {on:%d %b %Y}"


def status_line(
    health: HealthView, clinician: str, standing: str = "", *, away: bool = False
) -> dict[str, Any]:
    """Return what the bar above every page says of the ward itself.

    `standing` is whether its rules are signed; until somebody has said so, they are not.
    `away`: the ward does not answer, and `health` is the last that it said.
    """
    trouble = ""
    if away:
        last = clock_time(health.now, health.now)
        trouble = f"The ward does not answer. What stands below is from {last}: do not rely on it."
    elif not health.well:
        since = f" since {clock_time(health.quiet_since, health.now)}" if health.quiet_since else ""
        trouble = f"{health.words}{since}. Do not rely on this list alone."
    blind = ""
    if health.blind_from and health.blind_until and health.now - health.blind_until < SHOWN:
        blind = (
            f"The ward was down from {clock_time(health.blind_from, health.now)} "
            f"to {clock_time(health.blind_until, health.now)}."
        )
    return {"clock": clock_time(health.now, health.now), "trouble": trouble, "blind": blind,
            "use": standing or use_words(health.use, unsigned=True), "who": clinician}  # fmt: skip


def _same_surnames(patients: Sequence[PatientLine]) -> set[str]:
    names = [p.family_name for p in patients]
    return {name for name in names if names.count(name) > 1}


def _row(line: PatientLine, now: datetime, same_surname: bool) -> Row:
    level, word = SAID[line.place]
    if line.place is Place.GREEN and line.level is not Level.GREEN:
        word = "Not known"  # nothing could be judged: that is not in range
    main = line.alerts[0] if line.alerts else None
    unowned = [a for a in line.alerts if a.state is not AlertState.ACKNOWLEDGED]
    warning = " · another patient has this surname" if same_surname else ""
    numbers = {o.vital: o for o in line.latest}
    return Row(
        id=str(line.episode_id),
        alert=str(unowned[0].id) if unowned else "",
        version=unowned[0].version if unowned else 0,
        level=str(level),
        shape="○" if word == "Not known" else SHAPES[level],
        word=word,
        unowned=bool(unowned),
        waiting=age(line.waiting_since, now) if line.waiting_since else "",
        name=patient_name(line.family_name, line.given_name),
        about=f"{line.sex[:1].upper()} {line.age} y · NHS\N{NO-BREAK SPACE}"
        f"{nhs_number(line.nhs_number)}{warning}",
        why=_why(line),
        reason=line.reason,
        spo2=_number(line, Vital.SPO2, now) if Vital.SPO2 in numbers else None,
        pulse=_number(line, Vital.PULSE_RATE, now) if Vital.PULSE_RATE in numbers else None,
        spark=_spark(line, now),
        last=age(line.last_reading_at, now) if line.last_reading_at else "never",
        last_about=_last_about(line),
        state=_state(main)[0],
        state_about=_state(main, now)[1],
        due=_due(line, now),
        late=_late(line, now),
        paused=paused_words(line, now),
        action=_action(main, unowned),
    )


def _due(line: PatientLine, now: datetime) -> str:
    """Say what comes next for the worst alert; what is late is said elsewhere."""
    coming = [coming_words(alert, now) for alert in line.alerts if not late_words(alert, now)]
    return coming[0] if coming else ""


def _late(line: PatientLine, now: datetime) -> str:
    """Say what is past its time, of the worst alert for which anything is."""
    late = [words for words in (late_words(alert, now) for alert in line.alerts) if words]
    return late[0] if late else (PAST if line.past_deadline else "")


def paused_words(line: PatientLine, now: datetime) -> str:
    """Say until when nothing is expected from somebody, or ""."""
    if line.paused_until is None:
        return ""
    return f"PAUSED until {clock_time(line.paused_until, now)}: nothing is expected"


def _action(main: AlertView | None, unowned: list[AlertView]) -> str:
    if not unowned:
        return ""
    return "Take" if unowned[0] is main else f"Take {unowned[0].level}"


def _why(line: PatientLine) -> list[str]:
    """Return whom to ring, the worst reasons, and how many more the patient's page has."""
    more = len(line.why) - MOST_REASONS
    tail = [f"and {more} more"] if more > 0 else []
    reasons = [*line.why[:MOST_REASONS], *tail] or [line.reason]
    return [*line.to_ring, *reasons]


def _number(line: PatientLine, vital: Vital, now: datetime) -> Number:
    [found] = [o for o in line.latest if o.vital is vital]
    marked = (
        ("doubtful", found.doubtful),
        ("late", found.late),
        ("time doubtful", found.time_doubtful),
    )
    marks = [word for word, true in marked if true]
    unit = UNITS[vital].say(found.value).partition(f"{found.value:g}")[2].strip()
    value = f"{found.value:g}"
    return Number(f"{value} {unit}", age(found.measured_at, now), found.stale, ", ".join(marks))


def _last_about(line: PatientLine) -> str:
    sources = {SOURCES[o.source] for o in line.latest if o.source in SOURCES}
    return " · ".join([f"day {line.day_of_stay}", *sorted(sources)])


def _state(alert: AlertView | None, now: datetime | None = None) -> tuple[str, str]:
    if alert is None:
        return "Nothing in play", ""
    if alert.state is AlertState.ACKNOWLEDGED:
        at = clock_time(alert.acknowledged_at, now) if alert.acknowledged_at and now else ""
        return "Taken", f"{alert.owner} {at}"
    marks = [word for word, true in (("late", alert.late), ("for review", alert.review)) if true]
    if alert.state is AlertState.PROVISIONAL:
        return "Repeat asked for", ", ".join(marks)
    return "New", ", ".join(marks)


def _spark(line: PatientLine, now: datetime) -> Spark:
    """Draw on a time axis; a gap longer than half a day is left open."""
    points = line.spo2
    if not points:
        return Spark([], [], [], "no SpO2 yet")
    began = min(points[0].measured_at, now - timedelta(hours=1))
    lasts = (now - began).total_seconds() or 1.0
    runs: list[list[tuple[float, float]]] = []
    doubtful: list[tuple[float, float]] = []
    before: datetime | None = None
    for point in points:
        if before is None or point.measured_at - before > timedelta(hours=20):
            runs.append([])
        x = (point.measured_at - began).total_seconds() / lasts
        runs[-1].append((round(min(1.0, max(0.0, x)), 4), _height(point.value)))
        if point.doubtful:
            doubtful.append(runs[-1][-1])
        before = point.measured_at
    bands = [
        (_height(b.low if b.low is not None else LOWEST), _height(_top(b.high)), str(b.level))
        for b in line.spo2_bands
    ]
    values = [point.value for point in points]
    words = f"SpO2 from {values[0]:g} to {values[-1]:g}, lowest {min(values):g}"
    if doubtful:
        words += f", {len(doubtful)} doubtful"
    return Spark(runs, doubtful, bands, words)


def _top(high: float | None) -> float:
    return HIGHEST if high is None else high + 1  # to where the next printed band begins


def _height(value: float) -> float:
    return round((min(HIGHEST, max(LOWEST, value)) - LOWEST) / (HIGHEST - LOWEST), 4)
