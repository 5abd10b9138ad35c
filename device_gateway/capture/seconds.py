"""Frames of a live stream to seconds, and seconds to minutes. Pure: no clock, no disk.

A second says what its frames said: the lowest SpO2 of them, for a dip that one frame shows must not
vanish, and of every other vital the last. A minute is a civil one, with null where the sensor saw
nothing; a device that is slower than one frame a second leaves nulls too.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from device_gateway.capture.capture import Measured
from device_gateway.decode.frame import in_order
from device_gateway.spool.records import Sample
from ward_service.contract.vocabulary import Quality, Vital
from ward_service.domain.assess import POOR

SECOND: Final = timedelta(seconds=1)
# What makes a second one in which the sensor saw somebody.
_SEEN_BY: Final = frozenset({Vital.SPO2, Vital.PULSE_RATE})


@dataclass(frozen=True, slots=True)
class Minute:
    """A civil minute of a stream or a part of one: an array per vital, a second apart."""

    started_at: datetime
    samples: dict[Vital, tuple[float | None, ...]]
    quality: tuple[Quality, ...]

    @property
    def sees(self) -> bool:
        """Whether the sensor saw anything in it."""
        return any(value is not None for values in self.samples.values() for value in values)

    @property
    def last_at(self) -> datetime:
        """When its last second began."""
        return self.started_at + (len(self.samples[Vital.SPO2]) - 1) * SECOND


def as_second(one: Measured, device: str, slot: int | None) -> Sample:
    """Return a frame as the second in which it came."""
    at = one.capture.at.replace(microsecond=0)
    return Sample(device, slot, at, one.decoded.observations, one.decoded.quality)


def minute_of(at: datetime) -> datetime:
    """Return when the civil minute of a moment began."""
    return at.replace(second=0, microsecond=0)


def sees(second: Sample) -> bool:
    """Say whether the sensor saw somebody."""
    return not _SEEN_BY.isdisjoint(second.values)


def doubted(second: Sample) -> bool:
    """Say whether the device speaks against what it saw."""
    return not POOR.isdisjoint(second.quality)


def merged(one: Sample, more: Sample) -> Sample:
    """Return two parts of one second, in the order in which they came, as that second.

    What speaks against it is what speaks against a frame in which something was seen: the finger
    that leaves does not make the value before it doubtful.
    """
    if sees(one) is not sees(more):
        seen = one if sees(one) else more
        return Sample(more.device, more.slot, more.at, seen.values, seen.quality)
    values = {**one.values, **more.values}
    if Vital.SPO2 in one.values and Vital.SPO2 in more.values:
        values[Vital.SPO2] = min(one.values[Vital.SPO2], more.values[Vital.SPO2])
    quality = in_order((*one.quality, *more.quality))
    return Sample(more.device, more.slot, more.at, values, quality)


def put_together(parts: Iterable[Sample]) -> list[Sample]:
    """Return each second once, from its parts in the order in which they were kept."""
    seconds: list[Sample] = []
    for part in parts:
        if seconds and seconds[-1].at == part.at:
            seconds[-1] = merged(seconds[-1], part)
        else:
            seconds.append(part)
    return seconds


def as_minutes(seconds: Sequence[Sample]) -> list[Minute]:
    """Return the seconds of one civil minute, none of them before another, as what is sent.

    A minute that begins in doubt is cut where a first second is without: an oximeter that searches
    for ten seconds must not make the thirty good ones after them doubtful.
    """
    clean = next((n for n, s in enumerate(seconds) if sees(s) and not doubted(s)), 0)
    parts = [seconds[:clean], seconds[clean:]]
    if not any(sees(second) for second in parts[0]):
        parts = [seconds]
    return [as_minute(part) for part in parts if part]


def as_minute(seconds: Sequence[Sample]) -> Minute:
    """Return seconds, none before another, as arrays. Flags are those of seconds that saw."""
    first, last = seconds[0].at, seconds[-1].at
    length = round((last - first) / SECOND) + 1
    found = {vital for second in seconds if sees(second) for vital in second.values}
    arrays: dict[Vital, list[float | None]] = {
        vital: [None] * length for vital in Vital if vital in found | _SEEN_BY
    }
    for second in seconds:
        if sees(second):
            for vital, value in second.values.items():
                arrays[vital][round((second.at - first) / SECOND)] = value
    saying = [second for second in seconds if sees(second)] or seconds
    quality = in_order(flag for second in saying for flag in second.quality)
    return Minute(first, {vital: tuple(values) for vital, values in arrays.items()}, quality)
