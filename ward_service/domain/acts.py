"""What people do to alerts and to a stay.

Software never does these (docs/understand/design.md#promise-11).
"""

from datetime import datetime
from uuid import UUID
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from ward_service.contract.vocabulary import (
    AlertOutcome,
    AlertState,
    EndReason,
    Level,
    Spo2Target,
)
from ward_service.domain.alerts import (
    AlertEvent,
    AlertInPlay,
    NotAllowedError,
    NoteNeededError,
    SeenOldError,
)
from ward_service.domain.escalation import taken_by
from ward_service.domain.inputs import (
    Acknowledged,
    ContactMade,
    Ended,
    LimitsChanged,
    Paused,
    Resolved,
    Unpaused,
    ZoneChanged,
)
from ward_service.domain.limits import Limits, wrong_with
from ward_service.domain.pathway import Pathway
from ward_service.domain.replace import replace
from ward_service.domain.schedule import next_due
from ward_service.domain.silence import end_silence
from ward_service.domain.state import Pause, Step


def acknowledge(step: Step, act: Acknowledged, pathway: Pathway) -> None:
    """Give an alert its owner. Who comes second is written down too, and told who was first.

    Raises:
        SeenOldError: it is not in play any more, or has changed since it was seen.
    """
    alert = _in_play(step, act.alert_id)
    has_it = alert.state is AlertState.ACKNOWLEDGED
    if has_it and alert.owner != act.by and not act.take_over:
        step.refused = f"{alert.owner} has this alert already. You can take it over."
        step.put(alert, step.now, act.by, "came second", f"{alert.owner} had it already")
        return
    _must_be_as_seen(alert, act.seen_version)
    what = "acknowledged"
    if has_it:
        what = "kept" if alert.owner == act.by else "taken over"
        moved = replace(alert, version=alert.version + 1)
    else:
        moved = alert.moved(AlertEvent.ACKNOWLEDGED)
    words = f"from {alert.owner}" if what == "taken over" else ""
    owned = taken_by(moved, act.by, step.now, act.shift_ends_at, step.state, pathway)
    step.put(owned, step.now, act.by, what, words)


def contact(step: Step, act: ContactMade) -> None:
    """Write down that somebody spoke with the patient, or tried to. Only speaking counts.

    Raises:
        SeenOldError: the alert is not in play any more.
    """
    alert = _in_play(step, act.alert_id)
    what = "contact" if act.reached else "not reached"
    words = f"{act.channel}: {act.note.strip()}" if act.note.strip() else str(act.channel)
    if act.reached:
        # A reminder at the end of a shift stands: speaking with the patient is no handover.
        ran_out = alert.shift_ends_at is not None
        alert = replace(
            alert,
            contacted_at=step.now,
            contact_by=None,
            resume_at=None if ran_out else alert.resume_at,
        )
    step.put(alert, step.now, act.by, what, words)


def resolve(step: Step, act: Resolved) -> None:
    """End an alert with its outcome, answering NICE's questions.

    Raises:
        SeenOldError: it is not in play any more, or has changed since it was seen.
        NoteNeededError: it is a red, and there is no note.
        NotAllowedError: it is still provisional.
    """
    alert = _in_play(step, act.alert_id)
    _must_be_as_seen(alert, act.seen_version)
    if alert.level is Level.RED and not act.note.strip():
        raise NoteNeededError("A red needs a note of what was done before it can be resolved.")
    ended = replace(
        alert.moved(AlertEvent.RESOLVED),
        resolved_at=step.now,
        outcome=act.outcome,
        response_needed=act.response_needed,
        response_completed=act.response_completed,
        management_changed=act.management_changed,
    )
    note = act.note.strip()
    step.put(ended, step.now, act.by, "resolved", f"{act.outcome}: {note}" if note else act.outcome)


def change_limits(step: Step, act: LimitsChanged, pathway: Pathway) -> None:
    """Change this person's own limits; what they were, are, and why stands in the ledger.

    Raises:
        NoteNeededError: there is no reason.
        NotAllowedError: a number is out of bounds, or a second person must confirm.
    """
    if not act.reason.strip():
        raise NoteNeededError("Changed limits need a reason.")
    before = step.state.limits
    for name in act.parameters:
        if name not in pathway.parameters:
            raise NotAllowedError(f"{pathway.name} has no limit called {name}.")
    after = before.changed(act.parameters, act.target, act.baseline_spo2, act.home_oxygen)
    to_88_92 = after.target is Spo2Target.RANGE_88_92 and before.target is not after.target
    if to_88_92 and act.confirmed_by in ("", act.by):
        raise NotAllowedError("The range 88 to 92 needs a second person who confirms it.")
    if wrong := wrong_with(after, pathway):
        raise NotAllowedError("Nothing was changed. " + " ".join(wrong))
    step.state = replace(step.state, limits=after)
    words = f"{_said_change(before, after)}; {act.reason.strip()}"
    if act.confirmed_by:
        words += f"; confirmed by {act.confirmed_by}"
    step.note(step.now, act.by, "limits changed", words)


