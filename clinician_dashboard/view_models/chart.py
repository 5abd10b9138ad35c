"""An SpO2 chart as plain values: points in runs, so that a gap stays a gap; the patient's bands."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any, Final

from ward_service.contract.api import BandView, PointView

GAP: Final = timedelta(hours=20)  # longer than the night between two agreed times
FLOOR, CEILING = 60.0, 100.0


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
    since = (now - series[-1].measured_at).total_seconds() / 3600
    return (
        f"SpO2 from {values[0]:g} % to {values[-1]:g} %, lowest {min(values):g} %, "
        f"{len(values)} points; the last was measured {since:.1f} hours ago."
    )
