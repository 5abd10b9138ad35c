"""Civil time into moments: "08:00 every morning" lives with its zone, and becomes UTC here."""

from collections.abc import Sequence
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

from ward_service.contract.plan import Service


@lru_cache(maxsize=65_536)
def moment(day: date, at: time, zone: str) -> datetime:
    """Return the moment of a civil time, in UTC.

    A civil time that the clocks skip in spring is as much later; one that comes twice in autumn
    is the first.
    """
    return datetime.combine(day, at, tzinfo=ZoneInfo(zone)).astimezone(UTC)


def local(at: datetime, zone: str) -> datetime:
    """Return a moment as the clock on the wall shows it in a zone."""
    return at.astimezone(ZoneInfo(zone))


def in_service(at: datetime, service: Service) -> bool:
    """Say whether the team is there: from opening (included) to closing (not)."""
    here = local(at, service.zone)
    return here.weekday() in service.days and service.opens <= here.time() < service.closes


def next_opening(at: datetime, service: Service) -> datetime:
    """Return the first moment from `at` on (included) at which the team is there."""
    if in_service(at, service):
        return at
    day = local(at, service.zone).date()
    while True:
        opens = moment(day, service.opens, service.zone)
        if opens >= at and day.weekday() in service.days:
            return opens
        day += timedelta(days=1)


def next_shift_change(after: datetime, shift_changes: Sequence[time], zone: str) -> datetime:
    """Return the first change of shift strictly after a moment."""
    day = local(after, zone).date()
    while True:
        for at in shift_changes:
            change = moment(day, at, zone)
            if change > after:
                return change
        day += timedelta(days=1)
