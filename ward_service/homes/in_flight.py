"""What is on its way to homes: given to the broker, and not yet taken by it."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final, Generic, TypeVar

from ward_service.homes.wire import Handover, is_taken

LOST_AFTER_S: Final = 30.0  # real seconds in which no broker has taken a message: it goes again

Key = TypeVar("Key")


@dataclass(frozen=True, slots=True)
class _Flight(Generic[Key]):
    """Rows (key, number of the wish) on their way together, since a moment of `monotonic`."""

    rows: tuple[tuple[Key, int], ...]
    handovers: tuple[Handover, ...]
    since: float


class InFlight(Generic[Key]):
    """Remembers what no broker has taken yet. Used from one thread.

    A row is named by its key and the number of the wish that was sent, so that a later wish is
    not taken for done.
    """

    def __init__(self) -> None:
        """Begin with nothing on its way."""
        self._flights: list[_Flight[Key]] = []

    def keys(self) -> list[Key]:
        """Return the keys of all rows that are on their way."""
        return [key for flight in self._flights for key, _ in flight.rows]

    def add(self, rows: Sequence[tuple[Key, int]], handovers: Sequence[Handover]) -> None:
        """Remember rows that were handed over together; all handovers together carry them."""
        self._flights.append(_Flight(tuple(rows), tuple(handovers), time.monotonic()))

    def settle(self, note_sent: Callable[[Sequence[tuple[Key, int]]], None]) -> None:
        """Note what brokers have taken; forget what none has taken in time, so that it goes again.

        Where `note_sent` raises, nothing is forgotten.
        """
        taken: list[tuple[Key, int]] = []
        waiting: list[_Flight[Key]] = []
        mono = time.monotonic()
        for flight in self._flights:
            if all(is_taken(handover) for handover in flight.handovers):
                taken += flight.rows
            elif mono < flight.since + LOST_AFTER_S:
                waiting.append(flight)
        if taken:
            note_sent(taken)
        self._flights = waiting
