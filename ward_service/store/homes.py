"""What homes say of themselves, and which numbers of their streams came, in SQL."""

from collections.abc import Iterable
from datetime import datetime

from sqlalchemy import func, select

from ward_service.store.repository import Repository
from ward_service.store.tables.homes import (
    HomeStatusRow,
    HomeTroubleRow,
    IgnoredStatusRow,
)


class HomeRepository(Repository):
    """How homes are."""

    def statuses(
        self, gateway_ids: Iterable[str] | None = None, *, lock: bool = False
    ) -> dict[str, HomeStatusRow]:
        """Return what these gateways, or all, said last; locked for this transaction if asked."""
        query = select(HomeStatusRow).order_by(HomeStatusRow.gateway_id)
        if gateway_ids is not None:
            query = query.where(HomeStatusRow.gateway_id.in_(set(gateway_ids)))
        if lock:
            query = query.with_for_update()
        return {row.gateway_id: row for row in self._session.scalars(query)}

    def save_status(self, row: HomeStatusRow) -> None:
        """Keep what a home says; those of one batch are written together."""
        self._session.add(row)

    def ignore_status(self, gateway_id: str, reason: str, at: datetime) -> None:
        """Count a status that was not believed, or not understood."""
        row = IgnoredStatusRow
        statement = self._upsert(row).values(
            gateway_id=gateway_id, reason=reason, times=1, last_at=at
        )
        again = {"times": row.times + 1, "last_at": at}
        self._session.execute(
            statement.on_conflict_do_update(index_elements=["gateway_id", "reason"], set_=again)
        )

    def statuses_ignored(self) -> int:
        """Return how many status messages were not believed, or not understood."""
        return int(self._session.scalar(select(func.sum(IgnoredStatusRow.times))) or 0)

    def add_trouble(self, row: HomeTroubleRow) -> None:
        """Keep what people of a stay were told of its home."""
        self._session.add(row)
