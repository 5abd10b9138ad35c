"""The numbers of homes' streams while a transaction works on them: asked once, written once."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final, Protocol

from ward_service.domain.sequence import Numbers
from ward_service.store.streams import StreamKey
from ward_service.store.unit_of_work import Store

# How long a number may be missing until people are told. A home sends again after 30 s, and after
# 8 min at the longest (publisher.py), so that nothing which is on its way is missing for so long.
# See docs/reference/brokers-and-databases.md#delivery: a gap older than 15 minutes is an alarm, not
# a log line. Ours, unsigned.
GAP_GRACE: Final = timedelta(minutes=15)


class StreamMessage(Protocol):
    """A message with its place in a stream; None where it has none, or no proof."""

    @property
    def gateway_id(self) -> str:
        """The gateway that it names."""

    @property
    def stream(self) -> str | None:
        """The stream of that gateway."""

    @property
    def seq(self) -> int | None:
        """Its number there."""


@dataclass(slots=True)
class Streams:
    """The streams of some gateways, and which of them have changed."""

    numbers: dict[StreamKey, Numbers]
    changed: dict[StreamKey, Numbers] = field(default_factory=dict)

    @classmethod
    def of(cls, store: Store, batch: Sequence[StreamMessage]) -> "Streams":
        """Ask for the streams that the messages of a batch belong to."""
        return cls(store.streams.get({m.gateway_id for m in batch if m.stream is not None}))

    def came(self, message: StreamMessage, now: datetime) -> bool:
        """Note the number of a message; return False where it is known to have come before.

        A stream that is new begins at 1. What has no number, or no proof, notes nothing.
        """
        if message.stream is None or message.seq is None:
            return True
        key = (message.gateway_id, message.stream)
        numbers = self.changed.get(key)
        if numbers is None:
            numbers = self.changed[key] = self.numbers.get(key) or Numbers()
        return numbers.came(message.seq, now)

    def save(self, store: Store, last_at: datetime | None) -> None:
        """Write the streams that changed; `last_at` is when numbers of them came just now."""
        save_streams(store, self.changed, last_at)


def save_streams(store: Store, streams: dict[StreamKey, Numbers], last_at: datetime | None) -> None:
    """Write streams, and when somebody must be told of what is missing in them."""
    look_at = {key: _look_at(numbers) for key, numbers in streams.items()}
    store.streams.save(streams, last_at, look_at)


def _look_at(numbers: Numbers) -> datetime | None:
    if not numbers.beyond and not numbers.made:  # the common case: nothing was ever missing
        return None
    since = numbers.untold_since
    return None if since is None else since + GAP_GRACE
