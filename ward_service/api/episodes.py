"""Stays over HTTP: admit somebody, read what came from them."""

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query, status

from ward_service.api.deps import ActorDep, ClinicianDep, NowDep, SignedIn, StoreDep, WardDep
from ward_service.api.views import alert_view, entry_view, limits_view, reading_view
from ward_service.contract.http.alerts import AlertView, LedgerEntryView
from ward_service.contract.http.readings import ReadingsPage, ReadingView
from ward_service.contract.http.stays import (
    Admission,
    AdmissionView,
    EndNote,
    LimitsEdit,
    LimitsView,
    PauseNote,
    ZoneEdit,
)
from ward_service.domain.inputs import Ended, LimitsChanged, Paused, Unpaused, ZoneChanged
from ward_service.errors import NotFoundError
from ward_service.homes.advice_given import told_at_home
from ward_service.stays.admission import admit
from ward_service.store.stays import state_of
from ward_service.store.tables.readings import ReadingRow
from ward_service.store.unit_of_work import Store
from ward_service.ward import Ward

router = APIRouter(prefix="/episodes", tags=["episodes"], dependencies=[SignedIn])


@router.post("", status_code=status.HTTP_201_CREATED)
def admit_somebody(
    admission: Admission, ward: WardDep, clinician: ClinicianDep, now: NowDep
) -> AdmissionView:
    """Admit somebody to a place in a home. 409 if the place or the person is taken."""
    return admit(ward, admission, now, clinician.username)


@router.get("/{episode_id}/readings")
def list_readings(
    episode_id: UUID,
    ward: WardDep,
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
        rows, total = store.readings.received_last(episode_id, last)
        return ReadingsPage(readings=_readings(ward, store, rows), total=total, next_after=None)
    rows, total = store.readings.page(episode_id, after, limit)
    return ReadingsPage(
        readings=_readings(ward, store, rows),
        total=total,
        next_after=rows[-1].received_no if len(rows) == limit else None,
    )


@router.get("/{episode_id}/alerts")
def list_alerts(episode_id: UUID, store: StoreDep) -> list[AlertView]:
    """Return every alert of a stay with its ledger, newest first; withdrawn ones too."""
    _must_be(episode_id, store)
    rows = store.alerts.of_stay(episode_id)
    ledger = store.alerts.ledgers([row.id for row in rows])
    return [alert_view(row, ledger.get(row.id, ())) for row in rows]


@router.get("/{episode_id}/ledger")
def list_ledger(episode_id: UUID, store: StoreDep) -> list[LedgerEntryView]:
    """Return everything that was ever done about a stay, in the order in which it was written."""
    _must_be(episode_id, store)
    return [entry_view(row) for row in store.alerts.ledger_of_stay(episode_id)]


@router.get("/{episode_id}/limits")
def get_limits(episode_id: UUID, ward: WardDep, store: StoreDep, now: NowDep) -> LimitsView:
    """Return what this person is judged by."""
    return _limits(episode_id, ward, store, now)


@router.post("/{episode_id}/limits")
def change_limits(episode_id: UUID, given: LimitsEdit, actor: ActorDep) -> LimitsView:
    """Change this person's own limits, with a reason. 409 out of bounds, or unconfirmed."""
    action = LimitsChanged(
        actor.by,
        given.reason,
        given.parameters,
        given.target,
        given.usual_spo2,
        given.home_oxygen,
        given.confirmed_by,
    )
    actor.on_stay(episode_id, action)
    with actor.ward.unit_of_work(read_only=True) as store:
        return _limits(episode_id, actor.ward, store, actor.now)


@router.post("/{episode_id}/zone", status_code=status.HTTP_204_NO_CONTENT)
def change_zone(episode_id: UUID, given: ZoneEdit, actor: ActorDep) -> None:
    """Move the agreed times to another time zone. 409 if there is no such zone."""
    actor.on_stay(episode_id, ZoneChanged(actor.by, given.reason, given.zone))


@router.post("/{episode_id}/pause", status_code=status.HTTP_204_NO_CONTENT)
def pause(episode_id: UUID, given: PauseNote, actor: ActorDep) -> None:
    """Expect nothing until a moment; the pause ends by itself. An open red is not muted."""
    actor.on_stay(episode_id, Paused(actor.by, given.reason, given.until))


@router.post("/{episode_id}/unpause", status_code=status.HTTP_204_NO_CONTENT)
def unpause(episode_id: UUID, actor: ActorDep) -> None:
    """End a pause before its time. 409 if there is none."""
    actor.on_stay(episode_id, Unpaused(actor.by))


@router.post("/{episode_id}/end", status_code=status.HTTP_204_NO_CONTENT)
def end(episode_id: UUID, given: EndNote, actor: ActorDep) -> None:
    """End a stay. 422 while a red is in play without a note, or something must be said first."""
    action = Ended(actor.by, given.reason, given.note, given.device_returned, given.gp_informed)
    actor.on_stay(episode_id, action)


def _readings(ward: Ward, store: Store, rows: Sequence[ReadingRow]) -> tuple[ReadingView, ...]:
    told = told_at_home(ward, store, rows)
    return tuple(reading_view(row, told.get(row.received_no)) for row in rows)


def _limits(episode_id: UUID, ward: Ward, store: Store, now: datetime) -> LimitsView:
    _must_be(episode_id, store)
    [row] = store.stays.get([episode_id], lock=False).values()
    return limits_view(ward.pathways[row.pathway], state_of(row), now)


def _must_be(episode_id: UUID, store: Store) -> None:
    if not store.stays.get([episode_id], lock=False):
        raise NotFoundError("There is no such stay.")
