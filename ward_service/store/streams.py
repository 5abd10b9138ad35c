"""Which numbers of each stream have come, in SQL."""

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any, cast

from sqlalchemy import Table, select, update

from ward_service.domain.sequence import Numbers, Stretch
from ward_service.store.repository import Repository
from ward_service.store.tables.homes import (
    StreamRow,
)

StreamKey = tuple[str, str]  # gateway, stream


_STREAMS = cast(Table, StreamRow.__table__)


class StreamRepository(Repository):
    """Which numbers of each stream have come."""

    def get(self, gateway_ids: Iterable[str]) -> dict[StreamKey, Numbers]:
        """Return every stream of these gateways, locked for this transaction, in one order."""
        query = select(_STREAMS).where(_STREAMS.c.gateway_id.in_(set(gateway_ids)))
        query = query.order_by(_STREAMS.c.gateway_id, _STREAMS.c.stream).with_for_update()
        found = self._session.execute(query)
        return {(row.gateway_id, row.stream): _numbers(row) for row in found}

    def save(
        self,
        streams: Mapping[StreamKey, Numbers],
        last_at: datetime | None,
        look_at: Mapping[StreamKey, datetime | None],
    ) -> None:
        """Write what has come of streams; `last_at` is when a number of each came just now."""
        rows = [
            {
                "gateway_id": key[0],
                "stream": key[1],
                "upto": numbers.upto,
                "beyond": [[s.first, s.last, s.seen_at.isoformat()] for s in numbers.beyond]
                or None,
                "made": numbers.made,
                "made_at": numbers.made_at,
                "told_upto": numbers.told_upto,
                "given_up": numbers.given_up,
                "given_up_to": numbers.given_up_to,
                "look_at": look_at[key],
            }
            | ({} if last_at is None else {"last_at": last_at})
            for key, numbers in streams.items()
        ]
        self._put(_STREAMS, ("gateway_id", "stream"), rows)

    def due(self, now: datetime, limit: int) -> dict[StreamKey, Numbers]:
        """Return streams with a gap that somebody may have to be told of, locked for this worker.

        A stream that another transaction is working on is left for the next look.
        """
        query = select(_STREAMS).where(_STREAMS.c.look_at <= now).order_by(_STREAMS.c.look_at)
        found = self._session.execute(query.limit(limit).with_for_update(skip_locked=True))
        return {(row.gateway_id, row.stream): _numbers(row) for row in found}

    def newest(self) -> dict[str, tuple[Numbers, datetime | None]]:
        """Return, for each gateway, the stream of which a number came last, and when it came."""
        found = self._session.execute(select(_STREAMS).order_by(_STREAMS.c.last_at))
        return {row.gateway_id: (_numbers(row), row.last_at) for row in found}

    def look_again(self, keys: Iterable[StreamKey], at: datetime) -> None:
        """Put off looking at streams whose home still holds what is missing."""
        for gateway_id, stream in keys:
            mine = (StreamRow.gateway_id == gateway_id) & (StreamRow.stream == stream)
            self._session.execute(update(StreamRow).where(mine).values(look_at=at))


def _numbers(row: Any) -> Numbers:
    beyond = [
        Stretch(first, last, datetime.fromisoformat(at)) for first, last, at in row.beyond or ()
    ]
    return Numbers(
        row.upto, beyond, row.made, row.made_at, row.told_upto, row.given_up, row.given_up_to
    )
