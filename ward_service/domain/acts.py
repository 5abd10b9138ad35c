"""What people do to alerts. Software never does these (promise 11)."""

from dataclasses import replace
from uuid import UUID

from ward_service.contract.vocabulary import AlertState, Level
from ward_service.domain.alerts import AlertInPlay, NoteNeededError, SeenOldError
from ward_service.domain.inputs import Acknowledged, Resolved
from ward_service.domain.state import Step


def acknowledge(step: Step, act: Acknowledged) -> None:
    """Give an alert its owner.

    Raises:
        SeenOldError: it is not in play any more, or has changed since it was seen.
        NotAllowedError: it is somebody's already.
    """
    alert = _seen(step, act.alert_id, act.seen_version)
    owned = replace(alert.moved(AlertState.ACKNOWLEDGED), owner=act.by, acknowledged_at=step.now)
    step.put(owned, step.now, act.by, "acknowledged", "")


def resolve(step: Step, act: Resolved) -> None:
    """End an alert with its outcome, answering NICE's questions.

    Raises:
        SeenOldError: it is not in play any more, or has changed since it was seen.
        NoteNeededError: it is a red, and there is no note.
        NotAllowedError: it is still provisional.
    """
    alert = _seen(step, act.alert_id, act.seen_version)
    if alert.level is Level.RED and not act.note.strip():
        raise NoteNeededError("A red needs a note of what was done before it can be resolved.")
    ended = replace(
        alert.moved(AlertState.RESOLVED),
        resolved_at=step.now,
        outcome=act.outcome,
        response_needed=act.response_needed,
        response_completed=act.response_completed,
        management_changed=act.management_changed,
    )
    words = f"{act.outcome}: {act.note.strip()}" if act.note.strip() else act.outcome
    step.put(ended, step.now, act.by, "resolved", words)


def _seen(step: Step, alert_id: UUID, seen_version: int) -> AlertInPlay:
    alert = next((a for a in step.state.alerts if a.id == alert_id), None)
    if alert is None:
        raise SeenOldError("This alert is not in play any more.")
    if alert.version != seen_version:
        raise SeenOldError("This alert has changed since you saw it. Look again, then act.")
    return alert
