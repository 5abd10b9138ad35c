"""The order of patients, with the reason in words. Source: docs/understand/design.md#levels."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from ward_service.contract.http.board import Place
from ward_service.contract.vocabulary import AlertClass, AlertState, Level
from ward_service.domain.alerts import AlertInPlay
from ward_service.domain.bands import WORRY
from ward_service.domain.civil_time import local
from ward_service.domain.state import EpisodeState

URGENCY = tuple(Place)  # declared most urgent first


@dataclass(frozen=True, slots=True)
class Standing:
    """Where a patient stands and why.

    `level` is the worst level of the clinical alerts in play, or else of the latest judged
    reading; None when that could not be judged. `waiting_since` is when the oldest alert
    opened that nobody has acknowledged. `past_deadline`: somebody should have acknowledged one, or
    have spoken with the patient, by now.
    """

    place: Place
    reason: str
    level: Level | None
    waiting_since: datetime | None
    past_deadline: bool


def stand(state: EpisodeState, now: datetime) -> Standing:
    """Return a patient's place. Silence never lowers it, and unknown is never called green."""
    red_or_amber = _clinical_level(state)
    overdue = state.overdue_since is not None
    place = _place(state, red_or_amber, overdue)
    unowned = [a.opened_at for a in state.alerts if a.state is not AlertState.ACKNOWLEDGED]
    level = red_or_amber or (state.last_level if place is not Place.NOT_JUDGED else None)
    deadlines = [at for a in state.alerts for at in (a.respond_by, a.contact_by) if at is not None]
    late = any(at <= now for at in deadlines)
    return Standing(place, _reason(place, state), level, min(unowned, default=None), late)


def urgency(standing: Standing, episode_id: UUID) -> tuple[int, bool, bool, bool, float, str]:
    """Return the sort key.

    Place; unknown before green; not acknowledged, then past its deadline, then longest wait first.
    """
    waiting = standing.waiting_since
    return (
        URGENCY.index(standing.place),
        standing.level is not None,
        waiting is None,
        not standing.past_deadline,
        waiting.timestamp() if waiting else 0.0,
        str(episode_id),
    )


def _clinical_level(state: EpisodeState) -> Level | None:
    clinical = [a for a in state.alerts if _is_clinical(a)]
    return max((a.level for a in clinical), key=WORRY.__getitem__, default=None)


def _is_clinical(alert: AlertInPlay) -> bool:
    return alert.alert_class in (AlertClass.PHYSIOLOGICAL, AlertClass.SYMPTOM)


def _place(state: EpisodeState, level: Level | None, overdue: bool) -> Place:
    if level is Level.RED:
        return Place.RED_AND_OVERDUE if overdue else Place.RED
    if overdue and state.last_level is Level.RED:
        return Place.OVERDUE_AFTER_RED
    if overdue and state.never_reported:
        # Somebody whose only readings could not be believed has not reported either.
        return Place.AMBER_AND_OVERDUE if level is Level.AMBER else Place.NEVER_REPORTED
    if level is Level.AMBER:
        return Place.AMBER_AND_OVERDUE if overdue else Place.AMBER
    if overdue:
        return Place.OVERDUE
    if _not_judged(state):
        return Place.NOT_JUDGED
    return Place.TECHNICAL if state.alert(AlertClass.TECHNICAL) else Place.GREEN


def _not_judged(state: EpisodeState) -> bool:
    """Whether the latest reading that could tell how this person is could not be judged.

    Where an older program kept no moment, a stay without any level has had no such reading.
    """
    if state.last_received_at is None or state.end_reason is not None:
        return False
    if state.not_judged_at is None:
        return state.last_level is None and state.in_range_at is None
    return state.last_level_at is None or state.not_judged_at >= state.last_level_at


def _reason(place: Place, state: EpisodeState) -> str:
    said = {
        Place.RED_AND_OVERDUE: "red alert in play, and no reading when one was due",
        Place.RED: "red alert in play",
        Place.OVERDUE_AFTER_RED: "silent since a red reading",
        Place.NEVER_REPORTED: "no reading yet, and the first was due",
        Place.AMBER_AND_OVERDUE: "amber alert in play, and no reading when one was due",
        Place.AMBER: "amber alert in play",
        Place.OVERDUE: "no reading when one was due",
        Place.NOT_JUDGED: "the last reading could not be judged",
        Place.TECHNICAL: "something is wrong at home, or with what came from there",
        Place.GREEN: "in range, nothing due",
    }
    if place is Place.GREEN and state.paused_until is not None:
        until = local(state.paused_until, state.zone)
        return f"paused ({state.pauses[-1].reason.replace('_', ' ')}) until {until:%H:%M on %d %b}"
    due = local(state.expected_at, state.zone)
    if place is Place.NOT_JUDGED:
        which = "no" if state.last_level is None else "the last"
        negated = "could" if state.last_level is None else "could not"
        return f"{which} reading {negated} be judged; the next is due {due:%H:%M} on {due:%d %b}"
    if place is Place.GREEN and state.last_level is not Level.GREEN:
        if state.last_received_at is None:
            return f"no reading yet; the first is due {due:%H:%M} on {due:%d %b}"
        return f"last judged reading was {state.last_level}; nothing in play"
    return said[place]
