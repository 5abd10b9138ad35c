"""Alerts over HTTP: look, take, close. No rule lives here."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Header

from ward_service import pipeline
from ward_service.api.deps import ClinicianDep, NowDep, SignedIn, StoreDep, WardDep
from ward_service.api.views import alert_view
from ward_service.contract.api import AlertView, Resolution
from ward_service.domain.inputs import Acknowledged, Resolved
from ward_service.errors import NotFoundError, WardError

router = APIRouter(prefix="/alerts", tags=["alerts"], dependencies=[SignedIn])

IfMatch = Annotated[str, Header(description='The version that was seen, quoted: "3"')]
IdempotencyKey = Annotated[str, Header(min_length=8, max_length=200)]


@router.get("/{alert_id}")
def get_alert(alert_id: UUID, store: StoreDep) -> AlertView:
    """Return an alert with its whole ledger. 404 if there is none."""
    row = store.alert(alert_id)
    if row is None:
        raise NotFoundError("There is no such alert.")
    return alert_view(row, store.ledger([row.id]).get(row.id, ()))


@router.post("/{alert_id}/acknowledge")
def acknowledge(
    alert_id: UUID,
    ward: WardDep,
    clinician: ClinicianDep,
    now: NowDep,
    if_match: IfMatch,
    idempotency_key: IdempotencyKey,
) -> AlertView:
    """Own an alert. 404 if there is none, 412 if it changed since it was seen or is somebody's.

    The same person with the same key does it once, however often it is sent.
    """
    deed = Acknowledged(alert_id, clinician.username, _version(if_match))
    return alert_view(pipeline.act(ward, alert_id, deed, idempotency_key, now))


@router.post("/{alert_id}/resolve")
def resolve(
    alert_id: UUID,
    given: Resolution,
    ward: WardDep,
    clinician: ClinicianDep,
    now: NowDep,
    if_match: IfMatch,
    idempotency_key: IdempotencyKey,
) -> AlertView:
    """End an alert with its outcome. 412 if it changed, 422 for a red without a note."""
    deed = Resolved(
        alert_id=alert_id,
        by=clinician.username,
        seen_version=_version(if_match),
        **given.model_dump(),
    )
    return alert_view(pipeline.act(ward, alert_id, deed, idempotency_key, now))


def _version(if_match: str) -> int:
    try:
        return int(if_match.strip().strip('"'))
    except ValueError as error:
        raise WardError("If-Match must hold the version of the alert that you saw.") from error
