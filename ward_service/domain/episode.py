"""THE FOLD: `step(state, input, now, pathway)` gives the next state of one stay, and what follows.

Live, replay and extract share it. Inputs are readings in order of receipt, acts of people, and
time. Deadlines that fell due by `now` are worked through first, in their order, each dated by
itself: it does not matter when somebody looked. Pure: nothing here reads a clock or a disk.
"""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import TypeVar, assert_never
from uuid import UUID

from ward_service.contract.vocabulary import AlertClass, EndReason, Level, Mode, TaskKind, Vital
from ward_service.domain import acts, escalation, physiological_alert, silence, symptom_alert
from ward_service.domain.alerts import WARD, AlertFinding
from ward_service.domain.civil_time import local
from ward_service.domain.continuous import as_reading
from ward_service.domain.deadlines import ABSENCE, Deadline, Kind, check_in_at, deadlines
from ward_service.domain.finding import Finding
from ward_service.domain.inputs import (
    Acknowledged,
    ContactMade,
    DiaryArrived,
    Ended,
    HomeTrouble,
    Input,
    LimitsChanged,
    Paused,
    ReadingArrived,
    Resolved,
    TimePassed,
    TraceArrived,
    Unpaused,
    UnreadableArrived,
    ZoneChanged,
)
from ward_service.domain.judge import exertion_stopped, judge, looked_back_on
from ward_service.domain.limits import Limits, limits_at_admission
from ward_service.domain.pathway import Pathway
from ward_service.domain.raise_alert import begin as begin_alert
from ward_service.domain.raise_alert import new_alert
from ward_service.domain.replace import replace
from ward_service.domain.schedule import next_due
from ward_service.domain.state import EpisodeState, Judged, Step, TaskOpened
from ward_service.domain.superseded import stands

Key = TypeVar("Key", bound=str)

# How long one trouble of a home, told, is not told again on the same alert. Ours: a nurse's day.
SAID_FOR = timedelta(days=1)
WHOSE = frozenset({f"{Vital.WEIGHT}_below_belief", f"{Vital.WEIGHT}_above_belief"})


@dataclass(frozen=True, slots=True)
class Person:
    """What the rules need to know of somebody who is admitted, and no name.

    `onset_on` is the first day of symptoms. Without limits of their own the pathway's defaults
    are copied.
    """

    mode: Mode = Mode.MONITORED
    limits: Limits | None = None
    zone: str | None = None
    onset_on: date | None = None
    age_years: int | None = None
    pregnant: bool | None = None


def begin(admitted_at: datetime, pathway: Pathway, person: Person | None = None) -> EpisodeState:
    """Return the state of a stay that has just begun: a reading is expected from the first time.

    Check-ins whose day is over are not asked for any more.
    """
    person = person or Person()
    zone = person.zone or pathway.zone
    first = next_due(admitted_at, pathway.schedule, zone)
    admitted_on = local(admitted_at, pathway.service.zone).date()
    from_onset = pathway.duration.from_onset and person.onset_on is not None
    state = EpisodeState(
        admitted_at=admitted_at,
        anchor_on=person.onset_on if from_onset and person.onset_on else admitted_on,
        zone=zone,
        mode=person.mode,
        limits=person.limits or limits_at_admission(pathway),
        expected_at=first,
        chased_at=first,
        age_years=person.age_years,
        pregnant=person.pregnant,
    )
    while state.check_ins < len(pathway.check_in_days) and (
        check_in_at(state, pathway) <= admitted_at
    ):
        state = replace(state, check_ins=state.check_ins + 1)
    return replace(state, next_at=next_deadline(state, pathway))


def step(
    episode_id: UUID,
    state: EpisodeState,
    happened: Input,
    now: datetime,
    pathway: Pathway,
    *,
    absence_until: datetime | None = None,
) -> Step:
    """Fold one input into a stay.

    Args:
        episode_id: whose stay; alerts are named after it.
        state: what the rules remembered.
        happened: what came, or who acted, or that time passed.
        now: the ward's time; a reading is received now.
        pathway: the version in force for this stay.
        absence_until: silence is judged up to here only (a ward that was blind waits a little
            for what homes still hold); None is `now`.

    Raises:
        NotAllowedError: a person asked for what the life of an alert does not allow; the
            deadlines that fell due are then worked through at the next step.
    """
    under_way = Step(state, now, episode_id)
    silent_until = min(now, absence_until or now)
    if state.next_at is not None and state.next_at <= now:
        _work_through_deadlines(under_way, now, silent_until, pathway)
    before = under_way.state
    _take_in(under_way, happened, pathway)
    if under_way.state is not before:
        # What came may ask for somebody at once: the first step of a ladder is due as it begins.
        _work_through_deadlines(under_way, now, silent_until, pathway)
    return under_way


