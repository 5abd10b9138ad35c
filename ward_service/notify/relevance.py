"""Whether a message is still worth sending."""

from datetime import datetime

from ward_service.contract.vocabulary import OWNER, PATIENT, AlertState
from ward_service.store.calls import RINGING
from ward_service.store.outbox import About
from ward_service.store.stays import state_of
from ward_service.store.tables.messages import MessageRow


def why_not(row: MessageRow, about: About, now: datetime) -> str | None:
    """Return why a message is not to go out any more; None if it is."""
    if row.not_after is not None and row.not_after < now:
        return "too late to be of use"
    return "answered" if _answered(row, about) else None


def muted(row: MessageRow, about: About) -> bool:
    """Whether nothing of this kind may be said to the patient now: in hospital, or paused.

    What an alert says to a patient who has paused is no reminder: a red is never muted.
    """
    if row.to != PATIENT:
        return False
    state = state_of(about.episode)
    return state.in_hospital or (row.alert_id is None and state.paused_until is not None)


def _answered(row: MessageRow, about: About) -> bool:
    """Whether nobody needs to be called any more; the owner is reminded while it is in play."""
    if about.alert is None:
        return about.episode.ended_at is not None
    if about.alert.state in RINGING:
        return False
    to_owner = row.to.startswith(f"{OWNER}:")
    return not (to_owner and about.alert.state is AlertState.ACKNOWLEDGED)
