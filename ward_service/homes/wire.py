"""The way out to homes: what is given to the broker, and whether the broker took it."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, slots=True)
class SignedMessage:
    """A message for one gateway, signed with its key. `retain`: the broker keeps the latest."""

    topic: str
    payload: bytes
    properties: list[tuple[str, str]]
    retain: bool = False


class Handover(Protocol):
    """A message that was given to the broker."""

    def is_published(self) -> bool:
        """Whether the broker has taken it. Raises when it never had it."""


class Wire(Protocol):
    """Publishes to the broker."""

    def publish(self, messages: Iterable[SignedMessage]) -> Sequence[Handover]:
        """Send these in order."""


def is_taken(handover: Handover) -> bool:
    """Whether a broker has a message. paho raises for one that it was given while offline."""
    try:
        return handover.is_published()
    except (RuntimeError, ValueError):
        return False
