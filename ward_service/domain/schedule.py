"""When a reading is due, in the person's own civil time. From the plan, never from a reading.

Source: docs/reference/clinical.md#schedule (a skipped observation must not stop later prompts).
"""

from datetime import datetime, timedelta

from ward_service.contract.plan import Schedule
from ward_service.domain.civil_time import local, moment


def next_due(after: datetime, schedule: Schedule, zone: str) -> datetime:
    """Return the first due time strictly after a moment, in UTC."""
    day = local(after, zone).date()
    while True:
        for at in schedule.times:
            due = moment(day, at, zone)
            if due > after:
                return due
        day += timedelta(days=1)


def due_between(after: datetime, until: datetime, schedule: Schedule, zone: str) -> list[datetime]:
    """Return every due time after `after` and up to `until`, in order."""
    found = []
    due = next_due(after, schedule, zone)
    while due <= until:
        found.append(due)
        due = next_due(due, schedule, zone)
    return found


def expected_next(
    since: datetime, last_good_at: datetime | None, schedule: Schedule, zone: str
) -> datetime:
    """Return the first due time after `since` that no good reading has filled yet.

    A reading fills a due time from `window` before it on, so one at 07:30 fills 09:00.
    """
    if last_good_at is None:
        return next_due(since, schedule, zone)
    return next_due(max(since, last_good_at + schedule.window), schedule, zone)


def missed_at(expected_at: datetime, windows: int, schedule: Schedule, zone: str) -> datetime:
    """Return when so many windows in a row are over, the first of them that of `expected_at`."""
    due = expected_at
    for _ in range(windows - 1):
        due = next_due(due, schedule, zone)
    return due + schedule.window


def overdue_from(expected_at: datetime, never_reported: bool, schedule: Schedule) -> datetime:
    """Return when a person becomes overdue: at once if they never reported.

    docs/understand/design.md#promise-3.
    """
    return expected_at if never_reported else expected_at + schedule.overdue_after
