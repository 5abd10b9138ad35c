"""What replay asks, in SQL: everything that stays took in, and what the ward made of it then."""

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from sqlalchemy import func, or_, select

from ward_service.contract.vocabulary import AlertOutcome, Level
from ward_service.store.repository import Repository
from ward_service.store.tables.alerts import AlertRow, LedgerRow
from ward_service.store.tables.homes import HomeTroubleRow
from ward_service.store.tables.messages import MessageRow
from ward_service.store.tables.readings import QuarantineRow, ReadingRow
from ward_service.store.tables.runtime import BlindRow
from ward_service.store.tables.stays import ActRow, EpisodeRow


class TakenReading(NamedTuple):
    """A reading as it came, and its place among what its stay took in."""

    episode_id: UUID
    input_no: int
    at: datetime
    slot: int | None
    payload: str


class TakenUnreadable(NamedTuple):
    """What could not be read, and its place among what its stay took in."""

    episode_id: UUID
    input_no: int
    at: datetime
    reason: str


class TakenTrouble(NamedTuple):
    """What people of a stay were told of its home, and its place among what the stay took in."""

    episode_id: UUID
    input_no: int
    at: datetime
    about: str
    words: str


class LedCall(NamedTuple):
    """A call that the rules asked for, whatever became of it."""

    episode_id: UUID
    alert_id: UUID | None
    to: str
    at: datetime


class AlertAnswer(NamedTuple):
    """How an alert was answered."""

    level: Level
    opened_at: datetime
    acknowledged_at: datetime
    resolved_at: datetime | None
    outcome: AlertOutcome | None


class HistoryRepository(Repository):
    """What a replay asks."""

    def stays_between(self, since: datetime, until: datetime) -> list[tuple[UUID, str]]:
        """Return the stays (id, pathway) that overlap a stretch of time, by admission."""
        row = EpisodeRow
        query = (
            select(row.id, row.pathway)
            .where(row.admitted_at < until, or_(row.ended_at.is_(None), row.ended_at > since))
            .order_by(row.admitted_at, row.id)
        )
        return [(id_, pathway) for id_, pathway in self._session.execute(query)]

    def count_readings(self, ids: Sequence[UUID]) -> int:
        """Return how many readings these stays have."""
        query = select(func.count()).select_from(ReadingRow)
        counts = (
            self._session.scalar(query.where(ReadingRow.episode_id.in_(ids[n : n + 500]))) or 0
            for n in range(0, len(ids), 500)
        )
        return sum(counts)

    def readings(self, ids: Iterable[UUID]) -> Iterator[TakenReading]:
        """Yield what came from these stays, as it came."""
        row = ReadingRow
        query = select(row.episode_id, row.input_no, row.received_at, row.slot, row.payload)
        for found in self._session.execute(query.where(row.episode_id.in_(set(ids)))):
            yield TakenReading(*found)

    def unreadables(self, ids: Iterable[UUID]) -> Iterator[TakenUnreadable]:
        """Yield what came from these stays and could not be read."""
        row = QuarantineRow
        query = select(row.episode_id, row.input_no, row.received_at, row.reason)
        found = self._session.execute(query.where(row.episode_id.in_(set(ids))))
        for id_, number, at, reason in found:
            if id_ is not None and number is not None:
                yield TakenUnreadable(id_, number, at, reason)

    def troubles(self, ids: Iterable[UUID]) -> Iterator[TakenTrouble]:
        """Yield what people of these stays were told of their homes."""
        row = HomeTroubleRow
        query = select(row.episode_id, row.input_no, row.at, row.about, row.words)
        for found in self._session.execute(query.where(row.episode_id.in_(set(ids)))):
            yield TakenTrouble(*found)

    def acts(self, ids: Iterable[UUID]) -> list[ActRow]:
        """Return what people did about these stays."""
        return list(self._session.scalars(select(ActRow).where(ActRow.episode_id.in_(set(ids)))))

    def blindness(self) -> list[BlindRow]:
        """Return every stretch in which the ward was down, oldest first."""
        return list(self._session.scalars(select(BlindRow).order_by(BlindRow.blind_until)))

    def alerts(self, ids: Iterable[UUID]) -> list[AlertRow]:
        """Return the alerts of these stays, in the order in which they opened."""
        query = select(AlertRow).where(AlertRow.episode_id.in_(set(ids)))
        return list(self._session.scalars(query.order_by(AlertRow.opened_at, AlertRow.id)))

    def withdrawn_at(self, ids: Iterable[UUID]) -> dict[UUID, datetime]:
        """Return when alerts of these stays were withdrawn."""
        row = LedgerRow
        query = select(row.alert_id, row.at).where(
            row.episode_id.in_(set(ids)), row.what == "withdrawn"
        )
        return {id_: at for id_, at in self._session.execute(query) if id_ is not None}

    def calls(self, ids: Iterable[UUID]) -> list[LedCall]:
        """Return the calls that the rules asked for in these stays."""
        row = MessageRow
        query = select(row.episode_id, row.alert_id, row.to, row.due_at)
        found = self._session.execute(query.where(row.episode_id.in_(set(ids))))
        return [LedCall(*call) for call in found]

    def answers(self, since: datetime, until: datetime) -> Iterator[AlertAnswer]:
        """Yield how alerts that opened in a stretch of time were answered, if they were."""
        row = AlertRow
        query = select(
            row.level, row.opened_at, row.acknowledged_at, row.resolved_at, row.outcome
        ).where(row.opened_at >= since, row.opened_at < until, row.acknowledged_at.is_not(None))
        for level, opened_at, acknowledged_at, resolved_at, outcome in self._session.execute(query):
            if acknowledged_at is not None:
                yield AlertAnswer(level, opened_at, acknowledged_at, resolved_at, outcome)
