"""A pathway version as the rules see it. The numbers come from its file, never from here."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import time, timedelta

from ward_service.contract.vocabulary import Level, Vital
from ward_service.domain.bands import Bands


@dataclass(frozen=True, slots=True)
class VitalRule:
    """What to believe of a vital (both edges believed), and how worrying each value is.

    `bands` is None for a vital that is kept and believed or doubted, but not judged.
    """

    believable: tuple[float, float]
    bands: Bands | None


@dataclass(frozen=True, slots=True)
class Schedule:
    """When readings are agreed, in civil time of `zone`.

    A good reading fills a due time from `window` before it on. A person is overdue `overdue_after`
    past a due time, but at once at the first due time if they never reported (promise 3).
    """

    zone: str
    times: tuple[time, ...]
    window: timedelta
    overdue_after: timedelta


@dataclass(frozen=True, slots=True)
class Confirmation:
    """How a provisional alert is settled by a repeat.

    `repeat_within`: no repeat in this time confirms. `minimum_gap`: an earlier reading is still
    the same measurement. `second_red_within`: a second provisional red so soon opens at once.
    """

    repeat_within: Mapping[Level, timedelta]
    minimum_gap: timedelta
    second_red_within: timedelta


@dataclass(frozen=True, slots=True)
class SwapDoubt:
    """When two numbers look swapped: an SpO2 of this at most with a pulse of that at least."""

    spo2_at_most: float
    pulse_at_least: float


@dataclass(frozen=True, slots=True)
class Pathway:
    """One version of one pathway. `name` is how alerts quote it: `id@version`.

    `fills` is the vital without which a reading fills no due time. `late_after`: a reading that
    took longer to arrive is said to be late. `clock_tolerance`: a reading from further in the
    future has a doubtful time, and so has one from further than `before_stay` before the stay.
    `further_fall`: a fall of the vital that
    `fills` by this much re-opens an acknowledged alert. `stale_after`: an older number is struck
    through. `start_up_grace`: how long absence waits for the backlog after the ward was blind.
    """

    id: str
    version: int
    title: str
    vitals: Mapping[Vital, VitalRule]
    fills: Vital
    schedule: Schedule
    confirmation: Confirmation
    swap: SwapDoubt
    late_after: timedelta
    clock_tolerance: timedelta
    before_stay: timedelta
    further_fall: float
    stale_after: timedelta
    start_up_grace: timedelta

    @property
    def name(self) -> str:
        """The pathway and its version, as it stands on alerts and readings."""
        return f"{self.id}@{self.version}"
