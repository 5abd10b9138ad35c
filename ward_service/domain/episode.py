"""THE FOLD: `step(state, input, now, pathway)` gives the next state of one stay, and what follows.

Live, replay and extract share it. Inputs are readings in order of receipt, acts of people, and
time. Deadlines that fell due by `now` are worked through first, in their order, each dated by
itself: it does not matter when somebody looked. Pure: nothing here reads a clock or a disk.
"""

from dataclasses import replace
from datetime import datetime
from typing import assert_never
from uuid import UUID

from ward_service.contract.ids import derived_id
from ward_service.contract.vocabulary import AlertClass, AlertState, Level
from ward_service.domain import acts, physiological, silence
from ward_service.domain.alerts import WARD, AlertFinding, AlertInPlay
from ward_service.domain.assess import Finding, assess
from ward_service.domain.inputs import (
    Acknowledged,
    Input,
    ReadingArrived,
    Resolved,
    TimePassed,
    UnreadableArrived,
)
from ward_service.domain.pathway import Pathway
from ward_service.domain.schedule import next_due
from ward_service.domain.state import EpisodeState, Judged, Step


def begin(admitted_at: datetime, pathway: Pathway) -> EpisodeState:
    """Return the state of a stay that has just begun: a reading is expected from the first time."""
    return EpisodeState(
        admitted_at=admitted_at, expected_at=next_due(admitted_at, pathway.schedule)
    )


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
    _work_through_deadlines(under_way, now, min(now, absence_until or now), pathway)
    match happened:
        case ReadingArrived():
            _take_reading(under_way, happened, pathway)
        case UnreadableArrived(reason):
            _technical(under_way, reason, pathway)
        case Acknowledged():
            acts.acknowledge(under_way, happened)
        case Resolved():
            acts.resolve(under_way, happened)
        case TimePassed():
            pass
        case _:
            assert_never(happened)
    return under_way


def next_deadline(state: EpisodeState, pathway: Pathway) -> datetime | None:
    """Return when this stay must be looked at next although nothing arrives."""
    confirm = [alert.confirm_by for alert in state.alerts if alert.confirm_by is not None]
    overdue = silence.overdue_at(state, pathway)
    return min([*confirm, *([overdue] if overdue else [])], default=None)


def _work_through_deadlines(
    under_way: Step, now: datetime, absence_until: datetime, pathway: Pathway
) -> None:
    due: list[tuple[datetime, AlertInPlay | None]] = [
        (alert.confirm_by, alert)
        for alert in under_way.state.alerts
        if alert.confirm_by is not None and alert.confirm_by <= now
    ]
    overdue = silence.overdue_at(under_way.state, pathway)
    if overdue is not None and overdue <= absence_until:
        due.append((overdue, None))
    for at, alert in sorted(due, key=lambda deadline: deadline[0]):
        if alert is None:
            silence.become_overdue(under_way, at, pathway)
        else:
            physiological.confirm_unanswered(under_way, alert, at)


def _take_reading(under_way: Step, reading: ReadingArrived, pathway: Pathway) -> None:
    """Judge a reading as of when it was measured, or as of receipt if that cannot be believed."""
    now, state = under_way.now, under_way.state
    from_the_future = reading.measured_at > now + pathway.clock_tolerance
    long_before = reading.measured_at < state.admitted_at - pathway.before_stay
    time_doubtful = from_the_future or long_before
    judged_at = now if time_doubtful else min(reading.measured_at, now)
    assessment = assess(reading.values, reading.context, reading.quality, pathway)
    doubts = (*assessment.doubts, "time_doubtful") if time_doubtful else assessment.doubts
    late = not time_doubtful and now - reading.measured_at > pathway.late_after
    judged = Judged(assessment, judged_at, late, time_doubtful, doubts)
    under_way.judged = judged
    physiological.judge_for_alert(under_way, reading, judged, pathway)
    if time_doubtful:
        _technical(under_way, "the clock at home is wrong: judged as of receipt", pathway)
    elif assessment.reassuring:
        silence.heard_from(under_way, judged_at, pathway)
    _remember(under_way, judged)


def _remember(under_way: Step, judged: Judged) -> None:
    state, at, level = under_way.state, judged.judged_at, judged.assessment.level
    newest = state.last_measured_at is None or at >= state.last_measured_at
    in_range = level is Level.GREEN and not judged.time_doubtful
    newer_level = level is not None and (state.last_level_at is None or at >= state.last_level_at)
    under_way.state = replace(
        state,
        last_measured_at=at if newest else state.last_measured_at,
        last_received_at=under_way.now,
        in_range_at=max(state.in_range_at or at, at) if in_range else state.in_range_at,
        last_level=level if newer_level else state.last_level,
        last_level_at=at if newer_level else state.last_level_at,
    )


def _technical(under_way: Step, reason: str, pathway: Pathway) -> None:
    """Tell people that something from this home could not be read or believed; say it once."""
    now = under_way.now
    found = AlertFinding(Finding(Level.TECHNICAL, reason), now, None)
    alert = under_way.state.alert(AlertClass.TECHNICAL)
    if alert is None:
        alert = AlertInPlay(
            id=derived_id(now, under_way.episode_id, under_way.state.opened),
            alert_class=AlertClass.TECHNICAL,
            level=Level.TECHNICAL,
            state=AlertState.OPEN,
            opened_at=now,
            noticed_at=now,
            pathway=pathway.name,
            findings=(found,),
        )
        under_way.state = replace(under_way.state, opened=under_way.state.opened + 1)
        under_way.put(alert, now, WARD, "opened", reason)
    elif reason not in {f.finding.words for f in alert.findings}:
        under_way.put(alert.joined(found, Level.TECHNICAL), now, WARD, "joined", reason)
