"""When a reading is due, in the pathway's own civil time. From the plan, never from a reading.

Source: CLINICAL.md 1.7 (a skipped observation must not stop later prompts).
"""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from ward_service.domain.pathway import Schedule


def next_due(after: datetime, schedule: Schedule) -> datetime:
    """Return the first due time strictly after a moment, in UTC.

    A civil time that the clocks skip in spring is due as much later; one that comes twice in
    autumn is due the first time.
    """
    zone = ZoneInfo(schedule.zone)
    day = after.astimezone(zone).date() - timedelta(days=1)
    while True:
        for at in schedule.times:
            # Back to UTC before comparing: local days can be 23 or 25 hours long.
            due = datetime.combine(day, at, tzinfo=zone).astimezone(UTC)
            if due > after:
                return due
        day += timedelta(days=1)


def due_between(after: datetime, until: datetime, schedule: Schedule) -> list[datetime]:
    """Return every due time after `after` and up to `until`, in order."""
    found = []
    due = next_due(after, schedule)
    while due <= until:
        found.append(due)
        due = next_due(due, schedule)
    return found


def expected_next(
    admitted_at: datetime, last_good_at: datetime | None, schedule: Schedule
) -> datetime:
    """Return the first due time that no good reading has filled yet.

    A reading fills a due time from `window` before it on, so one at 07:30 fills 09:00.
    """
    if last_good_at is None:
        return next_due(admitted_at, schedule)
    return next_due(max(admitted_at, last_good_at + schedule.window), schedule)


def overdue_from(expected_at: datetime, never_reported: bool, schedule: Schedule) -> datetime:
    """Return when a person becomes overdue: at once if they never reported (promise 3)."""
    return expected_at if never_reported else expected_at + schedule.overdue_after
