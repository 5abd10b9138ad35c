"""Ages and times as the speakers of a language write them. Pure."""

from datetime import datetime, timedelta
from typing import Final, Literal

from babel.dates import format_skeleton, format_timedelta

from device_gateway.clock_skew import CLOCK_TOLERANCE
from device_gateway.web.translations import Language

_NEVER_THE_NEXT_UNIT: Final = 1e9  # 47 hours are not "2 days": an age is never rounded up


def age_in(language: Language, age: timedelta) -> str:
    """Return an age in words, cut to whole units: no number without it.

    Far below zero: a clock was put back since.
    """
    if age < -CLOCK_TOLERANCE.value:
        return language.say("before the clock was put back")
    minutes = int(age / timedelta(minutes=1))
    if minutes < 1:
        return language.say("just now")
    if minutes < 60:
        return _ago(language, timedelta(minutes=minutes), "minute")
    if minutes < 48 * 60:
        return _ago(language, timedelta(hours=minutes // 60), "hour")
    return _ago(language, timedelta(days=minutes // (24 * 60)), "day")


def time_in(language: Language, at: datetime) -> str:
    """Return a time of day, on a clock of 24 hours."""
    return format_skeleton("Hm", at, locale=language.locale)


def day_and_time_in(language: Language, at: datetime) -> str:
    """Return a day and a time; the month is a word, so that nobody takes it for the day."""
    return f"{format_skeleton('MMMd', at, locale=language.locale)} {time_in(language, at)}"


def _ago(language: Language, age: timedelta, unit: Literal["minute", "hour", "day"]) -> str:
    return format_timedelta(
        -age,
        granularity=unit,
        threshold=_NEVER_THE_NEXT_UNIT,
        add_direction=True,
        locale=language.locale,
    )
