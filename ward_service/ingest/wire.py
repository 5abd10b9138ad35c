"""The way out to homes: what is given to the broker, and whether the broker took it."""

from collections.abc import Iterable, Sequence
from typing import Protocol

from ward_service.ingest.receipts import Outgoing


class Sent(Protocol):
    """A message that was given to the broker."""

    def is_published(self) -> bool:
        """Whether the broker has taken it. Raises when it never had it."""


class Wire(Protocol):
    """What plans are published by."""

    def publish(self, messages: Iterable[Outgoing]) -> Sequence[Sent]:
        """Send these in order."""


def is_taken(sent: Sent) -> bool:
    """Whether a broker has a message. paho raises for one that it was given while offline."""
    try:
        return sent.is_published()
    except (RuntimeError, ValueError):
        return False
