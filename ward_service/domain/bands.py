"""Where a value falls among neighbouring ranges. The numbers come from a pathway's file."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal
from itertools import pairwise
from typing import Final

from ward_service.contract.vocabulary import Level, Unit

WORRY: Final = {Level.GREEN: 0, Level.AMBER: 1, Level.RED: 2}


def worse(one: Level, other: Level) -> bool:
    """Say whether one clinical level is more worrying than another."""
    return WORRY[one] > WORRY[other]


@dataclass(frozen=True, slots=True)
class Ranges:
    """Ranges without gap or overlap: `tops` are inclusive upper edges, the last range is open.

    `worry` says how worrying each range is: the more, the worse. `digits` is the precision at
    which the source prints its edges. A value between two printed ones counts half-way up to the
    more worrying side (docs/understand/design.md#promise-7): where 92 is worse than 93, 92.5 still
    counts as 92, and 92.6 as 93; where 93 is the worse, 92.5 counts as 93.

    Raises:
        ValueError: the edges do not rise, or there is not one more level than edges.
    """

    tops: tuple[float, ...]
    worry: tuple[int, ...]
    digits: int

    def __post_init__(self) -> None:
        if any(low >= high for low, high in pairwise(self.tops)):
            raise ValueError("edges must rise")
        if len(self.worry) != len(self.tops) + 1:
            raise ValueError("one more level than edges")

    def place(self, value: float) -> tuple[int, float]:
        """Return which range a value falls in, counted from the lowest, and what it counts as."""
        printed = self._printed(value)
        return self._range(printed), printed

    def _range(self, printed: float) -> int:
        for i, top in enumerate(self.tops):
            if printed <= top:
                return i
        return len(self.tops)

    def _printed(self, value: float) -> float:
        """Return the printed value it counts as: the nearer; half-way, the more worrying."""
        if value == int(value):
            return value  # a whole number is printed as it is, whatever the digits
        exact = Decimal(str(value))
        step = Decimal(1).scaleb(-self.digits)
        low = exact.quantize(step, ROUND_FLOOR)
        high = exact.quantize(step, ROUND_CEILING)
        if exact - low != high - exact:
            return float(low if exact - low < high - exact else high)
        return float(low if self._worse_below(float(low), float(high)) else high)

    def _worse_below(self, low: float, high: float) -> bool:
        """Whether the lower of two printed neighbours is the more worrying one.

        Where both weigh the same, whether worry grows downwards from here.
        """
        i, j = self._range(low), self._range(high)
        if self.worry[i] != self.worry[j]:
            return self.worry[i] > self.worry[j]
        here = self.worry[i]
        below = self.worry[i - 1] if i else here
        above = self.worry[j + 1] if j < len(self.tops) else here
        return below > here or above < here

    def edges(self) -> list[tuple[float | None, float | None]]:
        """Return (low, high) of each range as printed; None is open."""
        step = 10.0**-self.digits
        lows = [None, *(round(top + step, self.digits) for top in self.tops)]
        return list(zip(lows, [*self.tops, None], strict=True))


@dataclass(frozen=True, slots=True)
class Placed:
    """A value in its band. `counts_as` is the printed value that it was judged as."""

    level: Level
    counts_as: float
    limit: str


@dataclass(frozen=True, slots=True)
class Bands:
    """Ranges that each have a level; edges and half-way values as in `Ranges`.

    Raises:
        ValueError: the edges do not rise, or there is not one more level than edges.
    """

    tops: tuple[float, ...]
    levels: tuple[Level, ...]
    digits: int
    _ranges: Ranges = field(init=False, repr=False, compare=False)
    _limits: tuple[str, ...] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        ranges = Ranges(self.tops, tuple(WORRY[level] for level in self.levels), self.digits)
        object.__setattr__(self, "_ranges", ranges)
        limits = tuple(self._limit(i) for i in range(len(self.levels)))
        object.__setattr__(self, "_limits", limits)  # frozen, and said thousands of times a second

    def place(self, value: float) -> Placed:
        """Return the level of a value, what it counts as, and the limit it passed in words."""
        i, printed = self._ranges.place(value)
        return Placed(self.levels[i], printed, self._limits[i])

    def worst(self, values: Iterable[float]) -> float:
        """Return the most worrying value: the lowest where worry grows downwards, else the highest.

        Raises:
            ValueError: there is none.
        """
        placed = [(value, self._ranges.place(value)[0]) for value in values]
        most = max(WORRY[self.levels[i]] for _, i in placed)
        calm = min(range(len(self.levels)), key=lambda i: WORRY[self.levels[i]])
        found = [(value, i) for value, i in placed if WORRY[self.levels[i]] == most]
        low = [value for value, i in found if i < calm]
        return min(low) if low else max(value for value, _ in found)

    def _limit(self, i: int) -> str:
        """Say the edge that makes a band worrying: `<= 92` from below, `> 38` from above."""
        if i < len(self.tops) and worse(self.levels[i], self.levels[i + 1]):
            return f"<= {self.tops[i]:g}"
        if i and worse(self.levels[i], self.levels[i - 1]):
            return f"> {self.tops[i - 1]:g}"
        low = f"> {self.tops[i - 1]:g}" if i else ""
        high = f"<= {self.tops[i]:g}" if i < len(self.tops) else ""
        return " and ".join(part for part in (low, high) if part)

    def edges(self) -> list[tuple[float | None, float | None, Level]]:
        """Return (low, high, level) of each band as printed; None is open."""
        edges = zip(self._ranges.edges(), self.levels, strict=True)
        return [(low, high, level) for (low, high), level in edges]


def said_against(unit: Unit, value: float, placed: Placed) -> str:
    """Say a value against its limit, so that a nurse can check it: `SpO2 91 % <= 92 %`."""
    tail = unit.said.partition("{}")[2]
    counts = "" if placed.counts_as == value else f" (counts as {placed.counts_as:g}{tail})"
    return f"{unit.say(value)}{counts} {placed.limit}{tail}"
