"""A reading as it crosses the wire, as the rules take it: at the ward, in replay and at home."""

from ward_service.contract.messages import Reading, Trace
from ward_service.domain.inputs import ReadingArrived, TraceArrived


def as_input(reading: Reading | Trace, slot: int | None) -> ReadingArrived | TraceArrived:
    """Return what came as the rules take it; replay makes it anew from what was kept."""
    if isinstance(reading, Trace):
        return TraceArrived(
            reading_id=reading.reading_id,
            started_at=reading.started_at,
            interval_s=reading.interval_s,
            samples=reading.samples,
            context=reading.context,
            quality=reading.quality,
            source=reading.source,
            slot=slot,
        )
    return ReadingArrived(
        reading_id=reading.reading_id,
        measured_at=reading.measured_at,
        values={o.vital: o.value for o in reading.observations},
        context=reading.context,
        quality=reading.quality,
        source=reading.source,
        slot=slot,
        answers=tuple((given.question, given.answer) for given in reading.answers),
        call_me=reading.call_me,
        paired_with=reading.paired_with,
    )
