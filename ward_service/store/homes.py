"""What homes say of themselves, and which numbers of their streams came, in SQL."""

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any, cast

from sqlalchemy import Table, func, select, update

from ward_service.domain.sequence import Numbers, Stretch
from ward_service.store.intake import PartStore
from ward_service.store.tables.homes import (
    GatewayRow,
    HomeStatusRow,
    HomeTroubleRow,
    IgnoredStatusRow,
    SlotRow,
    StreamRow,
)
from ward_service.store.tables.readings import QuarantineRow

StreamKey = tuple[str, str]  # gateway, stream

_STREAMS = cast(Table, StreamRow.__table__)


class HomesStore(PartStore):
    """What the pipeline and the watch over homes ask of the store."""

    def streams(self, gateway_ids: Iterable[str]) -> dict[StreamKey, Numbers]:
        """Return every stream of these gateways, locked for this transaction, in one order."""
        query = select(_STREAMS).where(_STREAMS.c.gateway_id.in_(set(gateway_ids)))
        query = query.order_by(_STREAMS.c.gateway_id, _STREAMS.c.stream).with_for_update()
        found = self._session.execute(query)
        return {(row.gateway_id, row.stream): _numbers(row) for row in found}

    def save_streams(
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

    def streams_to_look_at(self, now: datetime, limit: int) -> dict[StreamKey, Numbers]:
        """Return streams with a gap that somebody may have to be told of, locked for this worker.

        A stream that another transaction is working on is left for the next look.
        """
        query = select(_STREAMS).where(_STREAMS.c.look_at <= now).order_by(_STREAMS.c.look_at)
        found = self._session.execute(query.limit(limit).with_for_update(skip_locked=True))
        return {(row.gateway_id, row.stream): _numbers(row) for row in found}

    def newest_streams(self) -> dict[str, tuple[Numbers, datetime | None]]:
        """Return, for each gateway, the stream of which a number came last, and when it came."""
        found = self._session.execute(select(_STREAMS).order_by(_STREAMS.c.last_at))
        return {row.gateway_id: (_numbers(row), row.last_at) for row in found}

    def home_statuses(
        self, gateway_ids: Iterable[str] | None = None, *, lock: bool = False
    ) -> dict[str, HomeStatusRow]:
        """Return what these gateways, or all, said last; locked for this transaction if asked."""
        query = select(HomeStatusRow).order_by(HomeStatusRow.gateway_id)
        if gateway_ids is not None:
            query = query.where(HomeStatusRow.gateway_id.in_(set(gateway_ids)))
        if lock:
            query = query.with_for_update()
        return {row.gateway_id: row for row in self._session.scalars(query)}

    def save_home_status(self, row: HomeStatusRow) -> None:
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

    def add_home_trouble(self, row: HomeTroubleRow) -> None:
        """Keep what people of a stay were told of its home."""
        self._session.add(row)

    def was_quarantined(self, gateway_id: str, reading_id: object) -> bool:
        """Whether a message with this id, from this gateway, lies in quarantine."""
        row = QuarantineRow
        query = select(row.id).where(row.gateway_id == gateway_id, row.reading_id == reading_id)
        return self._session.scalar(query.limit(1)) is not None

    def gateways(self) -> list[GatewayRow]:
        """Return every gateway that was not revoked."""
        query = select(GatewayRow).where(GatewayRow.revoked_at.is_(None))
        return list(self._session.scalars(query.order_by(GatewayRow.id)))

    def holders(self, gateway_ids: Iterable[str] | None = None) -> dict[str, list[SlotRow]]:
        """Return who has a slot of these gateways, or of any, now: by gateway, in their order."""
        query = select(SlotRow).where(SlotRow.until.is_(None)).order_by(SlotRow.slot)
        if gateway_ids is not None:
            query = query.where(SlotRow.gateway_id.in_(set(gateway_ids)))
        found: dict[str, list[SlotRow]] = {}
        for row in self._session.scalars(query):
            found.setdefault(row.gateway_id, []).append(row)
        return found

    def look_at_stream_again(self, keys: Iterable[StreamKey], at: datetime) -> None:
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
