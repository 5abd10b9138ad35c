"""What could not be read, with its reason, in SQL."""

from sqlalchemy import func, select

from ward_service.store.repository import Repository
from ward_service.store.tables.readings import QuarantineRow


class QuarantineRepository(Repository):
    """What could not be read, with its reason."""

    def add(self, row: QuarantineRow) -> bool:
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

    def holds(self, gateway_id: str, reading_id: object) -> bool:
        """Whether a message with this id, from this gateway, lies in quarantine."""
        row = QuarantineRow
        query = select(row.id).where(row.gateway_id == gateway_id, row.reading_id == reading_id)
        return self._session.scalar(query.limit(1)) is not None

    def by_reason(self) -> dict[str, int]:
        """Return how many different messages were quarantined for each reason."""
        row = QuarantineRow
        query = select(row.reason, func.count()).group_by(row.reason)
        return dict(self._session.execute(query).all())

    def latest(self, limit: int) -> list[QuarantineRow]:
        """Return what was quarantined last, newest first."""
        query = select(QuarantineRow).order_by(
            QuarantineRow.last_at.desc(), QuarantineRow.id.desc()
        )
        return list(self._session.scalars(query.limit(limit)))
