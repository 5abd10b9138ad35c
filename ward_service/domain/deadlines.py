"""What falls due for a stay although nothing arrives. Each deadline is a moment in the state."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import IntEnum
from uuid import UUID

from ward_service.domain import silence
from ward_service.domain.civil_time import moment
from ward_service.domain.pathway import Pathway
from ward_service.domain.state import EpisodeState


class Kind(IntEnum):
    """What falls due. Of two at one moment the first of this list is worked through first."""

    PAUSE_ENDS = 0
    CONFIRM = 1
    CONTACT = 2
    SHIFT_ENDS = 3
    RESUME = 4
    OVERDUE = 5
    WINDOWS = 6
    TELL_STAFF = 7
    STEP = 8
    REMIND = 9
    CHECK_IN = 10
    PERIOD_ENDS = 11


ABSENCE = frozenset({Kind.OVERDUE, Kind.WINDOWS, Kind.TELL_STAFF, Kind.REMIND})


@dataclass(frozen=True, slots=True, order=True)
class Deadline:
    """One deadline; `alert_id` says of which alert."""

    at: datetime
    kind: Kind
    alert_id: UUID | None = None


def deadlines(state: EpisodeState, pathway: Pathway) -> Iterator[Deadline]:
    """Yield what is due next of each kind. A stay that has ended has none."""
    if state.ended_at is not None:
        return
    for alert in state.alerts:
        for at, kind in (
            (alert.confirm_by, Kind.CONFIRM),
            (alert.contact_by, Kind.CONTACT),
            (alert.shift_ends_at, Kind.SHIFT_ENDS),
            (alert.resume_at, Kind.RESUME),
            (alert.step_at, Kind.STEP),
        ):
            if at is not None:
                yield Deadline(at, kind, alert.id)
    yield from _of_the_plan(state, pathway)
    if state.paused_until is not None:
        yield Deadline(state.paused_until, Kind.PAUSE_ENDS)
    else:
        yield from _of_silence(state, pathway)


def _of_silence(state: EpisodeState, pathway: Pathway) -> Iterator[Deadline]:
    yield Deadline(silence.remind_at(state, pathway), Kind.REMIND)
    for at, kind in (
        (silence.overdue_at(state, pathway), Kind.OVERDUE),
        (silence.tell_staff_at(state, pathway), Kind.TELL_STAFF),
        (silence.look_at_windows_at(state, pathway), Kind.WINDOWS),
    ):
        if at is not None:
            yield Deadline(at, kind)


def _of_the_plan(state: EpisodeState, pathway: Pathway) -> Iterator[Deadline]:
    if state.check_ins < len(pathway.check_in_days):
        yield Deadline(check_in_at(state, pathway), Kind.CHECK_IN)
    if not state.period_over:
        yield Deadline(period_ends_at(state, pathway), Kind.PERIOD_ENDS)


def check_in_at(state: EpisodeState, pathway: Pathway) -> datetime:
    """Return when the next check-in call falls due: when the team opens on its day."""
    day = state.anchor_on + timedelta(days=pathway.check_in_days[state.check_ins])
    return moment(day, pathway.service.opens, pathway.service.zone)


def period_ends_at(state: EpisodeState, pathway: Pathway) -> datetime:
    """Return when the planned stay is over and a person should think about its end."""
    day = state.anchor_on + timedelta(days=pathway.duration.days)
    planned = moment(day, pathway.service.opens, pathway.service.zone)
    return max(planned, state.admitted_at)
