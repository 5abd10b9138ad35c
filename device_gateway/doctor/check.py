"""One check of the doctor: what was looked at, what it found, and what to do."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum


class Verdict(StrEnum):
    """What a check found. `MIND`: it works, and a person should know."""

    FINE = "fine"
    MIND = "mind"
    BAD = "NOT WELL"


@dataclass(frozen=True, slots=True)
class Check:
    """What was looked at, what was found, and what to do (empty: nothing)."""

    what: str
    verdict: Verdict
    words: str
    todo: str = ""


def parse_moment(text: str | None) -> datetime | None:
    """Return a moment that the spool holds as text; None stays None."""
    return None if text is None else datetime.fromisoformat(text)


def format_megabytes(size: int) -> str:
    """Say a size in bytes as whole megabytes."""
    return f"{size / 1e6:,.0f} MB"


def format_age(span: timedelta) -> str:
    """Say a span in minutes, from two hours on in hours, from two days on in days."""
    minutes = int(span.total_seconds() // 60)
    if minutes < 120:
        return f"{minutes} min"
    return f"{minutes // 60} h" if minutes < 48 * 60 else f"{minutes // (24 * 60)} days"
