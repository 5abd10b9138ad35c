"""Which reading goes next: what was just taken at once, what had to wait in order and at a pace.

After an outage the ward needs to know first how somebody is now, and then what it missed. So a
drain has an end, the newest number of when it began: what is taken later overtakes it.
Source: docs/reference/brokers-and-databases.md#faults, R18.
"""

import math
from collections.abc import Container, Iterator
from typing import Final

from device_gateway.spool.records import Held
from device_gateway.spool.spool import Spool

_AT_ONCE_S: Final = 0.5  # of the pace in one go, so that a slow pump keeps it


class Drain:
    """The order of one home's readings. Each `Held` that it yields counts as sent."""

    def __init__(self, spool: Spool, per_s: float) -> None:
        """Begin with everything that the spool holds as backlog, `per_s` of it a second."""
        self._spool, self._per_s = spool, per_s
        self._sent_upto = 0  # of the backlog
        self._backlog_upto = self._live_upto = spool.last_seq
        self._allowed, self._at = 0.0, -math.inf

    def begin(self, upto: int) -> None:
        """Count as backlog what is held up to a number: the ward is back, or a connection new."""
        self._backlog_upto = self._live_upto = upto

    def is_backlog(self, seq: int) -> bool:
        """Whether a reading had to wait for the ward."""
        return seq <= self._backlog_upto

    def allowed(self, mono: float) -> int:
        """Return how much of a backlog may be sent now."""
        most = max(1.0, self._per_s * _AT_ONCE_S)
        since = min(mono - self._at, _AT_ONCE_S)
        self._allowed = most if math.isinf(most) else min(most, self._allowed + self._per_s * since)
        self._at = mono
        return 1 << 31 if math.isinf(self._allowed) else int(self._allowed)

    def spend(self, count: int) -> None:
        """Take what was sent of a backlog off what is allowed."""
        self._allowed -= count

    def live(self, places: int) -> Iterator[Held]:
        """Yield what was taken since the backlog ended, in order."""
        if places <= 0 or self._spool.last_seq <= self._live_upto:
            return
        for held in self._spool.after(self._live_upto, places):
            yield held
            self._live_upto = held.seq

    def backlog(self, places: int, on_their_way: Container[int]) -> Iterator[Held]:
        """Yield what had to wait, in order, but for what is on its way already."""
        if places <= 0 or self._sent_upto >= self._backlog_upto:
            return
        some = self._spool.after(self._sent_upto, places)
        for held in some:
            if held.seq > self._backlog_upto:
                break
            if held.seq not in on_their_way:
                yield held
                self.spend(1)
            self._sent_upto = held.seq
        if len(some) < places:
            self._sent_upto = max(self._sent_upto, self._backlog_upto)