def _take_in(under_way: Step, happened: Input, pathway: Pathway) -> None:
    match happened:
        case ReadingArrived():
            _take_reading(under_way, happened, pathway)
        case DiaryArrived():
            _take_diary(under_way, happened, pathway)
        case TraceArrived():
            reading = as_reading(happened, under_way.state.limits, pathway)
            _take_reading(under_way, reading, pathway)
        case UnreadableArrived(reason):
            _technical(under_way, reason, pathway)
        case HomeTrouble(about, words):
            _technical(under_way, words, pathway, about)
        case TimePassed():
            pass
        case Acknowledged():
            acts.acknowledge(under_way, happened, pathway)
        case ContactMade():
            acts.contact(under_way, happened)
        case Resolved():
            acts.resolve(under_way, happened)
        case LimitsChanged():
            acts.change_limits(under_way, happened, pathway)
        case ZoneChanged():
            acts.change_zone(under_way, happened, pathway)
        case Paused():
            acts.pause(under_way, happened)
        case Unpaused():
            acts.unpause(under_way, happened, pathway)
        case Ended():
            acts.end(under_way, happened, pathway)
        case _:
            assert_never(happened)


def next_deadline(state: EpisodeState, pathway: Pathway) -> datetime | None:
    """Return when this stay must be looked at next although nothing arrives."""
    return min((deadline.at for deadline in deadlines(state, pathway)), default=None)


def _work_through_deadlines(
    under_way: Step, now: datetime, absence_until: datetime, pathway: Pathway
) -> None:
    """Work through what fell due, earliest first: one may bring another about."""
    while True:
        ahead = list(deadlines(under_way.state, pathway))
        fell_due = [
            deadline
            for deadline in ahead
            if deadline.at <= now and (deadline.kind not in ABSENCE or deadline.at <= absence_until)
        ]  # while homes are catching up, silence waits
        if not fell_due:
            break
        due = min(fell_due, key=lambda d: (d.at, d.kind, str(d.alert_id)))
        if due.alert_id is None:
            _fall_due(under_way, due, pathway)
        else:
            _fall_due_of_alert(under_way, due, pathway)
    next_at = min((deadline.at for deadline in ahead), default=None)
    if next_at != under_way.state.next_at:
        under_way.state = replace(under_way.state, next_at=next_at)


def _fall_due(under_way: Step, due: Deadline, pathway: Pathway) -> None:
    state, at = under_way.state, due.at
    match due.kind:
        case Kind.PAUSE_ENDS:
            acts.end_pause(under_way, at, WARD, pathway)
        case Kind.OVERDUE:
            silence.become_overdue(under_way, at)
        case Kind.WINDOWS:
            silence.look_at_windows(under_way, at, pathway)
        case Kind.TELL_STAFF:
            silence.tell_staff(under_way, at, pathway)
        case Kind.REMIND:
            silence.remind(under_way, at, pathway)
        case Kind.CHECK_IN:
            number = state.check_ins + 1
            day = pathway.check_in_days[state.check_ins]
            under_way.state = replace(state, check_ins=number)
            if state.paused_until is None:
                under_way.tasks.append(
                    TaskOpened(TaskKind.CHECK_IN, number, at, f"check-in call, day {day}")
                )
        case Kind.PERIOD_ENDS:
            under_way.state = replace(state, period_over=True)
            words = f"{pathway.duration.days} days are over: decide how this stay goes on"
            under_way.tasks.append(TaskOpened(TaskKind.DISCHARGE_REVIEW, 1, at, words))
        case _:
            raise AssertionError(due.kind)


def _fall_due_of_alert(under_way: Step, due: Deadline, pathway: Pathway) -> None:
    alert = next(a for a in under_way.state.alerts if a.id == due.alert_id)
    match due.kind:
        case Kind.CONFIRM:
            physiological_alert.confirm_unanswered(under_way, alert, due.at)
        case Kind.CONTACT:
            why = "no contact recorded in time"
            escalation.remind_owner(under_way, alert, due.at, pathway, why)
        case Kind.SHIFT_ENDS:
            escalation.remind_owner(under_way, alert, due.at, pathway, "the shift is over")
        case Kind.RESUME:
            escalation.resume(under_way, alert, due.at, pathway)
        case Kind.STEP:
            escalation.take_step(under_way, alert, due.at, pathway)
        case _:
            raise AssertionError(due.kind)


def _take_reading(under_way: Step, reading: ReadingArrived, pathway: Pathway) -> None:
    judged = under_way.judged = judge(reading, under_way.state, under_way.now, pathway)
    if under_way.state.end_reason is EndReason.DIED:
        return  # kept and judged, and nobody is called
    _tell(under_way, judged, pathway)
    _remember(under_way, judged, pathway)


