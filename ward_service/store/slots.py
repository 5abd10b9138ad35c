"""Who had which slot of a gateway, and when, in SQL."""

from collections.abc import Iterable

from sqlalchemy import select

from ward_service.store.repository import Repository
from ward_service.store.tables.homes import SlotRow


class SlotRepository(Repository):
    """Who had which slot of a gateway, and when."""

    def by_place(self, gateway_ids: Iterable[str]) -> dict[tuple[str, int], list[SlotRow]]:
        """Return who had each slot of these gateways, oldest first."""
        query = select(SlotRow).where(SlotRow.gateway_id.in_(set(gateway_ids)))
        found: dict[tuple[str, int], list[SlotRow]] = {}
        for row in self._session.scalars(query.order_by(SlotRow.since)):
            found.setdefault((row.gateway_id, row.slot), []).append(row)
        return found

    def holders(self, gateway_ids: Iterable[str] | None = None) -> dict[str, list[SlotRow]]:
        """Return who has a slot of these gateways, or of any, now: by gateway, in their order."""
        query = select(SlotRow).where(SlotRow.until.is_(None)).order_by(SlotRow.slot)
        if gateway_ids is not None:
            query = query.where(SlotRow.gateway_id.in_(set(gateway_ids)))
        found: dict[str, list[SlotRow]] = {}
        for row in self._session.scalars(query):
            found.setdefault(row.gateway_id, []).append(row)
        return found

    def holder(self, gateway_id: str, slot: int) -> SlotRow | None:
        """Return who has a slot now."""
        row = SlotRow
        query = select(row).where(
            row.gateway_id == gateway_id, row.slot == slot, row.until.is_(None)
        )
        return self._session.scalars(query).first()
