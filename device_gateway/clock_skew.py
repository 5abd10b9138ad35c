"""How far this home's clock is ahead of the ward's, as far as the ward's messages tell."""

from collections import deque
from dataclasses import dataclass
from datetime import datetime, timedelta
from statistics import median
from typing import Final


@dataclass(frozen=True, slots=True)
class Sourced:
    """A stretch of time, and where it comes from."""

    value: timedelta
    source: str


# A home whose clock is further off has its readings marked "time doubtful" at the ward.
CLOCK_TOLERANCE: Final = Sourced(
    timedelta(minutes=5), "ours, unsigned: `clock_tolerance` of every shipped pathway"
)

_LOOKS_AT: Final = 5  # messages: one that was held up on its way is outvoted by the others


class ClockCheck:
    """Fed with when the ward signed a message and when it came; only fresh ones count.

    A message that is not newer than all before it may have been replayed, and says nothing.
    """

    def __init__(self) -> None:
        """Know nothing yet."""
        self._newest: datetime | None = None
        self._ahead_s: deque[float] = deque(maxlen=_LOOKS_AT)

    def heard(self, sent_at: datetime, came_at: datetime) -> None:
        """Take a live message into account; one that the broker had kept is none."""
        if self._newest is None or sent_at > self._newest:
            self._newest = sent_at
            self._ahead_s.append((came_at - sent_at).total_seconds())

    @property
    def ahead_s(self) -> float | None:
        """The middle of the last few, in seconds, with the way here in it. None: not known."""
        return round(median(self._ahead_s), 1) if self._ahead_s else None

    @property
    def wrong(self) -> bool:
        """Whether the clock is known to be further off than the ward puts up with."""
        ahead_s = self.ahead_s
        return ahead_s is not None and abs(ahead_s) > CLOCK_TOLERANCE.value.total_seconds()
