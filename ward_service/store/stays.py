"""Stays, their alerts with the ledger, gateways and slots, in SQL."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from pydantic import TypeAdapter
from sqlalchemy import select, update

from ward_service.contract.vocabulary import EndReason
from ward_service.domain.episode import Person
from ward_service.domain.state import EpisodeState
from ward_service.store.repository import Repository
from ward_service.store.tables.homes import SlotRow
from ward_service.store.tables.stays import (
    DueRow,
    EpisodeRow,
    PatientRow,
)

_STATE = TypeAdapter(EpisodeState)


_PERSON = TypeAdapter(Person)


def state_of(row: EpisodeRow) -> EpisodeState:
    """Return what the fold remembers of a stay."""
    return _STATE.validate_python(row.state)


def stored(state: EpisodeState) -> dict[str, Any]:
    """Return a state as the episode keeps it."""
    dumped: dict[str, Any] = _STATE.dump_python(state, mode="json")
    return dumped


def person_of(row: EpisodeRow) -> Person:
    """Return what the rules were told of somebody when they were admitted."""
    return _PERSON.validate_python(row.admitted_as)


def as_admitted(person: Person) -> dict[str, Any]:
    """Return what the rules are told of somebody at admission, as the episode keeps it."""
    dumped: dict[str, Any] = _PERSON.dump_python(person, mode="json")
    return dumped


class StayRepository(Repository):
    """Stays, and whose they are."""

    def get(self, ids: Iterable[UUID], *, lock: bool) -> dict[UUID, EpisodeRow]:
        """Return stays by id; locked for this transaction, in one order so that none waits twice.

        SQLite has locked the whole database already.
        """
        query = select(EpisodeRow).where(EpisodeRow.id.in_(set(ids))).order_by(EpisodeRow.id)
        if lock:
            query = query.with_for_update()
        return {row.id: row for row in self._session.scalars(query)}

    def due(self, now: datetime, limit: int) -> list[EpisodeRow]:
        """Return stays whose deadline has passed, longest waiting first, locked for this worker."""
        row = EpisodeRow
        query = (
            select(row)
            .where(row.ended_at.is_(None), row.next_deadline_at <= now)
            .order_by(row.next_deadline_at)
            .limit(limit)
            .with_for_update(skip_locked=True)
        )
        return list(self._session.scalars(query))

    def save(self, row: EpisodeRow, state: EpisodeState) -> None:
        """Write what the fold remembers now."""
        row.state = stored(state)
        row.version += 1
        row.next_deadline_at = state.next_at

    def end(self, row: EpisodeRow, at: datetime, reason: EndReason | None) -> None:
        """Note that a stay has ended, and free its places: who measures there now is another."""
        row.ended_at, row.end_reason = at, reason
        mine = (SlotRow.episode_id == row.id) & SlotRow.until.is_(None)
        self._session.execute(update(SlotRow).where(mine).values(until=at))

    def look_again(self, row: EpisodeRow, at: datetime) -> None:
        """Put off looking at a stay for which nothing has changed."""
        row.next_deadline_at = at

    def show_again(self, episode_id: UUID) -> None:
        """Let the ward list draw a stay again: something is to be done that was not before."""
        row = EpisodeRow
        self._session.execute(
            update(row).where(row.id == episode_id).values(version=row.version + 1)
        )

    def of_person(self, nhs_number: str) -> EpisodeRow | None:
        """Return the stay that somebody with this NHS number has now."""
        query = (
            select(EpisodeRow)
            .join(PatientRow, PatientRow.id == EpisodeRow.patient_id)
            .where(PatientRow.nhs_number == nhs_number, EpisodeRow.ended_at.is_(None))
        )
        return self._session.scalars(query).first()

    def patient_of(self, episode_id: UUID) -> PatientRow | None:
        """Return whose stay this is."""
        query = select(PatientRow).join(EpisodeRow, EpisodeRow.patient_id == PatientRow.id)
        return self._session.scalars(query.where(EpisodeRow.id == episode_id)).first()

    def without_due(self, before: datetime) -> list[EpisodeRow]:
        """Return stays whose expected readings were written only up to before this moment."""
        row = EpisodeRow
        query = select(row).where(row.ended_at.is_(None), row.due_written_until < before)
        return list(self._session.scalars(query.with_for_update(skip_locked=True)))

    def write_due(self, row: EpisodeRow, dues: Sequence[DueRow], until: datetime) -> None:
        """Write the readings that the plan expected of a stay, up to a moment."""
        self._session.add_all(dues)
        change = update(EpisodeRow).where(EpisodeRow.id == row.id)
        self._session.execute(change.values(due_written_until=until))
