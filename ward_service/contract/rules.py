"""What judges a reading: written once, used by the ward and by every home, sent in a plan as it is.

A program that does not know all of a rule must not judge by it: a field or a kind that it does not
know is refused with the whole plan. A new part of a rule is optional and left out on the wire where
it is not used, so that plans of today stay the same bytes and old homes go on.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import time, timedelta
from typing import Annotated, Any, Final, Literal

from pydantic import ConfigDict, Field, FiniteFloat

from ward_service.contract.messages import Name
from ward_service.contract.vocabulary import AlertClass, Context, Level, Vital

STRICT: Final = ConfigDict(extra="forbid")
Code = Annotated[str, Field(pattern=r"^[a-z0-9_]+$", max_length=100)]
_NOTHING: Final[dict[str, Any]] = {"default": {}}  # the schema says so of an empty mapping


@dataclass(frozen=True, slots=True)
class Edge:
    """A number to compare with, by the name of its parameter.

    `below_baseline`: the person's baseline less the parameter, but not below `not_below`.
    """

    __pydantic_config__ = STRICT

    parameter: Code
    below_baseline: bool = False
    not_below: Code | None = None


@dataclass(frozen=True, slots=True)
class BandsRule:
    """Neighbouring ranges whose inclusive upper edges are this person's numbers; the last is open.

    There is one level more than edges. `digits` is the precision at which the source prints them.
    """

    __pydantic_config__ = STRICT

    edges: tuple[Edge, ...]
    levels: tuple[Level, ...]
    digits: int


@dataclass(frozen=True, slots=True)
class VitalRule:
    """What to believe of a vital (both edges believed), and how worrying each value is.

    `bands` are by their name (`domain/pathway.py`); without any the vital is kept, but not judged.
    """

    __pydantic_config__ = STRICT

    believable: tuple[FiniteFloat, FiniteFloat]
    bands: Annotated[Mapping[str, BandsRule], Field(json_schema_extra=_NOTHING)] = field(
        default_factory=dict
    )


# Facts that a finding may need. Typed, and nothing else: there is no expression to evaluate.
# `kind` tells them apart on the wire.


@dataclass(frozen=True, slots=True)
class ValueIs:
    """This reading's value of a vital, at most or at least a number (both edges belong to it)."""

    __pydantic_config__ = STRICT

    kind: Literal["value_is"] = field(kw_only=True)
    vital: Vital
    context: Context
    at_most: Edge | None = None
    at_least: Edge | None = None


@dataclass(frozen=True, slots=True)
class MedianIs:
    """The median of the last `readings` believed values at rest, this one included."""

    __pydantic_config__ = STRICT

    kind: Literal["median_is"] = field(kw_only=True)
    vital: Vital
    readings: int
    at_most: Edge | None = None
    at_least: Edge | None = None


@dataclass(frozen=True, slots=True)
class ChangedBy:
    """A change against the highest (fall) or lowest (rise) believed value of the last `hours`."""

    __pydantic_config__ = STRICT

    kind: Literal["changed_by"] = field(kw_only=True)
    vital: Vital
    hours: FiniteFloat
    falls_by: Edge | None = None
    rises_by: Edge | None = None


@dataclass(frozen=True, slots=True)
class ExertionFall:
    """SpO2 after exertion lies at least so far below that of its paired reading at rest."""

    __pydantic_config__ = STRICT

    kind: Literal["exertion_fall"] = field(kw_only=True)
    falls_by: Edge


@dataclass(frozen=True, slots=True)
class AnswerIs:
    """This reading's answer to a question is one of these codes, which are sorted."""

    __pydantic_config__ = STRICT

    kind: Literal["answer_is"] = field(kw_only=True)
    question: Code
    one_of: tuple[Code, ...]


@dataclass(frozen=True, slots=True)
class Missed:
    """At least so many agreed readings in a row were missed: the ward's clock looks at it."""

    __pydantic_config__ = STRICT

    kind: Literal["missed"] = field(kw_only=True)
    windows: int


@dataclass(frozen=True, slots=True)
class TimeOfDay:
    """The civil time at home lies between two times (`since` belongs to it; may span midnight)."""

    __pydantic_config__ = STRICT

    kind: Literal["time_of_day"] = field(kw_only=True)
    since: time
    until: time


