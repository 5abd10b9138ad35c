"""A minute of samples made shorter: what a nearly full spool keeps of a stream.

Each SpO2 of a summary is the lowest of its ten seconds, so that a fall can only look deeper than
it was; every other vital is the middle one that was seen. Where nothing was seen, nothing is.
Source: docs/understand/design.md#promise-1; ten seconds are ours, unsigned.
"""

from collections.abc import Sequence
from statistics import median_low
from typing import Final

from pydantic import ValidationError

from ward_service.contract.messages import Trace
from ward_service.contract.vocabulary import Vital

INTERVAL_S: Final = 10.0
_MARK: Final = b'"interval_s"'  # a key that only a trace has

Samples = Sequence[float | None]


def may_condense(payload: bytes) -> bool:
    """Whether this looks like a trace; quick, for every reading passes here."""
    return _MARK in payload


def condensed(payload: bytes) -> bytes | None:
    """Return a trace as its summary; None for what is no trace, or would become no shorter."""
    try:
        trace = Trace.model_validate_json(payload)
    except ValidationError:
        return None
    seconds = max(map(len, trace.samples.values()), default=0)
    if trace.summary_of is not None or trace.interval_s >= INTERVAL_S or not seconds:
        return None
    summary = trace.model_copy(
        update={
            "interval_s": INTERVAL_S,
            "samples": {
                vital: tuple(_summarised(vital, samples, trace.interval_s))
                for vital, samples in trace.samples.items()
            },
            "summary_of": seconds,
        }
    )
    shorter = summary.model_dump_json(exclude_defaults=True).encode()
    return shorter if len(shorter) < len(payload) else None


def _summarised(vital: Vital, samples: Samples, interval_s: float) -> list[float | None]:
    intervals: dict[int, list[float]] = {}
    for n, value in enumerate(samples):
        seen = intervals.setdefault(int(n * interval_s / INTERVAL_S + 1e-9), [])
        if value is not None:
            seen.append(value)
    one_of = min if vital is Vital.SPO2 else median_low
    return [one_of(seen) if seen else None for seen in intervals.values()]
