"""What arrives, in SQL: readings in batches, duplicates, quarantine, heartbeats, blindness."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from functools import lru_cache
from typing import Any, cast
from uuid import UUID

from sqlalchemy import Table, func, insert, or_, select
from sqlalchemy.dialects.postgresql import insert as postgresql_insert
from sqlalchemy.dialects.sqlite import insert as sqlite_insert
from sqlalchemy.orm import Session

from ward_service.store.tables.homes import SlotRow
from ward_service.store.tables.readings import QuarantineRow, ReadingRow
from ward_service.store.tables.runtime import BlindRow, HeartbeatRow

# The table itself: its bulk insert is a third faster than the mapped class's.
_READINGS = cast(Table, ReadingRow.__table__)


@lru_cache
def _put(upsert: Any, table: Table, key: tuple[str, ...], names: tuple[str, ...]) -> Any:
    statement = upsert(table)
    new = {name: statement.excluded[name] for name in names if name not in key}
    return statement.on_conflict_do_update(index_elements=list(key), set_=new)


class PartStore:
    """A part of the store: it has a session and never commits it."""

    def __init__(self, session: Session) -> None:
        self._session = session

    @property
    def _upsert(self) -> Any:
        dialect = self._session.get_bind().dialect.name
        return postgresql_insert if dialect == "postgresql" else sqlite_insert

    def _put(self, table: Table, key: Sequence[str], rows: Sequence[Mapping[str, Any]]) -> None:
        """Write rows in their order, each new or in place of the one with its key.

        One statement for all: making one for each row took longer than writing it.
        """
        if rows:
            self._session.execute(_put(self._upsert, table, tuple(key), tuple(rows[0])), rows)


class IntakeStore(PartStore):
    """What ingest and the pipeline ask of the store."""

    def places(self, gateway_ids: Iterable[str]) -> dict[tuple[str, int], list[SlotRow]]:
        """Return who had each slot of these gateways, oldest first."""
        query = select(SlotRow).where(SlotRow.gateway_id.in_(set(gateway_ids)))
        found: dict[tuple[str, int], list[SlotRow]] = {}
        for row in self._session.scalars(query.order_by(SlotRow.since)):
            found.setdefault((row.gateway_id, row.slot), []).append(row)
        return found

    def known_readings(
        self, gateway_ids: Iterable[str], reading_ids: Sequence[UUID], source_keys: Sequence[str]
    ) -> tuple[dict[tuple[str, UUID], bytes], set[tuple[str, str]]]:
        """Return which of these are kept already, by (gateway, id) and by (gateway, source key).

        Those by id with their payload, as it was sent.
        """
        row = ReadingRow
        same = or_(row.reading_id.in_(reading_ids), row.source_key.in_(source_keys))
        if not source_keys:  # the common case, and the quicker question
            same = or_(row.reading_id.in_(reading_ids))
        query = select(row.gateway_id, row.reading_id, row.source_key, row.payload)
        kept = self._session.execute(query.where(row.gateway_id.in_(set(gateway_ids)), same)).all()
        return (
            {(gateway, reading_id): payload.encode() for gateway, reading_id, _, payload in kept},
            {(gateway, key) for gateway, _, key, _ in kept if key is not None},
        )

    def add_readings(self, rows: Sequence[Mapping[str, Any]]) -> None:
        """Write readings in their order of receipt."""
        if rows:
            self._session.execute(insert(_READINGS), rows)

    def quarantine(self, row: QuarantineRow) -> bool:
        """Keep what could not be read; the same message again is counted, not kept twice.

        Returns:
            Whether it came for the first time.
        """
        values = {
            column.key: getattr(row, column.key)
            for column in QuarantineRow.__table__.columns
            if column.key not in ("id", "times")
        }
        statement = self._upsert(QuarantineRow).values(times=1, **values)
        again = {"times": QuarantineRow.times + 1, "last_at": row.last_at}
        kept = statement.on_conflict_do_update(index_elements=["gateway_id", "sha256"], set_=again)
        return bool(self._session.scalar(kept.returning(QuarantineRow.times)) == 1)

    def beat(self, stage: str, at: datetime, wall_at: datetime) -> None:
        """Note that a stage has just done its work."""
        moments = {"at": at, "wall_at": wall_at}
        statement = self._upsert(HeartbeatRow).values(stage=stage, **moments)
        self._session.execute(
            statement.on_conflict_do_update(index_elements=["stage"], set_=moments)
        )

    def heartbeats(self) -> dict[str, HeartbeatRow]:
        """Return when each stage last worked."""
        return {row.stage: row for row in self._session.scalars(select(HeartbeatRow))}

    def note_blindness(self, row: BlindRow) -> None:
        """Note from when to when the ward was down."""
        self._session.add(row)

    def last_blindness(self) -> BlindRow | None:
        """Return the latest stretch in which the ward was down."""
        query = select(BlindRow).order_by(BlindRow.id.desc()).limit(1)
        return self._session.scalars(query).first()

    def absence_until(self, now: datetime) -> datetime:
        """Return up to when silence may be judged: `now`, or less while homes are catching up."""
        row = BlindRow
        query = select(func.min(row.blind_from)).where(
            row.grace_until > now, row.blind_until <= now
        )
        blind_from: datetime | None = self._session.scalar(query)
        return blind_from or now
