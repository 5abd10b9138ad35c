"""Alerts over HTTP: look, take, close. No rule lives here."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Header

from ward_service.api.deps import ActorDep, SignedIn, StoreDep
from ward_service.api.views import alert_view
from ward_service.contract.http.alerts import AlertView, ContactNote, Resolution, Taking
from ward_service.contract.http.explanation import ExplanationView
from ward_service.contract.vocabulary import AlertOutcome
from ward_service.domain.inputs import Acknowledged, ContactMade, Resolved
from ward_service.errors import NotFoundError, WardError
from ward_service.explain.load import explain_alert

router = APIRouter(prefix="/alerts", tags=["alerts"], dependencies=[SignedIn])

IfMatch = Annotated[str, Header(description='The version that was seen, quoted: "3"')]


@router.get("/{alert_id}")
def get_alert(alert_id: UUID, store: StoreDep) -> AlertView:
    """Return an alert with its ledger, its ladder and its calls. 404 if there is none."""
    row = store.alerts.get(alert_id)
    if row is None:
        raise NotFoundError("There is no such alert.")
    ledger = store.alerts.ledgers([row.id]).get(row.id, ())
    return alert_view(row, ledger, store.calls.timers(row.id), store.calls.of_alert(row.id))


@router.get("/{alert_id}/explanation")
def get_explanation(alert_id: UUID, store: StoreDep) -> ExplanationView:
    """Return why an alert rang: its rules with line and source, limits, ladder. 404 if none."""
    return explain_alert(store, alert_id)


@router.post("/{alert_id}/acknowledge")
def acknowledge(
    alert_id: UUID, actor: ActorDep, if_match: IfMatch, given: Taking | None = None
) -> AlertView:
    """Own an alert. 404 if there is none, 412 if it changed since it was seen or is somebody's.

    The same person with the same key does it once, however often it is sent. Who comes second is
    written down; `take_over` takes it from whoever has it. Acknowledging one's own keeps it for
    another shift.
    """
    taking = given or Taking()
    action = Acknowledged(
        alert_id, actor.by, _version(if_match), taking.take_over, taking.shift_ends_at
    )
    return alert_view(actor.on_alert(action))


@router.post("/{alert_id}/contact")
def contact(alert_id: UUID, given: ContactNote, actor: ActorDep) -> AlertView:
    """Write down that somebody spoke with the patient, or tried to. 412 if it has ended."""
    action = ContactMade(alert_id, actor.by, given.channel, given.reached, given.note)
    return alert_view(actor.on_alert(action))


@router.post("/{alert_id}/resolve")
def resolve(alert_id: UUID, given: Resolution, actor: ActorDep, if_match: IfMatch) -> AlertView:
    """End an alert with its outcome. 412 if it changed, 422 for a red without a note."""
    action = Resolved(
        alert_id=alert_id,
        by=actor.by,
        seen_version=_version(if_match),
        outcome=AlertOutcome(given.outcome),
        **given.model_dump(exclude={"outcome"}),
    )
    return alert_view(actor.on_alert(action))


def _version(if_match: str) -> int:
    try:
        return int(if_match.strip().strip('"'))
    except ValueError as error:
        raise WardError("If-Match must hold the version of the alert that you saw.") from error
