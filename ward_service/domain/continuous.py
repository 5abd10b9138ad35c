"""A minute of samples as one reading: the last stable value is judged, and any red that was held.

Source: docs/reference/traps.md#runs-and-gaps: a run is made of samples, and a gap ends it
[TB-14210].
"""

from collections.abc import Iterable, Iterator, Sequence
from datetime import timedelta

from ward_service.contract.rules import Continuous
from ward_service.contract.vocabulary import Level, Quality, Vital
from ward_service.domain.bands import Bands
from ward_service.domain.inputs import Held, ReadingArrived, TraceArrived
from ward_service.domain.limits import Limits, bands_name, personal_bands
from ward_service.domain.pathway import Guide

Run = list[tuple[int, float]]  # where each sample stands, and its value


def as_reading(trace: TraceArrived, limits: Limits, pathway: Guide) -> ReadingArrived:
    """Return the reading that stands for a trace, measured when its last value was.

    A vital that was never stable is represented by its most worrying value (without bands: the
    lowest), and the reading is then questionable: it is never set aside, and reassures nobody.
    """
    rule, interval_s = pathway.continuous, trace.interval_s
    values: dict[Vital, float] = {}
    quality = list(trace.quality)
    last = 0
    for vital, samples in trace.samples.items():
        seen = [(n, value) for n, value in enumerate(samples) if value is not None]
        if not seen:
            continue
        stable = _last_stable(seen, interval_s, rule)
        if stable is None:
            stable = _worst(vital, seen, limits, pathway)
            quality.append(Quality.QUESTIONABLE)
        values[vital] = stable[1]
        last = max(last, stable[0])
    return ReadingArrived(
        reading_id=trace.reading_id,
        measured_at=trace.started_at + timedelta(seconds=last * interval_s),
        values=values,
        context=trace.context,
        quality=tuple(dict.fromkeys(quality)),
        source=trace.source,
        slot=trace.slot,
        held=held_reds(trace, limits, pathway),
    )


def _worst(vital: Vital, seen: Run, limits: Limits, pathway: Guide) -> tuple[int, float]:
    """Return the most worrying sample, the first of its value."""
    bands = _bands(vital, limits, pathway)
    values = [value for _, value in seen]
    worst = min(values) if bands is None else bands.worst(values)
    return next(sample for sample in seen if sample[1] == worst)


def _bands(vital: Vital, limits: Limits, pathway: Guide) -> Bands | None:
    rule = pathway.vitals.get(vital)
    ruled = rule.bands.get(bands_name(vital, limits, True)) if rule else None
    return personal_bands(ruled, limits) if ruled else None


def _last_stable(seen: Run, interval_s: float, rule: Continuous) -> tuple[int, float] | None:
    """Return the last sample that ends a stretch in which the values stayed close together."""
    needed = rule.stable.total_seconds()
    for end in range(len(seen) - 1, -1, -1):
        low = high = seen[end][1]
        for begin in range(end, -1, -1):
            if begin < end and _gap_s(seen, begin, interval_s) > rule.gap.total_seconds():
                break
            low, high = min(low, seen[begin][1]), max(high, seen[begin][1])
            if high - low > rule.stable_spread:
                break
            if _length_s(seen[begin : end + 1], interval_s) >= needed:
                return seen[end]
    return None


def held_reds(trace: TraceArrived, limits: Limits, pathway: Guide) -> tuple[Held, ...]:
    """Return the longest red of each vital that was red for long enough."""
    longest = [
        (vital, bands, max(runs, key=len, default=[]))
        for vital, bands, runs in _runs_by_vital(trace, limits, pathway)
    ]
    return _long_enough(longest, trace.interval_s, pathway.continuous)


def held_still(trace: TraceArrived, limits: Limits, pathway: Guide) -> tuple[Held, ...]:
    """Return the reds that have been held for long enough, and go on with the last sample."""
    gap_s = pathway.continuous.gap.total_seconds()
    last: list[tuple[Vital, Bands, Run]] = []
    for vital, bands, runs in _runs_by_vital(trace, limits, pathway):
        after = trace.samples[vital][runs[-1][-1][0] + 1 :] if runs else ()
        if runs and not any(value is not None for value in after):
            goes_on = len(after) * trace.interval_s <= gap_s
            last.append((vital, bands, runs[-1] if goes_on else []))
    return _long_enough(last, trace.interval_s, pathway.continuous)


def _long_enough(
    runs: Iterable[tuple[Vital, Bands, Run]], interval_s: float, rule: Continuous
) -> tuple[Held, ...]:
    return tuple(
        Held(vital, bands.worst(value for _, value in run), _length_s(run, interval_s))
        for vital, bands, run in runs
        if run and _length_s(run, interval_s) >= rule.held_red.total_seconds()
    )


def _runs_by_vital(
    trace: TraceArrived, limits: Limits, pathway: Guide
) -> Iterator[tuple[Vital, Bands, list[Run]]]:
    for vital, samples in trace.samples.items():
        bands = _bands(vital, limits, pathway)
        if bands is not None:
            runs = _red_runs(samples, bands, trace.interval_s, pathway.continuous)
            yield vital, bands, list(runs)


def _red_runs(
    samples: Sequence[float | None], bands: Bands, interval_s: float, rule: Continuous
) -> Iterator[Run]:
    run: Run = []
    for n, value in enumerate(samples):
        if value is None:
            continue
        gap = run and (n - run[-1][0] - 1) * interval_s > rule.gap.total_seconds()
        red = bands.place(value).level is Level.RED
        if run and (gap or not red):
            yield run
            run = []
        if red:
            run.append((n, value))
    if run:
        yield run


def _gap_s(seen: Run, begin: int, interval_s: float) -> float:
    return (seen[begin + 1][0] - seen[begin][0] - 1) * interval_s


def _length_s(run: Run, interval_s: float) -> float:
    """Return how long a run lasted: each sample stands for the interval that follows it."""
    return (run[-1][0] - run[0][0] + 1) * interval_s if run else 0.0
