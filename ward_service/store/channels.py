"""Which channels work, in SQL."""

from datetime import datetime

from sqlalchemy import func, select, update

from ward_service.contract.vocabulary import Channel
from ward_service.store.repository import Repository
from ward_service.store.tables.messages import ChannelRow


class ChannelRepository(Repository):
    """Which channels work."""

    def note(self, channel: Channel, wall: datetime, problem: str | None) -> None:
        """Note that a message went out by a channel (`problem` None), or that one could not."""
        if problem is None:
            failing = (ChannelRow.channel == channel) & ChannelRow.failing_since.is_not(None)
            well = {"failing_since": None, "failed_at": None, "problem": None}
            self._session.execute(update(ChannelRow).where(failing).values(**well))
            return
        said = {"failed_at": wall, "problem": problem}
        statement = self._upsert(ChannelRow).values(channel=channel, failing_since=wall, **said)
        since = func.coalesce(ChannelRow.failing_since, statement.excluded.failing_since)
        self._session.execute(
            statement.on_conflict_do_update(
                index_elements=["channel"], set_={**said, "failing_since": since}
            )
        )

    def failing(self) -> list[ChannelRow]:
        """Return the channels by which nothing has gone out since something failed."""
        query = select(ChannelRow).where(ChannelRow.failing_since.is_not(None))
        return list(self._session.scalars(query.order_by(ChannelRow.channel)))
