"""What silence does: overdue from the plan, on a clock, whether or not anything arrives."""

from dataclasses import replace
from datetime import datetime
from zoneinfo import ZoneInfo

from ward_service.contract.ids import derived_id
from ward_service.contract.vocabulary import AlertClass, AlertState, Level
from ward_service.domain.alerts import WARD, AlertFinding, AlertInPlay
from ward_service.domain.assess import Finding
from ward_service.domain.pathway import Pathway
from ward_service.domain.schedule import expected_next, overdue_from
from ward_service.domain.state import EpisodeState, Step


def overdue_at(state: EpisodeState, pathway: Pathway) -> datetime | None:
    """Return when this person becomes overdue if nothing comes; None if they are already."""
    if state.overdue_since is not None:
        return None
    return overdue_from(state.expected_at, state.never_reported, pathway.schedule)


def become_overdue(step: Step, at: datetime, pathway: Pathway) -> None:
    """Mark the person overdue and open the missing alert, both dated by the deadline."""
    due = step.state.expected_at.astimezone(ZoneInfo(pathway.schedule.zone))
    words = f"no reading for {due:%H:%M} on {due:%d %b}"
    if step.state.never_reported:
        words = f"never reported; the first reading was due {due:%H:%M} on {due:%d %b}"
    alert = AlertInPlay(
        id=derived_id(at, step.episode_id, step.state.opened),
        alert_class=AlertClass.MISSING,
        level=Level.OVERDUE,
        state=AlertState.OPEN,
        opened_at=at,
        noticed_at=step.now,
        pathway=pathway.name,
        findings=(AlertFinding(Finding(Level.OVERDUE, words), at, None),),
    )
    step.state = replace(step.state, overdue_since=at, opened=step.state.opened + 1)
    before = step.state.alert(AlertClass.MISSING)
    if before is None:
        step.put(alert, at, WARD, "opened", words)
    else:
        # A person has not yet closed the last one: one open alert per class, so this joins it.
        step.put(before.joined(alert.findings[0], before.level), at, WARD, "joined", words)


def heard_from(step: Step, judged_at: datetime, pathway: Pathway) -> None:
    """A good reading came: it fills what it fills, and may end the silence.

    It ends a missing alert too: that is no red, and what was missing has come.
    """
    state = step.state
    if state.last_good_at is not None and judged_at <= state.last_good_at:
        return
    expected = state.expected_at
    if state.last_good_at is None or judged_at + pathway.schedule.window >= expected:
        expected = expected_next(state.admitted_at, judged_at, pathway.schedule)
    step.state = replace(state, last_good_at=judged_at, expected_at=expected)
    if state.overdue_since is None or overdue_from(expected, False, pathway.schedule) <= step.now:
        return
    step.state = replace(step.state, overdue_since=None)
    alert = step.state.alert(AlertClass.MISSING)
    if alert is not None:
        answered = replace(alert.moved(AlertState.RESOLVED), resolved_at=step.now)
        answered = replace(answered, outcome="reading_received")
        step.put(answered, step.now, WARD, "resolved", "a reading came")
