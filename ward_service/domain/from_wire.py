"""A reading as it crosses the wire, as the rules take it: at the ward, in replay and at home."""

from collections.abc import Sequence

from ward_service.contract.messages import Reading, Trace
from ward_service.domain.inputs import DiaryArrived, ReadingArrived, TraceArrived


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


def as_diary(pages: Sequence[Reading]) -> ReadingArrived | DiaryArrived:
    """Return readings that were entered in one step as the rules take them; one is itself."""
    taken = [as_input(page, None) for page in pages]
    readings = tuple(one for one in taken if isinstance(one, ReadingArrived))
    return readings[0] if len(readings) == 1 else DiaryArrived(readings)
