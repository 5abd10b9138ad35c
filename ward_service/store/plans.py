"""What the places in homes are to advise by, and what they were sent, in SQL."""

from collections.abc import Iterable, Mapping
from typing import Any
from uuid import UUID

from pydantic import TypeAdapter
from sqlalchemy import select, tuple_, update

from ward_service.domain.limits import Limits
from ward_service.store.repository import Repository
from ward_service.store.tables.homes import PlanRow, PlanSentRow

PlaceKey = tuple[str, int]  # gateway and slot


_LIMITS = TypeAdapter(Limits)


def limits_then(row: PlanSentRow) -> Limits:
    """Return the limits that a plan was made with."""
    return _LIMITS.validate_python(row.limits)


def as_limits(limits: Limits) -> dict[str, Any]:
    """Return limits as a plan that was sent keeps them."""
    dumped: dict[str, Any] = _LIMITS.dump_python(limits, mode="json")
    return dumped


class PlanRepository(Repository):
    """What homes are to hold, and what was sent."""

    def want(self, gateway_id: str, slot: int, episode_id: UUID, pathway: str) -> None:
        """Ask for a plan for whoever has this place from now on."""
        row = self._session.get(PlanRow, (gateway_id, slot))
        if row is None:
            row = PlanRow(gateway_id=gateway_id, slot=slot, episode_id=episode_id, pathway=pathway)
            self._session.add(row)
        else:
            row.episode_id, row.pathway, row.ended = episode_id, pathway, False
            row.asked += 1
        self._session.flush()

    def want_of_stay(self, episode_id: UUID, *, ended: bool) -> None:
        """Ask for new plans for a stay: something that they say may have changed."""
        mine = update(PlanRow).where(PlanRow.episode_id == episode_id)
        self._session.execute(mine.values(asked=PlanRow.asked + 1, ended=ended))

    def want_again(self, gateway_id: str, held: Mapping[int, int]) -> None:
        """Ask for the plans of a gateway again, but not those that it holds (slot: number).

        A home that holds a higher number than was ever given here knows more than this database,
        which was restored from a backup: its plan is made anew, under a number above that one.
        """
        rows = self._session.scalars(
            select(PlanRow).where(PlanRow.gateway_id == gateway_id).with_for_update()
        )
        for row in rows:
            its = held.get(row.slot, 0)
            if its > row.number:
                row.number, row.sha256 = its, ""
            if its != row.number or not row.sha256:
                row.asked += 1

    def set_header(self, pathway: str, frame: str) -> None:
        """Ask for new plans of a pathway where what surrounds them has changed."""
        other = (PlanRow.pathway == pathway) & (PlanRow.frame != frame) & PlanRow.ended.is_(False)
        change = update(PlanRow).where(other)
        self._session.execute(change.values(asked=PlanRow.asked + 1, frame=frame))

    def anything_to_send(self) -> bool:
        """Say whether any plan has not gone out."""
        query = select(PlanRow.slot).where(PlanRow.asked > PlanRow.sent).limit(1)
        return self._session.scalar(query) is not None

    def to_send(self, limit: int, but: Iterable[PlaceKey] = ()) -> list[PlanRow]:
        """Return places whose plan has not gone out, except some, locked for this process."""
        query = select(PlanRow).where(PlanRow.asked > PlanRow.sent)
        if waiting := list(but):
            query = query.where(tuple_(PlanRow.gateway_id, PlanRow.slot).not_in(waiting))
        return list(self._session.scalars(query.limit(limit).with_for_update(skip_locked=True)))

    def mark_sent(self, place: PlaceKey, asked: int) -> None:
        """Note that the plan that was asked for has gone out; a later wish still waits."""
        mine = (PlanRow.gateway_id == place[0]) & (PlanRow.slot == place[1])
        self._session.execute(update(PlanRow).where(mine, PlanRow.sent < asked).values(sent=asked))

    def sent(self, places: Iterable[tuple[str, int, int]]) -> dict[Any, PlanSentRow]:
        """Return plans that were sent, by (gateway, slot, number)."""
        row = PlanSentRow
        asked = list(set(places))
        if not asked:
            return {}
        query = select(row).where(tuple_(row.gateway_id, row.slot, row.number).in_(asked))
        return {(r.gateway_id, r.slot, r.number): r for r in self._session.scalars(query)}
