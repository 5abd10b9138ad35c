"""Gateways, the codes by which they get their keys, and wrong codes, in SQL."""

from collections.abc import Iterable
from datetime import datetime
from typing import NamedTuple

from sqlalchemy import delete, func, select, update

from ward_service.store.repository import Repository
from ward_service.store.tables.homes import (
    GatewayRow,
    InvitationRow,
    SlotRow,
    TriesRow,
)


class KeyState(NamedTuple):
    """Which key of a gateway counts, and up to when (None: no longer) the one before it does."""

    generation: int
    previous_until: datetime | None


class GatewayRepository(Repository):
    """The boxes in homes, their keys, and the codes that let them enrol."""

    def get(self, gateway_id: str) -> GatewayRow | None:
        """Return a gateway, or None."""
        return self._session.get(GatewayRow, gateway_id)

    def all(self) -> list[GatewayRow]:
        """Return every gateway that was not revoked."""
        query = select(GatewayRow).where(GatewayRow.revoked_at.is_(None))
        return list(self._session.scalars(query.order_by(GatewayRow.id)))

    def mark(self) -> tuple[int, ...]:
        """Return what differs as soon as a gateway was added, got a new key, or was revoked.

        Each of the three only ever rises.
        """
        row = GatewayRow
        query = select(func.count(), func.sum(row.generation), func.count(row.revoked_at))
        return tuple(int(number or 0) for number in self._session.execute(query).one())

    def key_states(self) -> dict[str, KeyState]:
        """Return which keys count, of every gateway that was not revoked."""
        row = GatewayRow
        query = select(row.id, row.generation, row.previous_until).where(row.revoked_at.is_(None))
        return {id_: KeyState(number, until) for id_, number, until in self._session.execute(query)}

    def with_people(self) -> list[tuple[GatewayRow, int]]:
        """Return every gateway with how many people have a place at it now, by name."""
        people = (
            select(func.count())
            .where(SlotRow.gateway_id == GatewayRow.id, SlotRow.until.is_(None))
            .scalar_subquery()
        )
        rows = self._session.execute(select(GatewayRow, people).order_by(GatewayRow.id))
        return [(row, count) for row, count in rows]

    def lock(self, gateway_id: str) -> GatewayRow | None:
        """Return a gateway, locked for this transaction, as it now is."""
        query = select(GatewayRow).where(GatewayRow.id == gateway_id).with_for_update()
        return self._session.scalars(query.execution_options(populate_existing=True)).first()

    def revoked_among(self, gateway_ids: Iterable[str]) -> set[str]:
        """Return which of these gateways were revoked."""
        which = GatewayRow.id.in_(list(gateway_ids)) & GatewayRow.revoked_at.is_not(None)
        return set(self._session.scalars(select(GatewayRow.id).where(which)))

    def invitation(self, code_hmac: str) -> InvitationRow | None:
        """Return the invitation with this code, or None."""
        return self._session.get(InvitationRow, code_hmac, populate_existing=True)

    def open_invitations(self, wall: datetime) -> dict[str, datetime]:
        """Return up to when a gateway's unused code works, by gateway."""
        row = InvitationRow
        query = select(row.gateway_id, row.expires_at).where(
            row.used_at.is_(None), row.expires_at > wall
        )
        return {found.gateway_id: found.expires_at for found in self._session.execute(query)}

    def void_invitations(self, gateway_id: str) -> None:
        """Forget the unused codes of a gateway: one that was lost on paper opens nothing."""
        mine = (InvitationRow.gateway_id == gateway_id) & InvitationRow.used_at.is_(None)
        self._session.execute(delete(InvitationRow).where(mine))

    def use_invitation(
        self, code_hmac: str, nonce_hmac: str, generation: int, wall: datetime
    ) -> bool:
        """Use a code up. Whoever is first has used it; False for everybody after them."""
        unused = (InvitationRow.code_hmac == code_hmac) & InvitationRow.used_at.is_(None)
        change = update(InvitationRow).where(unused)
        change = change.values(used_at=wall, nonce_hmac=nonce_hmac, generation=generation)
        used = self._session.scalar(change.returning(InvitationRow.code_hmac))
        return used is not None

    def tries(self, source: str) -> TriesRow | None:
        """Return the wrong codes of a source; None is an empty one."""
        return self._session.get(TriesRow, source)

    def lock_tries(self, source: str, wall: datetime) -> TriesRow:
        """Return the wrong codes of a source, locked for this transaction; none is an empty one."""
        empty = self._upsert(TriesRow).values(source=source, empty_at=wall)
        self._session.execute(empty.on_conflict_do_nothing())
        query = select(TriesRow).where(TriesRow.source == source).with_for_update()
        return self._session.scalars(query.execution_options(populate_existing=True)).one()

    def forget_tries(self, wall: datetime, keep: str) -> None:
        """Forget sources whose wrong codes have all leaked away, but not the one to keep."""
        empty = (TriesRow.empty_at <= wall) & (TriesRow.source != keep)
        self._session.execute(delete(TriesRow).where(empty))
