"""How one reading is judged against what is known of a person: the same at the ward and at home."""

from datetime import datetime
from typing import Protocol

from ward_service.contract.vocabulary import Context, Level, Vital
from ward_service.domain.assess import assess
from ward_service.domain.conditions import Facts
from ward_service.domain.history import Past, remembered
from ward_service.domain.inputs import ReadingArrived
from ward_service.domain.limits import Limits
from ward_service.domain.pathway import Guide
from ward_service.domain.state import Judged


class Known(Protocol):
    """What a reading is judged against; the state of a stay has it, and a home with a plan too."""

    @property
    def admitted_at(self) -> datetime:
        """When the stay began."""

    @property
    def zone(self) -> str:
        """Where the person lives."""

    @property
    def limits(self) -> Limits:
        """The person's own."""

    @property
    def history(self) -> tuple[Past, ...]:
        """Earlier readings that medians and changes look back on."""

    @property
    def last_rest(self) -> Past | None:
        """The latest believed reading at rest."""

    @property
    def exertion_stopped_at(self) -> datetime | None:
        """When oxygen last fell too low with exertion."""

    @property
    def age_years(self) -> int | None:
        """None: not known."""

    @property
    def pregnant(self) -> bool | None:
        """None: not known."""


def judge(reading: ReadingArrived, known: Known, now: datetime, pathway: Guide) -> Judged:
    """Judge a reading as of when it was measured, or as of receipt if that cannot be believed."""
    from_the_future = reading.measured_at > now + pathway.clock_tolerance
    long_before = reading.measured_at < known.admitted_at - pathway.before_stay
    time_doubtful = from_the_future or long_before
    judged_at = now if time_doubtful else min(reading.measured_at, now)
    facts = Facts(
        judged_at,
        known.zone,
        known.limits,
        reading.values,
        reading.context,
        reading.answers,
        known.history,
        known.last_rest,
        pathway.history_spacing,
        reading.paired_with,
        age_years=known.age_years,
        pregnant=known.pregnant,
    )
    assessment = assess(
        facts, pathway, quality=reading.quality, call_me=reading.call_me, held=reading.held
    )
    doubts = (*assessment.doubts, "time_doubtful") if time_doubtful else assessment.doubts
    late = not time_doubtful and now - reading.measured_at > pathway.late_after
    return Judged(reading, assessment, judged_at, late, time_doubtful, doubts)


def looked_back_on(
    known: Known, judged: Judged, pathway: Guide
) -> tuple[tuple[Past, ...], Past | None]:
    """Return the history and the last reading at rest, now that this one was judged.

    Only what was fully believed, at rest, is looked back on.
    """
    reading = judged.reading
    believed = judged.assessment.reassuring and not judged.time_doubtful
    if not believed or reading.context is not Context.REST:
        return known.history, known.last_rest
    past = Past(judged.judged_at, reading.reading_id, reading.values)
    return remembered(known.history, past, pathway), past


def exertion_stopped(known: Known, judged: Judged) -> datetime | None:
    """Return when oxygen last fell too low with exertion, now that this reading was judged.

    No value at rest takes that back: it is expected to recover.
    """
    before, at = known.exertion_stopped_at, judged.judged_at
    exerted = judged.reading.context is Context.EXERTION
    found = judged.assessment.concerns
    if exerted and any(f.level is Level.RED and f.vital is Vital.SPO2 for f in found):
        return at if before is None else max(before, at)
    return before
