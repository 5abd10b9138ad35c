"""Which processes live, who holds the one lock, and when the ward was blind, in SQL."""

from datetime import datetime

from sqlalchemy import func, select

from ward_service.store.repository import Repository
from ward_service.store.tables.runtime import (
    BlindRow,
    HeartbeatRow,
    LockRow,
)


class RuntimeRepository(Repository):
    """Which processes live, who holds the one lock, and when the ward was blind."""

    def lock_holder(self) -> LockRow | None:
        """Return who holds the one lock of a SQLite ward, or held it last."""
        return self._session.get(LockRow, 1)

    def hold_lock(self, owner: str, wall_now: datetime) -> None:
        """Take or keep the one lock of a SQLite ward."""
        row = self.lock_holder()
        if row is None:
            self._session.add(LockRow(id=1, owner=owner, wall_at=wall_now))
        else:
            row.owner, row.wall_at = owner, wall_now

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