def change_zone(step: Step, act: ZoneChanged, pathway: Pathway) -> None:
    """Move the agreed times to another zone, from the next one on.

    Raises:
        NoteNeededError: there is no reason.
        NotAllowedError: there is no such zone.
    """
    if not act.reason.strip():
        raise NoteNeededError("A changed time zone needs a reason.")
    try:
        ZoneInfo(act.zone)
    except (ZoneInfoNotFoundError, ValueError) as error:
        raise NotAllowedError("There is no such time zone.") from error
    state = replace(step.state, zone=act.zone)
    if state.overdue_since is None:
        filled = state.last_good_at or state.admitted_at
        due = next_due(max(step.now, filled + pathway.schedule.window), pathway.schedule, act.zone)
        state = replace(state, expected_at=due, chased_at=due, reminded=0)
    step.note(step.now, act.by, "zone changed", f"{act.zone}; {act.reason.strip()}")
    step.state = state


def pause(step: Step, act: Paused) -> None:
    """Expect nothing for a while. Reminders and the missing alert fall silent; a red does not.

    Raises:
        NotAllowedError: the pause would end before it began.
    """
    if act.until <= step.now:
        raise NotAllowedError("A pause must end in the future.")
    state = step.state
    pauses = state.pauses
    if state.paused_until is not None:  # a longer or shorter one takes its place
        pauses = (*pauses[:-1], replace(pauses[-1], until=step.now))
    pauses = (*pauses, Pause(step.now, act.until, act.reason))
    step.state = replace(state, pauses=pauses, paused_until=act.until)
    step.note(step.now, act.by, "paused", f"{act.reason} until {act.until.isoformat()}")
    end_silence(step, step.now, act.by, AlertOutcome.SCHEDULE_CHANGE, f"paused: {act.reason}")


def unpause(step: Step, act: Unpaused, pathway: Pathway) -> None:
    """End a pause before its time.

    Raises:
        NotAllowedError: there is none.
    """
    if step.state.paused_until is None:
        raise NotAllowedError("This stay is not paused.")
    end_pause(step, step.now, act.by, pathway)


def end_pause(step: Step, at: datetime, by: str, pathway: Pathway) -> None:
    """Expect readings again, from the next agreed time on."""
    state = step.state
    pauses = (*state.pauses[:-1], replace(state.pauses[-1], until=at))
    due = next_due(at, pathway.schedule, state.zone)
    step.state = replace(
        state, pauses=pauses, paused_until=None, expected_at=due, chased_at=due, reminded=0
    )
    step.note(at, by, "pause ended", "")


def end(step: Step, act: Ended, pathway: Pathway) -> None:
    """End the stay: its alerts end with it, by this person, and nothing is due any more.

    Raises:
        NotAllowedError: it has ended already.
        NoteNeededError: a red is in play and there is no note, or something must be said first.
    """
    if step.state.ended_at is not None:
        raise NotAllowedError("This stay has ended already.")
    note = act.note.strip()
    _must_have(act, pathway)
    red = any(alert.level is Level.RED for alert in step.state.alerts)
    if red and not note:
        raise NoteNeededError("A red is in play. Say what was done about it before the stay ends.")
    for alert in step.state.alerts:
        ended = replace(
            alert.moved(AlertEvent.STAY_ENDED),
            resolved_at=step.now,
            outcome=AlertOutcome.EPISODE_ENDED,
        )
        step.put(
            ended, step.now, act.by, "resolved", f"the stay ended: {act.reason}. {note}".strip()
        )
    step.state = replace(
        step.state, ended_at=step.now, end_reason=act.reason, paused_until=None, overdue_since=None
    )
    step.note(step.now, act.by, "ended", f"{act.reason}: {note}" if note else str(act.reason))


def _must_have(act: Ended, pathway: Pathway) -> None:
    """Refuse an end that leaves out what the pathway must know; of a death only its reason."""
    given = {
        "end_reason": True,
        "device_returned": bool(act.device_returned),
        "gp_informed": act.gp_informed is not None,
    }
    wanted = [] if act.reason is EndReason.DIED else pathway.discharge.must_have
    missing = [code for code in wanted if not given.get(code, True)]
    if missing:
        raise NoteNeededError(f"Before the stay ends, say: {', '.join(missing)}.")


def _in_play(step: Step, alert_id: UUID) -> AlertInPlay:
    alert = next((a for a in step.state.alerts if a.id == alert_id), None)
    if alert is None:
        raise SeenOldError("This alert is not in play any more.")
    return alert


def _must_be_as_seen(alert: AlertInPlay, seen_version: int) -> None:
    if alert.version != seen_version:
        raise SeenOldError("This alert has changed since you saw it. Look again, then act.")


def _said_change(before: Limits, after: Limits) -> str:
    was = dict(before.parameters)
    said = [
        f"{name} {_said(was[name])} -> {_said(v)}" for name, v in after.parameters if v != was[name]
    ]
    for what, old, new in (
        ("target", before.target, after.target),
        ("baseline SpO2", before.baseline_spo2, after.baseline_spo2),
        ("oxygen at home", before.home_oxygen, after.home_oxygen),
    ):
        if old != new:
            said.append(f"{what} {_said(old)} -> {_said(new)}")
    return ", ".join(said) or "nothing"


def _said(value: object) -> str:
    if value is None:
        return "unset"
    return f"{value:g}" if isinstance(value, float) else str(value)
