"""The ladder: who is called in turn, until somebody answers and somebody speaks with the patient.

Deadlines are moments in the alert, so a restart forgets nothing.
Source: docs/understand/design.md#ladder.
"""

from datetime import datetime
from typing import Final

from ward_service.contract.vocabulary import OWNER, PATIENT
from ward_service.domain.alerts import WARD, AlertEvent, AlertInPlay
from ward_service.domain.civil_time import in_service, next_opening, next_shift_change
from ward_service.domain.pathway import Call, Ladder, LadderStep, Pathway
from ward_service.domain.replace import replace
from ward_service.domain.state import EpisodeState, Message, Step, StepTaken

OWNER_REMINDER: Final = "call.owner_reminder"  # the id of its text


def ladder_of(alert: AlertInPlay, state: EpisodeState, pathway: Pathway) -> Ladder:
    """Return the ladder of an alert, by the mode of the stay and the alert's level."""
    return pathway.ladders[state.mode][alert.level]


def with_ladder(
    alert: AlertInPlay, at: datetime, state: EpisodeState, pathway: Pathway
) -> AlertInPlay:
    """Return the alert with its ladder begun anew. One that is only for review has none."""
    if alert.review:
        return replace(alert, step_at=None, respond_by=None)
    ladder = ladder_of(alert, state, pathway)
    first = _due(ladder.steps[0], at + ladder.steps[0].after, pathway)
    return replace(
        alert,
        round=alert.round + 1,
        step=0,
        step_at=first,
        respond_by=first + ladder.acknowledge_within,
    )


def take_step(step: Step, alert: AlertInPlay, at: datetime, pathway: Pathway) -> None:
    """Call whom the step names. It was due at `at`, whenever it is noticed."""
    ladder = ladder_of(alert, step.state, pathway)
    number = min(alert.step, len(ladder.steps) - 1)
    rung = ladder.steps[number]
    calls = rung.in_hours if in_service(at, pathway.service) else rung.out_of_hours
    called = [call for call in calls if not _muted(call, step.state)]
    for call in called:
        key = f"{alert.id}:{alert.round}:{alert.step}:{call.to}"
        step.messages.append(
            Message(key, at, call.to, call.by, call.text, None, alert.id, alert.level)
        )
    step.taken.append(StepTaken(alert.id, alert.round, alert.step, at))
    following = min(number + 1, len(ladder.steps) - 1)
    wait = ladder.repeat_every
    if number + 1 < len(ladder.steps):
        wait = ladder.steps[following].after - rung.after
    climbed = replace(
        alert,
        step=alert.step + 1,
        step_at=_due(ladder.steps[following], at + wait, pathway),
    )
    who = ", ".join(call.to.replace("_", " ") for call in called) or "nobody"
    step.put(climbed, at, WARD, "called", f"step {alert.step + 1}: {who}")


def taken_by(
    alert: AlertInPlay,
    by: str,
    now: datetime,
    shift_ends_at: datetime | None,
    state: EpisodeState,
    pathway: Pathway,
) -> AlertInPlay:
    """Return the alert with its owner: the ladder stands still, and the clock of contact runs."""
    within = ladder_of(alert, state, pathway).contact_within
    zone = pathway.service.zone
    needs_contact = not alert.review and alert.contacted_at is None
    return replace(
        alert,
        owner=by,
        acknowledged_at=now,
        contact_by=now + within if needs_contact else None,
        shift_ends_at=shift_ends_at or next_shift_change(now, pathway.shift_changes, zone),
        resume_at=None,
    )


def remind_owner(step: Step, alert: AlertInPlay, at: datetime, pathway: Pathway, why: str) -> None:
    """Remind whoever has the alert; if nothing follows, the ladder goes on."""
    to = f"{OWNER}:{alert.owner}"
    key = f"{alert.id}:{alert.round}:reminder:{at.isoformat()}"
    step.messages.append(Message(key, at, to, (), OWNER_REMINDER, None, alert.id, alert.level))
    over = at >= alert.shift_ends_at if alert.shift_ends_at is not None else False
    resume_at = at + ladder_of(alert, step.state, pathway).resume_after
    reminded = replace(
        alert,
        contact_by=None,
        shift_ends_at=None if over else alert.shift_ends_at,
        resume_at=min(resume_at, alert.resume_at or resume_at),
    )
    step.put(reminded, at, WARD, "owner reminded", why)


def resume(step: Step, alert: AlertInPlay, at: datetime, pathway: Pathway) -> None:
    """The acknowledgement has run out: the alert is open again, and the ladder begins anew."""
    opened = replace(alert.moved(AlertEvent.RAN_OUT), owner=None, acknowledged_at=None)
    words = f"{alert.owner} had it; the acknowledgement ran out"
    step.put(with_ladder(opened, at, step.state, pathway), at, WARD, "ladder resumed", words)


def _due(rung: LadderStep, at: datetime, pathway: Pathway) -> datetime:
    """Return when a step falls due: one that calls nobody out of hours is held until opening."""
    return at if rung.out_of_hours else next_opening(at, pathway.service)


def _muted(call: Call, state: EpisodeState) -> bool:
    """Whether a call must not go out: nobody writes to a patient who is in hospital."""
    return call.to == PATIENT and state.in_hospital
