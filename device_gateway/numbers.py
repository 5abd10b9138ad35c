"""Numbers of the home's own that say whether something is wrong there, each with its source."""

from dataclasses import dataclass
from datetime import timedelta
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