def _take_diary(under_way: Step, diary: DiaryArrived, pathway: Pathway) -> None:
    """Judge the readings of a diary, oldest first; then tell of them, what is still true first.

    Each is judged by what came before it, and told by what came after it. So an old amber or red
    that a better one follows joins what is still true, or opens for review, and rings nobody.
    """
    judged = []
    died = under_way.state.end_reason is EndReason.DIED
    for reading in sorted(diary.readings, key=lambda r: (r.measured_at, str(r.reading_id))):
        judged.append(judge(reading, under_way.state, under_way.now, pathway))
        if not died:
            _remember(under_way, judged[-1], pathway)
    under_way.diary = tuple(judged)
    if died:
        return
    for one in sorted(judged, key=lambda j: (not stands(j, under_way.state, pathway), j.judged_at)):
        _tell(under_way, one, pathway)


def _tell(under_way: Step, judged: Judged, pathway: Pathway) -> None:
    """Let a judged reading open alerts, or join them, and end the silence."""
    reading = judged.reading
    physiological_alert.judge_for_alert(under_way, reading, judged, pathway)
    symptom_alert.judge_for_alert(under_way, reading, judged, pathway)
    if any(doubt.startswith(("question_unknown", "answer_unknown")) for doubt in judged.doubts):
        _technical(under_way, "an answer could not be understood: ask", pathway)
    if any(doubt in WHOSE for doubt in judged.doubts):
        _technical(under_way, "a weight that cannot be believed: ask whose it is", pathway)
    if judged.time_doubtful:
        _technical(under_way, "the clock at home is wrong: judged as of receipt", pathway)
    elif judged.assessment.reassuring and under_way.state.ended_at is None:
        silence.heard_from(under_way, judged.judged_at, pathway)


def _remember(under_way: Step, judged: Judged, pathway: Pathway) -> None:
    state, at, level = under_way.state, judged.judged_at, judged.assessment.level
    newest = state.last_measured_at is None or at >= state.last_measured_at
    in_range = level is Level.GREEN and not judged.time_doubtful
    newer_level = level is not None and (state.last_level_at is None or at >= state.last_level_at)
    history, last_rest = looked_back_on(state, judged, pathway)
    cleared = state.cleared
    believed = judged.assessment.reassuring and not judged.time_doubtful
    if believed and judged.reading.answers and not judged.assessment.concerns:
        cleared = _latest(cleared, {question for question, _ in judged.reading.answers}, at)
    calm = judged.assessment.in_range if not judged.time_doubtful else frozenset()
    untold = judged.assessment.not_judged
    under_way.state = replace(
        state,
        last_measured_at=at if newest else state.last_measured_at,
        last_received_at=under_way.now,
        in_range_at=max(state.in_range_at or at, at) if in_range else state.in_range_at,
        in_range=_latest(state.in_range, calm, at),
        not_judged_at=max(state.not_judged_at or at, at) if untold else state.not_judged_at,
        cleared=cleared,
        last_level=level if newer_level else state.last_level,
        last_level_at=at if newer_level else state.last_level_at,
        history=history,
        last_rest=last_rest,
        exertion_stopped_at=exertion_stopped(state, judged),
    )


def _latest(
    before: tuple[tuple[Key, datetime], ...], what: Collection[Key], at: datetime
) -> tuple[tuple[Key, datetime], ...]:
    """Return when each was last true, in order of its name."""
    if not what:
        return before
    latest = dict(before)
    for key in what:
        latest[key] = max(latest.get(key, at), at)
    return tuple(sorted(latest.items()))


def _technical(under_way: Step, reason: str, pathway: Pathway, about: str = "technical") -> None:
    """Tell people that something is wrong at this home, or with what came from it; say it once.

    `about` becomes the rule of the finding. What is about the same, in other words, is said once a
    day: a device that fails again and again is one trouble.
    """
    now, state = under_way.now, under_way.state
    if state.ended_at is not None:
        return
    finding = Finding(Level.TECHNICAL, reason, rule=about, alert_class=AlertClass.TECHNICAL)
    found = AlertFinding(finding, now, None)
    alert = state.alert(AlertClass.TECHNICAL)
    if alert is None:
        begin_alert(under_way, new_alert(under_way, [found], now, pathway), pathway)
    elif not any(_says(said, finding, now) for said in alert.findings):
        under_way.put(alert.joined(found, Level.TECHNICAL), now, WARD, "joined", reason)


def _says(said: AlertFinding, finding: Finding, now: datetime) -> bool:
    """Whether a finding of an alert says already what another would."""
    if finding.rule == "technical":
        return said.finding.words == finding.words
    return said.finding.rule == finding.rule and now - said.at < SAID_FOR
