"""Which readings a clinician has seen, and whether their home knows, in SQL."""

from collections.abc import Iterable
from datetime import datetime
from typing import cast
from uuid import UUID

from sqlalchemy import Table, select, tuple_, update

from ward_service.store.repository import Repository
from ward_service.store.tables.homes import SeenRow
from ward_service.store.tables.readings import ReadingRow

_SEEN = cast(Table, SeenRow.__table__)


ReadingKey = tuple[str, UUID]  # gateway and reading


class ReadReceiptRepository(Repository):
    """Which readings a clinician has seen, and whether their home knows."""

    def unseen(self, episode_id: UUID, readings: Iterable[UUID]) -> list[ReadingKey]:
        """Return which of these readings of a stay came from a home, and nobody has seen."""
        asked = set(readings)
        if not asked:
            return []
        row, seen = ReadingRow, SeenRow
        known = (seen.gateway_id == row.gateway_id) & (seen.reading_id == row.reading_id)
        query = select(row.gateway_id, row.reading_id).where(
            row.episode_id == episode_id,
            row.reading_id.in_(asked),
            row.gateway_id != "",
            ~select(seen.reading_id).where(known).exists(),
        )
        return [(gateway_id, id_) for gateway_id, id_ in self._session.execute(query)]

    def note(self, episode_id: UUID, readings: Iterable[UUID], at: datetime, by: str) -> None:
        """Note that somebody has seen these readings of a stay, those that nobody had.

        Only what a home sent is noted: nobody else can be told.
        """
        new = self.unseen(episode_id, readings)
        values = [
            {
                "gateway_id": g,
                "reading_id": id_,
                "seen_at": at,
                "seen_by": by,
                "asked": 1,
                "sent": 0,
            }
            for g, id_ in new
        ]
        if values:  # somebody else may see them in this very moment: who is first stands
            self._session.execute(self._upsert(_SEEN).on_conflict_do_nothing(), values)

    def to_send(self, limit: int, but: Iterable[ReadingKey] = ()) -> list[SeenRow]:
        """Return what homes were not told yet, longest waiting first, except some."""
        query = select(SeenRow).where(SeenRow.asked > SeenRow.sent)
        if waiting := list(but):
            query = query.where(tuple_(SeenRow.gateway_id, SeenRow.reading_id).not_in(waiting))
        return list(self._session.scalars(query.order_by(SeenRow.seen_at).limit(limit)))

    def mark_sent(self, which: ReadingKey, asked: int) -> None:
        """Note that a home was told; a later wish still waits."""
        mine = (SeenRow.gateway_id == which[0]) & (SeenRow.reading_id == which[1])
        self._session.execute(update(SeenRow).where(mine, SeenRow.sent < asked).values(sent=asked))

    def tell_again(self, gateway_id: str, since: datetime, most: int) -> None:
        """Tell a home again what was seen lately: a broker may have lost it on the way."""
        lately = (
            select(SeenRow.reading_id)
            .where(SeenRow.gateway_id == gateway_id, SeenRow.seen_at >= since)
            .order_by(SeenRow.seen_at.desc())
            .limit(most)
        )
        mine = (SeenRow.gateway_id == gateway_id) & SeenRow.reading_id.in_(lately)
        again = update(SeenRow).where(mine, SeenRow.asked == SeenRow.sent)
        self._session.execute(again.values(asked=SeenRow.asked + 1))
