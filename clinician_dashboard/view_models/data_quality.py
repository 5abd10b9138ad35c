"""The counts of data quality in words."""

from datetime import datetime

from clinician_dashboard.view_models.patient import DOUBTS
from clinician_dashboard.view_models.words import age
from ward_service.contract.http.readings import DataQualityView


def quality_lines(found: DataQualityView) -> list[str]:
    """Say each count in a line of its own."""
    lines = [
        f"{found.readings} readings are kept",
        f"{found.doubtful} of them are doubted in some way",
        f"{found.time_doubtful} had a time that cannot be right",
        f"{found.late} arrived late",
        f"{found.quarantined} messages could not be read, and are kept with their reason",
    ]
    if found.statuses_ignored:
        lines.append(
            f"{found.statuses_ignored} status messages were not signed by their gateway, or not "
            "understood, and were ignored"
        )
    doubts = sorted(found.doubts.items(), key=lambda item: -item[1])
    return [*lines, *(f"{_times(count)}: {DOUBTS.get(doubt, doubt)}" for doubt, count in doubts)]


def _times(count: int) -> str:
    return "once" if count == 1 else f"{count} times"


def quarantine_rows(found: DataQualityView, now: datetime) -> list[dict[str, str]]:
    """Return one line per message that could not be read, newest first."""
    return [
        {
            "last": f"{age(row.last_at, now)} ago",
            "times": str(row.times),
            "gateway": row.gateway,
            "slot": "" if row.slot is None else str(row.slot),
            "reason": row.reason,
        }
        for row in found.latest
    ]