Condition = ValueIs | MedianIs | ChangedBy | ExertionFall | AnswerIs | Missed | TimeOfDay


@dataclass(frozen=True, slots=True)
class FindingRule:
    """A finding that holds when all its conditions do.

    `confirm`: a repeat is asked for, as for a band. `said` is what it is called, in words.
    """

    __pydantic_config__ = STRICT

    id: Code
    level: Level
    alert_class: AlertClass
    conditions: tuple[Annotated[Condition, Field(discriminator="kind")], ...]
    confirm: bool
    said: str

    @property
    def windows(self) -> int:
        """How many missed windows it is looked at after; 0: it is looked at with each reading."""
        return max((c.windows for c in self.conditions if isinstance(c, Missed)), default=0)


@dataclass(frozen=True, slots=True)
class Question:
    """A question: how worrying each answer is, in order; None is not worrying.

    A question without `answers` takes free words, which trigger nothing. `several`: more than one
    answer may be given to it at a time.
    """

    __pydantic_config__ = STRICT

    said: Name
    answers: Annotated[Mapping[Code, Level | None], Field(json_schema_extra=_NOTHING)] = field(
        default_factory=dict
    )
    several: bool = False


@dataclass(frozen=True, slots=True)
class News2Rule:
    """What a complete score means: at least so many points, worst first.

    `applies`: NEWS2 is made for this person. A pathway itself does not know, and says yes.
    """

    __pydantic_config__ = STRICT

    applies: bool
    totals: tuple[tuple[int, Level], ...]
    single_three: Level | None = None


@dataclass(frozen=True, slots=True)
class Continuous:
    """How a minute of samples becomes a reading.

    `stable`: this long within `stable_spread` of each other; `held_red`: a red this long is one.
    A gap of more than `gap` ends a run.
    """

    __pydantic_config__ = STRICT

    stable: timedelta
    stable_spread: FiniteFloat
    held_red: timedelta
    gap: timedelta


@dataclass(frozen=True, slots=True)
class SwapDoubt:
    """When two numbers look swapped: an SpO2 of this at most with a pulse of that at least."""

    __pydantic_config__ = STRICT

    spo2_at_most: FiniteFloat
    pulse_at_least: FiniteFloat


@dataclass(frozen=True, slots=True)
class Confirmation:
    """How a provisional alert is settled by a repeat.

    `repeat_within`: no repeat in this time confirms. `minimum_gap`: an earlier reading is still
    the same measurement. `second_red_within`: a second provisional red so soon opens at once.
    """

    __pydantic_config__ = STRICT

    repeat_within: Mapping[Level, timedelta]
    minimum_gap: timedelta
    second_red_within: timedelta


@dataclass(frozen=True, kw_only=True)
class Rules:
    """All that a reading is judged by, at the ward and at home.

    `fills` is the vital without which a reading fills no due time; without one, any answer does.
    `asks_for_call` is the level of a patient's wish to be called. `news2` None: it is not used.
    `exertion_rest_min` names the parameter below which no one is asked to exert themselves; where
    SpO2 is not measured there is neither it nor `swap`. `late_after`: a reading that took longer
    to arrive is late. `clock_tolerance`: a reading from further in the future has a doubtful time,
    and so has one from further than `before_stay` before the stay. `history_spacing`: readings
    closer together than this count once for medians and changes. `stale_after`: an older number
    is struck through.
    """

    __pydantic_config__ = STRICT

    vitals: Mapping[Vital, VitalRule]
    fills: Vital | None = None
    questions: Annotated[Mapping[Code, Question], Field(json_schema_extra=_NOTHING)] = field(
        default_factory=dict
    )
    asks_for_call: Level
    findings: tuple[FindingRule, ...] = ()
    news2: News2Rule | None = None
    continuous: Continuous
    confirmation: Confirmation
    swap: SwapDoubt | None = None
    exertion_rest_min: Code | None = None
    late_after: timedelta
    clock_tolerance: timedelta
    before_stay: timedelta
    history_spacing: timedelta
    stale_after: timedelta
