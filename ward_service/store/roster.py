"""Who is called for which role, in SQL."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import and_, or_, select

from ward_service.store.repository import Repository
from ward_service.store.tables.messages import RosterRow


class RosterRepository(Repository):
    """Who is called for which role."""

    def of_role(self, role: str, at: datetime) -> list[RosterRow]:
        """Return who answers for a role at a moment, in the order in which they were entered."""
        query = select(RosterRow).where(RosterRow.role == role, _on_the_roster(at))
        return list(self._session.scalars(query.order_by(RosterRow.id)))

    def all(self, at: datetime) -> dict[str, list[RosterRow]]:
        """Return who answers for each role at a moment, in the order in which they were entered."""
        found: dict[str, list[RosterRow]] = {}
        query = select(RosterRow).where(_on_the_roster(at))
        for row in self._session.scalars(query.order_by(RosterRow.role, RosterRow.id)):
            found.setdefault(row.role, []).append(row)
        return found

    def get(self, id_: int) -> RosterRow | None:
        """Return one line of the roster, or None."""
        return self._session.get(RosterRow, id_)

    def get_many(self, ids: Sequence[int]) -> dict[int, RosterRow]:
        """Return lines of the roster by their number."""
        query = select(RosterRow).where(RosterRow.id.in_(ids))
        return {row.id: row for row in self._session.scalars(query)}


def _on_the_roster(at: datetime) -> Any:
    row = RosterRow
    return and_(row.since <= at, or_(row.until.is_(None), row.until > at))
