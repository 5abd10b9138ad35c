"""An SpO2 chart as plain values: points in runs, so that a gap stays a gap; the patient's bands."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any, Final

from clinician_dashboard.view_models.words import age
from ward_service.contract.http.board import BandView, PointView

GAP: Final = timedelta(hours=20)  # longer than the night between two agreed times
FLOOR, CEILING = 60.0, 100.0
# By the 24-hour clock, as everywhere else: the axis's own says 12:43 at a quarter to one at night.
CLOCK: Final = {
    "date": "%d %b",
    "day": "%d %b",
    "hours": "%H:%M",
    "minutes": "%H:%M",
    "seconds": "%H:%M:%S",
}


def points(series: Sequence[PointView]) -> list[dict[str, Any]]:
    """Return points with the run that each belongs to."""
    found: list[dict[str, Any]] = []
    run, before = 0, None
    for point in series:
        if before is not None and point.measured_at - before > GAP:
            run += 1
        before = point.measured_at
        found.append(
            {
                "at": point.measured_at.isoformat(),
                "spo2": point.value,
                "run": run,
                "doubtful": point.doubtful,
            }
        )
    return found


def bands(edges: Sequence[BandView]) -> list[dict[str, Any]]:
    """Return the bands from floor to ceiling of the chart."""
    return [
        {
            "low": max(FLOOR, edge.low - 1 if edge.low is not None else FLOOR),
            "high": min(CEILING, edge.high if edge.high is not None else CEILING),
            "level": str(edge.level),
        }
        for edge in edges
    ]


def words(series: Sequence[PointView], now: datetime) -> str:
    """Say the chart for who cannot see it."""
    if not series:
        return "No SpO2 was measured yet."
    values = [point.value for point in series]
    doubtful = sum(point.doubtful for point in series)
    hollow = f" Hollow: {doubtful} doubtful." if doubtful else ""
    return (
        f"SpO2 from {values[0]:g} % to {values[-1]:g} %, lowest {min(values):g} %, "
        f"{len(values)} points; age of the last: {age(series[-1].measured_at, now)}.{hollow}"
    )
