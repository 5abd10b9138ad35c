"""How large a home's spool may become, and how full it is. Pure: sizes in, an answer out.

Source: docs/understand/design.md#promise-1; docs/reference/brokers-and-databases.md#full-disk.
"""

from dataclasses import dataclass
from enum import StrEnum
from typing import Final

MB: Final = 1_000_000
# Bytes that the write-ahead log may hold beside the file before it is emptied into it: small next
# to any disk, and large enough that a stream of one sample a second empties it every few minutes.
WAL_HOLDS: Final = MB
# What stands beside the file: that log with the transaction that filled it, and its index.
BESIDE: Final = WAL_HOLDS + MB // 4
# Share of the bound at which traces become summaries. A trace is three times its summary: with an
# eighth left, every trace that waits can be condensed long before the rest is used up. It lasts
# until twice as much is free, or it would begin and end with every reading.
NEARLY: Final = 1 / 8
# Bytes without which nothing is promised: the largest reading that the wire carries.
LEAST_ROOM: Final = 65_536


class Fullness(StrEnum):
    """How full a spool is."""

    ROOMY = "roomy"
    NEARLY_FULL = "nearly_full"
    FULL = "full"


@dataclass(frozen=True, slots=True)
class Bounds:
    """What a spool may take of its disk, and what it remembers.

    `max_bytes`: the file and its log. A day of one person's minutes is about 2 MB, so the default
    holds four months of one, or a month of four people, which is longer than any stay.
    `keep_free_bytes`: what the disk keeps for the rest of the box (its logs, an update).
    `ballast_bytes`: beside the bound, for the day on which somebody else fills the disk.
    `kept_days`, `kept_rows`: what the home looks back on, a reading a minute for those days. The
    rules look back on less, and a patient's page shows no more.
    """

    max_bytes: int = 256 * MB
    keep_free_bytes: int = 64 * MB
    ballast_bytes: int = 4 * MB
    kept_days: int = 14
    kept_rows: int = 20_000


@dataclass(frozen=True, slots=True)
class Extent:
    """How large a spool is, in bytes, and what its disk has left.

    `used`: pages of the file that hold something. `spare`: pages of the file that hold nothing.
    `growth`: by how much the file grows when its log is emptied into it. `on_disk`: the file and
    what stands beside it, as they are. `free`: what the disk has for us.
    """

    used: int
    spare: int
    growth: int
    on_disk: int
    free: int


def room(extent: Extent, bounds: Bounds) -> int:
    """Return how many bytes more may be kept; negative when there are too many already."""
    by_bound = bounds.max_bytes - BESIDE - extent.used
    by_disk = extent.free + extent.spare - extent.growth - bounds.keep_free_bytes
    return min(by_bound, by_disk)


def fullness(left: int, bounds: Bounds, before: Fullness) -> Fullness:
    """Return how full a spool is that has so many bytes of room, and was as full as `before`."""
    if left < LEAST_ROOM:
        return Fullness.FULL
    nearly = NEARLY * bounds.max_bytes * (1 if before is Fullness.ROOMY else 2)
    return Fullness.NEARLY_FULL if left < nearly else Fullness.ROOMY
