"""What silence does: due, late, missed from the plan, on a clock, whether or not anything arrives.

Source: docs/reference/clinical.md#schedule; docs/understand/design.md#promise-3 (a person who never
reported is overdue at once).
"""

from datetime import datetime

from ward_service.contract.vocabulary import PATIENT, AlertClass, AlertOutcome, Level
from ward_service.domain.alerts import WARD, AlertEvent, AlertFinding, VitalInPlay
from ward_service.domain.bands import WORRY, worse
from ward_service.domain.civil_time import local
from ward_service.domain.conditions import Facts, found
from ward_service.domain.finding import Finding
from ward_service.domain.pathway import Pathway
from ward_service.domain.raise_alert import begin, new_alert, ring_again
from ward_service.domain.replace import replace
from ward_service.domain.schedule import expected_next, missed_at, next_due, overdue_from
from ward_service.domain.state import EpisodeState, Message, Step

REMINDERS = ("remind.first", "remind.second")  # the ids of their texts; the last one repeats


def overdue_at(state: EpisodeState, pathway: Pathway) -> datetime | None:
    """Return when this person becomes overdue if nothing comes; None if they are already."""
    if state.overdue_since is not None:
        return None
    return overdue_from(state.expected_at, state.never_reported, pathway.schedule)


def tell_staff_at(state: EpisodeState, pathway: Pathway) -> datetime | None:
    """Return when staff are told of this silence; None if they were."""
    if state.told_since is not None:
        return None
    missing = pathway.missing
    if state.never_reported:
        return state.expected_at + missing.first_chase_after
    after = state.expected_at + missing.staff_after
    windows = missed_at(state.expected_at, missing.missed_windows, pathway.schedule, state.zone)
    return min(after, windows)


def remind_at(state: EpisodeState, pathway: Pathway) -> datetime:
    """Return when the patient is reminded next, if nothing comes."""
    return state.chased_at + pathway.missing.remind_after[state.reminded]


def look_at_windows_at(state: EpisodeState, pathway: Pathway) -> datetime | None:
    """Return when the next missed window is over, if any finding of the pathway asks for it."""
    longest = max((rule.windows for rule in pathway.clock_rules), default=0)
    if state.windows_looked_at >= longest:
        return None
    windows = state.windows_looked_at + 1
    return missed_at(state.expected_at, windows, pathway.schedule, state.zone)


def become_overdue(step: Step, at: datetime) -> None:
    """Mark the person overdue, dated by the deadline: from now on they stand higher on the list."""
    step.state = replace(step.state, overdue_since=at)
    step.note(at, WARD, "overdue", "no reading when one was due")


def remind(step: Step, at: datetime, pathway: Pathway) -> None:
    """Remind the patient, and turn to the next reminder: a skipped reading stops no later one."""
    state, missing = step.state, pathway.missing
    text = REMINDERS[min(state.reminded, len(REMINDERS) - 1)]
    key = f"{step.episode_id}:{state.chased_at.isoformat()}:{state.reminded}"
    valid_until = at + missing.reminder_valid
    step.messages.append(Message(key, at, PATIENT, (), text, valid_until))
    following = next_due(state.chased_at, pathway.schedule, state.zone)
    more = state.reminded + 1
    if more < len(missing.remind_after) and (
        state.chased_at + missing.remind_after[more] < following + missing.remind_after[0]
    ):
        step.state = replace(state, reminded=more)
    else:
        step.state = replace(state, chased_at=following, reminded=0)


def tell_staff(step: Step, at: datetime, pathway: Pathway) -> None:
    """Open the missing alert, dated by its deadline: somebody has to ask how they are."""
    state = step.state
    step.state = replace(state, told_since=state.expected_at)
    due = local(state.expected_at, state.zone)
    words = f"no reading for {due:%H:%M} on {due:%d %b}"
    if state.never_reported:
        words = f"never reported; the first reading was due {due:%H:%M} on {due:%d %b}"
    missing = Finding(Level.OVERDUE, words, rule="missing", alert_class=AlertClass.MISSING)
    _open(step, missing, at, pathway)


def look_at_windows(step: Step, at: datetime, pathway: Pathway) -> None:
    """Look for the findings of the pathway that need missed readings, now that one more is."""
    state = step.state
    missed = state.windows_looked_at + 1
    step.state = replace(state, windows_looked_at=missed)
    last = state.history[-1] if state.history else None
    facts = Facts(
        at,
        state.zone,
        state.limits,
        values=last.values if last else {},
        history=state.history[:-1],
        missed=missed,
    )
    for rule in pathway.clock_rules:
        finding = found(rule, facts) if rule.windows == missed else None
        if finding is not None:
            _open(step, finding, at, pathway)


def _open(step: Step, finding: Finding, at: datetime, pathway: Pathway) -> None:
    joining = AlertFinding(finding, at, None)
    before = step.state.alert(finding.alert_class)
    if before is not None and before.alert_class is AlertClass.PHYSIOLOGICAL:
        # Nothing that is measured again takes away that readings were missed.
        missed = VitalInPlay(None, finding.level, settled=True)
        before = replace(before, vitals=(*before.stands_on, missed))
    if before is None:
        begin(step, new_alert(step, [joining], at, pathway), pathway)
    elif finding.level in WORRY and worse(finding.level, before.level):
        joined = before.joined(joining, finding.level)
        ring_again(step, joined, before, at, pathway, finding.words)
    else:
        # A person has not yet closed the last one: one open alert per class, so this joins it.
        step.put(before.joined(joining, before.level), at, WARD, "joined", finding.words)


def heard_from(step: Step, judged_at: datetime, pathway: Pathway) -> None:
    """A good reading came: it fills what it fills, and may end the silence.

    It ends a missing alert too: that is no red, and what was missing has come.
    """
    state, schedule = step.state, pathway.schedule
    if state.last_good_at is not None and judged_at <= state.last_good_at:
        return
    expected = state.expected_at
    if state.last_good_at is None or judged_at + schedule.window >= expected:
        since = state.pauses[-1].until if state.pauses else state.admitted_at
        expected = expected_next(since, judged_at, schedule, state.zone)
    if expected != state.expected_at:
        state = replace(state, windows_looked_at=0)
    state = replace(state, last_good_at=judged_at, expected_at=expected)
    if expected > state.chased_at:
        state = replace(state, chased_at=expected, reminded=0)
    step.state = state
    silent = state.overdue_since is not None or state.told_since is not None
    if silent and overdue_from(expected, False, schedule) > step.now:
        end_silence(step, step.now, WARD, AlertOutcome.READING_RECEIVED, "a reading came")


def end_silence(step: Step, at: datetime, by: str, outcome: AlertOutcome, why: str) -> None:
    """Nobody is missing any more: the mark goes, and the missing alert ends."""
    step.state = replace(step.state, overdue_since=None, told_since=None, windows_looked_at=0)
    alert = step.state.alert(AlertClass.MISSING)
    if alert is not None:
        ended = replace(alert.moved(AlertEvent.SILENCE_ENDED), resolved_at=at, outcome=outcome)
        step.put(ended, at, by, "resolved", why)
