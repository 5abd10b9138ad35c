"""Stays over HTTP: admit somebody, read what came from them."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query, status

from ward_service.api.deps import NowDep, SignedIn, StoreDep, WardDep
from ward_service.api.views import alert_view, reading_view
from ward_service.contract.api import Admission, AdmissionView, AlertView, ReadingsPage
from ward_service.errors import NotFoundError
from ward_service.setup import admit
from ward_service.store.unit_of_work import Store

router = APIRouter(prefix="/episodes", tags=["episodes"], dependencies=[SignedIn])


@router.post("", status_code=status.HTTP_201_CREATED)
def admit_somebody(admission: Admission, ward: WardDep, now: NowDep) -> AdmissionView:
    """Admit somebody to a place in a home. 409 if the place or the person is taken."""
    return admit(ward, admission, now)


@router.get("/{episode_id}/readings")
def list_readings(
    episode_id: UUID,
    store: StoreDep,
    after: Annotated[int, Query(ge=0)] = 0,
    limit: Annotated[int, Query(ge=1, le=1_000)] = 100,
    last: Annotated[int | None, Query(ge=1, le=1_000)] = None,
) -> ReadingsPage:
    """Return readings in order of receipt: nothing that arrives late is ever missed.

    With `last`, those that were received last instead.
    """
    _must_be(episode_id, store)
    if last is not None:
        rows, total = store.readings_received_last(episode_id, last)
        return ReadingsPage(readings=tuple(map(reading_view, rows)), total=total, next_after=None)
    rows, total = store.readings_page(episode_id, after, limit)
    return ReadingsPage(
        readings=tuple(reading_view(row) for row in rows),
        total=total,
        next_after=rows[-1].received_no if len(rows) == limit else None,
    )


@router.get("/{episode_id}/alerts")
def list_alerts(episode_id: UUID, store: StoreDep) -> list[AlertView]:
    """Return every alert of a stay with its ledger, newest first; withdrawn ones too."""
    _must_be(episode_id, store)
    rows = store.alerts_of(episode_id)
    ledger = store.ledger([row.id for row in rows])
    return [alert_view(row, ledger.get(row.id, ())) for row in rows]


def _must_be(episode_id: UUID, store: Store) -> None:
    if not store.episodes([episode_id], lock=False):
        raise NotFoundError("There is no such stay.")
