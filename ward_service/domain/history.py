"""The few earlier readings that medians, changes and pairs look back on. Bounded by the pathway."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from statistics import median
from uuid import UUID

from ward_service.contract.vocabulary import Vital
from ward_service.domain.pathway import Guide


@dataclass(frozen=True, slots=True)
class Past:
    """An earlier reading at rest that was fully believed."""

    at: datetime
    reading_id: UUID
    values: Mapping[Vital, float]


def remembered(history: tuple[Past, ...], new: Past, pathway: Guide) -> tuple[Past, ...]:
    """Return the history with one more reading, in order of measurement.

    One that lies closer to another than the pathway's spacing is left out: continuous data must
    not push yesterday out. What no rule can look back on any more is let go of.
    """
    if history and abs(new.at - history[-1].at) < pathway.history_spacing:
        return history
    count, length = pathway.remembers
    if any(abs(new.at - past.at) < pathway.history_spacing for past in history):
        return history
    ordered = sorted((*history, new), key=lambda past: past.at)
    oldest = ordered[-1].at - length
    # One more than medians need: the latest may lie too close to the reading that is judged.
    kept = [p for n, p in enumerate(reversed(ordered)) if n < count + 1 or p.at >= oldest]
    return tuple(reversed(kept))


def median_of_last(earlier: Sequence[float], now: float, readings: int) -> float | None:
    """Return the median of the last `readings` values, `now` among them; None while too few."""
    if len(earlier) < readings - 1:
        return None
    return median([now, *earlier[len(earlier) - readings + 1 :]])


def values_before(
    history: Sequence[Past], vital: Vital, until: datetime, since: datetime | None = None
) -> list[float]:
    """Return the values of a vital measured from `since` up to `until`, oldest first."""
    return [
        past.values[vital]
        for past in history
        if vital in past.values and past.at <= until and (since is None or past.at >= since)
    ]
