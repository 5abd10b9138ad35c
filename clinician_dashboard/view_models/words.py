"""Ages, moments and names in words.

A number is never said without its age (docs/understand/design.md#promise-8).
"""

from datetime import datetime, timedelta
from typing import Final
from zoneinfo import ZoneInfo

from ward_service.contract.vocabulary import Level

ZONE: Final = ZoneInfo("Europe/London")  # the ward's wall clock

# Shape and word carry the level; colour only repeats them.
SHAPES: Final = {
    Level.RED: "■",
    Level.AMBER: "▲",
    Level.GREEN: "●",
    Level.OVERDUE: "◌",
    Level.TECHNICAL: "⚙",
}


def age(since: datetime, now: datetime) -> str:
    """Say how long ago something was: `now`, `5 min`, `3 h 10 min`, `2 d 4 h`."""
    seconds = (now - since).total_seconds()
    if seconds < -60:
        return "in the future"
    minutes = max(0, int(seconds // 60))
    if minutes == 0:
        return "now"
    if minutes < 60:
        return f"{minutes} min"
    hours, rest = divmod(minutes, 60)
    if hours < 24:
        return f"{hours} h {rest} min" if rest else f"{hours} h"
    days, hours = divmod(hours, 24)
    return f"{days} d {hours} h" if hours else f"{days} d"


def ago(since: datetime, now: datetime) -> str:
    """Say how long ago something was, as the end of a sentence: `5 min ago`, `just now`."""
    said = age(since, now)
    return "just now" if said == "now" else f"{said} ago"


def clock_time(moment: datetime, now: datetime) -> str:
    """Say a moment as the clock on the wall does, with its day if that is not today."""
    local, today = moment.astimezone(ZONE), now.astimezone(ZONE).date()
    if local.date() == today:
        return f"{local:%H:%M}"
    if local.date() == today - timedelta(days=1):
        return f"yesterday {local:%H:%M}"
    if local.date() == today + timedelta(days=1):
        return f"tomorrow {local:%H:%M}"
    return f"{local:%d %b %H:%M}"


def nhs_number(digits: str) -> str:
    """Write an NHS number 3-3-4 with spaces that do not break (NHS CUI)."""
    return "\N{NO-BREAK SPACE}".join((digits[:3], digits[3:6], digits[6:]))


def patient_name(family_name: str, given_name: str) -> str:
    """Write a name as the NHS does: SURNAME, Forename."""
    return f"{family_name.upper()}, {given_name}"


def plain(words: str) -> str:
    """Return words that show themselves where markup is read: a name is hostile input."""
    return "".join(f"\\{c}" if c in "\\`*_[]<>#|~:$&" else c for c in words)
