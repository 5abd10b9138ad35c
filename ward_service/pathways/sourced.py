"""The words that a pathway file is written in: a number with its source, a length of time, a time.

A number without a source cannot be written: `{ is: 92, source: "CLINICAL 1.3 [V2 S5, S7, S8, S9]"
}`; docs/reference/clinical-key.md resolves it. What no source gives says `ours, unsigned`.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import time, timedelta
from typing import Annotated, Any, Final, Generic, TypeVar

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field

T = TypeVar("T")

_UNITS: Final = {"s": 1, "min": 60, "h": 3_600, "days": 86_400}
_LENGTH: Final = re.compile(r"(\d+(?:\.\d+)?) (s|min|h|days)")
_CLOCK: Final = re.compile(r"([01]\d|2[0-3]):[0-5]\d")


class Typed(BaseModel):
    """No field has a default that matters, so that a misspelt one is a missing one."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


def _some(length: timedelta) -> timedelta:
    if not length:
        raise ValueError("it must be longer than nothing")
    return length


def _length(given: Any) -> timedelta:
    found = _LENGTH.fullmatch(given) if isinstance(given, str) else None
    if found is None:
        raise ValueError("a length of time is written like 5 s, 15 min, 2 h or 14 days")
    return timedelta(seconds=float(found[1]) * _UNITS[found[2]])


def _clock(given: Any) -> time:
    if not (isinstance(given, str) and _CLOCK.fullmatch(given)):
        raise ValueError('a time of day is written in quotes, like "09:00"')
    return time.fromisoformat(given)


def _sequence(given: Any) -> Any:
    return tuple(given) if isinstance(given, list) else given


Length = Annotated[timedelta, BeforeValidator(_length)]
SomeLength = Annotated[Length, AfterValidator(_some)]
ClockTime = Annotated[time, BeforeValidator(_clock)]
Number = Annotated[float, Field(allow_inf_nan=False)]
Code = Annotated[str, Field(pattern=r"^[a-z0-9_]+$", max_length=40)]
TextId = Annotated[str, Field(pattern=r"^[a-z0-9_.]+$", max_length=80)]
Words = Annotated[str, Field(min_length=1)]
SourceWords = Annotated[str, Field(pattern=r"\S.*\S")]
Several = Annotated[tuple[T, ...], BeforeValidator(_sequence)]
AtLeastOne = Annotated[tuple[T, ...], Field(min_length=1), BeforeValidator(_sequence)]
Pair = Annotated[tuple[T, T], BeforeValidator(_sequence)]


class Sourced(Typed, Generic[T]):
    """A value and where it comes from."""

    value: T = Field(alias="is")
    source: SourceWords


@dataclass(frozen=True, slots=True)
class Said:
    """Something that a file says with its source, and the field where it says so."""

    field: str
    value: object
    source: str


def everything_sourced(part: object, field: str = "") -> Iterator[Said]:
    """Yield all that has a source, in the order of the file."""
    if isinstance(part, Sourced):
        yield Said(field, part.value, part.source)
    elif isinstance(part, BaseModel):
        source = getattr(part, "source", None)
        if isinstance(source, str):
            yield Said(field, part, source)
        for name in type(part).model_fields:
            yield from everything_sourced(getattr(part, name), f"{field}.{name}".strip("."))
    elif isinstance(part, Mapping):
        for key, value in part.items():
            yield from everything_sourced(value, f"{field}.{key}")
    elif isinstance(part, tuple):
        for n, value in enumerate(part):
            yield from everything_sourced(value, f"{field}.{n}")


def is_ours(source: str) -> bool:
    """Say whether a source admits that there is none."""
    return any(word in source.lower() for word in ("unsigned", "unsourced"))


def is_weak(source: str) -> bool:
    """Say whether part of a source is no evidence: a proposal [P], or general knowledge [G]."""
    return not is_ours(source) and ("[P]" in source or "[G]" in source)


def say_length(length: timedelta) -> str:
    """Say a length of time as a file writes it: `90 min`, `2 h`, `14 days`."""
    seconds = length.total_seconds()
    for unit in ("days", "h", "min"):
        if seconds and seconds % _UNITS[unit] == 0 and (unit != "days" or seconds > 86_400):
            return f"{seconds / _UNITS[unit]:g} {unit}"
    return f"{seconds:g} s"
