"""What a stream means by a person's plan, with the ward's own rules. Without a plan: nothing.

Pure: it takes the rules, and knows neither disk nor clock.
"""

from collections.abc import Sequence
from datetime import timedelta
from typing import Final
from uuid import UUID

from device_gateway.advise.adviser import Rules
from device_gateway.capture.seconds import SECOND, Minute, as_minute, doubted, sees
from device_gateway.decode.frame import in_order
from device_gateway.spool.records import Sample
from ward_service.contract.messages import Device, Observation, Reading, Trace
from ward_service.contract.vocabulary import Level, Quality, Source, Vital
from ward_service.domain.assess import assess
from ward_service.domain.conditions import Facts
from ward_service.domain.continuous import as_reading, held_still
from ward_service.domain.inputs import Held, ReadingArrived, TraceArrived

INTERVAL_S: Final = 1.0


def settled(seconds: Sequence[Sample]) -> Sequence[Sample]:
    """Return the seconds from the first on that is without a doubt; all, if there is none."""
    first = next((n for n, s in enumerate(seconds) if sees(s) and not doubted(s)), 0)
    return seconds[first:]


def tail_length(rules: Rules) -> timedelta:
    """Return how far back a stream must be remembered to be judged: a minute, or a held red."""
    continuous = rules[0].continuous
    longest = max(continuous.held_red, continuous.stable) + 2 * continuous.gap
    return max(timedelta(minutes=1), longest)


def is_stable(seconds: Sequence[Sample], rules: Rules) -> bool:
    """Say whether the value that the pathway judges by has stood still for its time."""
    pathway, limits = rules
    minute = as_minute(seconds)
    found = as_reading(_arrived(Minute(minute.started_at, minute.samples, ())), limits, pathway)
    fills = pathway.fills is None or pathway.fills in found.values
    return fills and bool(found.values) and Quality.QUESTIONABLE not in found.quality


def judged(minute: Minute, id_: UUID, device: Device | None, rules: Rules) -> Reading:
    """Return what stands for these seconds, as the ward will have it: a held red above all."""
    pathway, limits = rules
    found = as_reading(_arrived(minute), limits, pathway)
    values = {**found.values, **{held.vital: held.worst for held in found.held}}
    return Reading(
        reading_id=id_,
        measured_at=found.measured_at,
        source=Source.BLE,
        observations=_observations(values),
        device=device,
        quality=found.quality,
    )


def held_on(seconds: Sequence[Sample], rules: Rules) -> tuple[Held, ...]:
    """Return the reds that these seconds hold, and that go on."""
    pathway, limits = rules
    return held_still(_arrived(as_minute(seconds)), limits, pathway)


def held_reading(
    seconds: Sequence[Sample], held: Sequence[Held], id_: UUID, device: Device | None
) -> Reading:
    """Return a held red as a reading of now: its worst value, with what else was last seen."""
    now = seconds[-1].at
    last = next(second for second in reversed(seconds) if sees(second))
    longest = max(red.seconds for red in held)
    during = [s for s in seconds if sees(s) and (now - s.at) / SECOND < longest]
    return Reading(
        reading_id=id_,
        measured_at=now,
        source=Source.BLE,
        observations=_observations({**last.values, **{red.vital: red.worst for red in held}}),
        device=device,
        quality=in_order(flag for second in during for flag in second.quality),
    )


def is_red(message: Reading | Trace, rules: Rules) -> bool:
    """Say whether this would be red for whoever has these rules."""
    pathway, limits = rules
    if isinstance(message, Trace):
        came = as_reading(_trace_arrived(message), limits, pathway)
    else:
        came = _reading_arrived(message)
    facts = Facts(
        at=came.measured_at,
        zone=pathway.zone,
        limits=limits,
        values=came.values,
        context=came.context,
    )
    found = assess(facts, pathway, quality=came.quality, held=came.held)
    return found.level is Level.RED


def minute_in(trace: Trace) -> Minute:
    """Return the seconds of a trace that was made here."""
    return Minute(trace.started_at, dict(trace.samples), trace.quality)


def _observations(values: dict[Vital, float]) -> tuple[Observation, ...]:
    return tuple(
        Observation(vital=vital, value=values[vital]) for vital in Vital if vital in values
    )


_UNNAMED: Final = UUID(int=0)  # what is only looked at has no id


def _arrived(minute: Minute) -> TraceArrived:
    return TraceArrived(
        reading_id=_UNNAMED,
        started_at=minute.started_at,
        interval_s=INTERVAL_S,
        samples=minute.samples,
        quality=minute.quality,
    )


def _trace_arrived(trace: Trace) -> TraceArrived:
    return TraceArrived(
        reading_id=trace.reading_id,
        started_at=trace.started_at,
        interval_s=trace.interval_s,
        samples=trace.samples,
        quality=trace.quality,
    )


def _reading_arrived(reading: Reading) -> ReadingArrived:
    return ReadingArrived(
        reading_id=reading.reading_id,
        measured_at=reading.measured_at,
        values={o.vital: o.value for o in reading.observations},
        context=reading.context,
        quality=reading.quality,
    )
