"""Which numbers of a home's stream have come, and which are missing. Pure: time is handed in.

A home numbers what it makes, from 1 on, without a gap. So a number that is missing while a later
one came, or while the home says that it was made, is a reading that the ward does not have.
Source: docs/understand/design.md#envelope; docs/reference/brokers-and-databases.md#delivery.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

# Stretches kept beyond the first gap. A home that sends again fills its gaps within minutes, so
# more than this are not waited for, only counted. Ours.
MOST_STRETCHES: Final = 256
LARGEST: Final = 2**63 - 1  # what a database can hold


@dataclass(frozen=True, slots=True)
class Gap:
    """Numbers that have not come, `first` to `last`; `since` is when the first later one was seen.

    `since` is on the ward's clock.
    """

    first: int
    last: int
    since: datetime

    @property
    def count(self) -> int:
        """How many numbers are missing in it."""
        return self.last - self.first + 1


@dataclass(frozen=True, slots=True)
class Missing:
    """How many numbers have not come, and since when the first of them is known to be missing."""

    count: int
    since: datetime


@dataclass(slots=True)
class Stretch:
    """Numbers beyond a gap that have all come. `seen_at` is when the first of them was seen."""

    first: int
    last: int
    seen_at: datetime


@dataclass(slots=True)
class Numbers:
    """What has come of one stream: everything up to `upto`, and the stretches `beyond` it.

    `made` is a number that the home said it had made when nothing so late had come, `made_at` when
    it said so. `told_upto`: of what is missing up to there people have been told. `given_up` counts
    numbers up to `given_up_to` that are no longer waited for: whether they come later is not known.
    """

    upto: int = 0
    beyond: list[Stretch] = field(default_factory=list)
    made: int = 0
    made_at: datetime | None = None
    told_upto: int = 0
    given_up: int = 0
    given_up_to: int = 0

    def came(self, number: int, at: datetime) -> bool:
        """Note that a number came at a moment; return False where it is known to have come before.

        What no stream can hold is not noted.
        """
        if number == self.upto + 1 and not self.beyond:
            self.upto = number
            return True
        if not 1 <= number <= LARGEST or number <= self.given_up_to:
            return True
        if number <= self.upto:
            return False
        return self._came_beyond(number, at)

    def says_made(self, next_number: int, at: datetime) -> None:
        """Note that the home says which number it gives next, so that all before it were made."""
        made = min(next_number - 1, LARGEST)
        if made > self.top and self.made <= max(self.top, self.told_upto):
            self.made, self.made_at = made, at

    @property
    def top(self) -> int:
        """The highest number that has come; 0 when none has."""
        return self.beyond[-1].last if self.beyond else self.upto

    @property
    def untold_since(self) -> datetime | None:
        """When the first gap of which nobody was told was seen; None when there is none."""
        return min((g.since for g in self.gaps() if g.last > self.told_upto), default=None)

    def gaps(self) -> Iterator[Gap]:
        """Yield what is missing, lowest numbers first."""
        later = [(s.first, s.seen_at) for s in self.beyond]
        ends = [s.last for s in self.beyond]
        if self.made > self.top and self.made_at is not None:
            later.append((self.made + 1, self.made_at))
        last = self.upto
        for n, (first, _) in enumerate(later):
            yield Gap(last + 1, first - 1, min(at for _, at in later[n:]))
            last = ends[n] if n < len(ends) else first

    def missing_by(self, seen_by: datetime) -> Missing | None:
        """Return what was seen to be missing by a moment and has not come; None if nothing was."""
        long = [gap for gap in self.gaps() if gap.since <= seen_by]
        if not long:
            return None
        count = self.given_up + sum(gap.count for gap in long)
        return Missing(count, min(gap.since for gap in long))

    def tell(self, seen_by: datetime) -> Missing | None:
        """Return what was missing by a moment, if somebody must be told of it now; else None.

        It counts all of that, and is told with this: only later numbers are told again.
        """
        long = [gap.last for gap in self.gaps() if gap.since <= seen_by]
        if max(long, default=0) <= self.told_upto:
            return None
        self.told_upto = max(long)
        return self.missing_by(seen_by)

    def _came_beyond(self, number: int, at: datetime) -> bool:
        place = next((n for n, s in enumerate(self.beyond) if number <= s.last), len(self.beyond))
        after = self.beyond[place] if place < len(self.beyond) else None
        if after is not None and after.first <= number:
            return False
        before = self.beyond[place - 1] if place else None
        if before is not None and before.last + 1 == number:
            before.last = number
        elif after is not None and after.first - 1 == number:
            after.first, after.seen_at = number, min(after.seen_at, at)
        elif number == self.upto + 1:
            self.upto = number
        else:
            self.beyond.insert(place, Stretch(number, number, at))
        self._join()
        return True

    def _join(self) -> None:
        """Join stretches that touch, and keep no more of them than are waited for."""
        joined: list[Stretch] = []
        for stretch in self.beyond:
            if stretch.first == self.upto + 1:
                self.upto = stretch.last
            elif joined and joined[-1].last + 1 == stretch.first:
                joined[-1].last = stretch.last
                joined[-1].seen_at = min(joined[-1].seen_at, stretch.seen_at)
            else:
                joined.append(stretch)
        if len(joined) > MOST_STRETCHES:
            lowest = joined.pop(0)
            self.given_up += lowest.first - 1 - self.upto
            self.given_up_to = lowest.first - 1
            self.upto = lowest.last
        self.beyond = joined
