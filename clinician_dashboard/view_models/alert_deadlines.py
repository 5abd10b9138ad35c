"""What is due on an alert, and who was called about it, in words."""

from dataclasses import dataclass
from datetime import datetime
from typing import Final

from clinician_dashboard.view_models.words import ago, clock_time
from ward_service.contract.http.alerts import AlertView, CallView
from ward_service.contract.vocabulary import OWNER, AlertState

PAST: Final = "PAST ITS TIME"
IN_PLAY: Final = (AlertState.PROVISIONAL, AlertState.OPEN, AlertState.ACKNOWLEDGED)


@dataclass(frozen=True, slots=True)
class Due:
    """Something that is due, in words; `past`: its time has come and gone."""

    words: str
    past: bool = False


def due_lines(alert: AlertView, now: datetime) -> list[Due]:
    """Say what is to happen with an alert in play and by when, what is late first."""
    if alert.state not in IN_PLAY:
        return []
    lines = []
    if alert.respond_by is not None:
        lines.append(_by("somebody takes this alert", alert.respond_by, now))
    if alert.contact_by is not None:
        lines.append(_by("speak with the patient", alert.contact_by, now))
    if alert.next_call_at is not None:
        at = clock_time(alert.next_call_at, now)
        called = "is called next" if alert.next_call_at > now else "was to be called"
        lines.append(Due(f"somebody {called} at {at}"))
    if alert.contacted_at is not None:
        lines.append(
            Due(f"somebody spoke with the patient at {clock_time(alert.contacted_at, now)}")
        )
    elif _reminded(alert):
        lines.append(
            Due(
                f"{PAST}: nobody has spoken with the patient, and {alert.owner} was reminded. "
                "If no contact follows, the calls begin again",
                past=True,
            )
        )
    if alert.review:
        lines.append(Due("for review: nobody is called about it"))
    return sorted(lines, key=lambda line: not line.past)


def _reminded(alert: AlertView) -> bool:
    """Whether the time for a contact ran out: the ward has then reminded the owner."""
    owned = alert.state is AlertState.ACKNOWLEDGED
    return owned and not alert.review and alert.contact_by is None and alert.contacted_at is None


def _by(what: str, by: datetime, now: datetime) -> Due:
    said = f"{what} by {clock_time(by, now)}"
    if by > now:
        return Due(said)
    return Due(f"{PAST}: {said}, {ago(by, now)}", past=True)


def late_words(alert: AlertView, now: datetime) -> str:
    """Say in a few words what of an alert is past its time, or ""."""
    late = [line for line in due_lines(alert, now) if line.past]
    if not late:
        return ""
    if alert.respond_by is not None:
        return f"{PAST}: to be taken by {clock_time(alert.respond_by, now)}"
    if alert.contact_by is not None:
        return f"{PAST}: speak with the patient by {clock_time(alert.contact_by, now)}"
    return f"{PAST}: nobody has spoken with the patient"


def coming_words(alert: AlertView, now: datetime) -> str:
    """Say in a few words what is next for an alert, or ""."""
    if alert.contact_by is not None:
        return f"speak with the patient by {clock_time(alert.contact_by, now)}"
    if alert.respond_by is not None:
        return f"take by {clock_time(alert.respond_by, now)}"
    return ""


def call_lines(alert: AlertView, now: datetime) -> list[str]:
    """Say who was called about an alert and what became of it, oldest first."""
    return [f"{clock_time(c.due_at, now)} · {_to(c.to)} · {_became(c, now)}" for c in alert.calls]


def _to(to: str) -> str:
    role, _, name = to.partition(":")
    return f"{name}, who has it" if role == OWNER else role.replace("_", " ")


def _became(call: CallView, now: datetime) -> str:
    by = f" by {call.channel}" if call.channel else ""
    why = f": {call.problem}" if call.problem else ""
    if call.sent_at is not None:
        there = f", arrived at {clock_time(call.arrived_at, now)}" if call.arrived_at else ""
        return f"sent{by} at {clock_time(call.sent_at, now)}{there}{why}"
    if call.given_up_at is not None:
        return f"NOT REACHED, given up at {clock_time(call.given_up_at, now)}{why}"
    if call.stopped_at is not None:
        return f"not sent, stopped at {clock_time(call.stopped_at, now)}{why}"
    if call.attempts:
        times = "once" if call.attempts == 1 else f"{call.attempts} times"
        return f"NOT YET SENT, tried {times}{why}"
    return f"not yet sent{why}"
