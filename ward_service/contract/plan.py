"""The care plan: what a home holds for one slot, to advise with no network. Nobody's name in it.

What surrounds the rules may gain fields, and an older home ignores them. The rules may not: a kind
of rule, or a field of one, that a home does not know would be judged wrongly without it, so such a
plan is refused whole, and the older one stays in force. Source: DESIGN.md sections 1 (9) and 4.
"""

from datetime import time, timedelta
from typing import Annotated, Final, Literal

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, FiniteFloat

from ward_service.contract.messages import FromWard, Name
from ward_service.contract.vocabulary import (
    AlertClass,
    Context,
    Level,
    Mode,
    Spo2Target,
    Vital,
)

MAX_PLAN: Final = 49_152  # bytes; leaves a quarter of what the wire carries for what plans gain

Code = Annotated[str, Field(pattern=r"^[a-z0-9_]+$", max_length=100)]
PathwayName = Annotated[str, Field(pattern=r"^[a-z0-9-]+@[1-9][0-9]*$", max_length=80)]


class Rule(BaseModel):
    """Something to judge by: whoever does not know all of it must not judge by it."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Edge(Rule):
    """A number to compare with, by the name of its parameter."""

    parameter: Code
    below_baseline: bool = False
    not_below: Code | None = None


class Bands(Rule):
    """Neighbouring ranges: inclusive upper edges, and one level more than edges."""

    edges: tuple[Edge, ...]
    levels: tuple[Level, ...]
    digits: int


class VitalRule(Rule):
    """What to believe of a vital, and its bands by their name; none: kept, and not judged."""

    believable: tuple[FiniteFloat, FiniteFloat]
    bands: dict[str, Bands] = {}


class ValueIs(Rule):
    """This reading's value of a vital."""

    kind: Literal["value_is"]
    vital: Vital
    context: Context
    at_most: Edge | None = None
    at_least: Edge | None = None


class MedianIs(Rule):
    """The median of the last readings at rest."""

    kind: Literal["median_is"]
    vital: Vital
    readings: int
    at_most: Edge | None = None
    at_least: Edge | None = None


class ChangedBy(Rule):
    """A change of a vital within some hours."""

    kind: Literal["changed_by"]
    vital: Vital
    hours: FiniteFloat
    falls_by: Edge | None = None
    rises_by: Edge | None = None


class ExertionFall(Rule):
    """A fall of SpO2 from the paired reading at rest."""

    kind: Literal["exertion_fall"]
    falls_by: Edge


class AnswerIs(Rule):
    """An answer to a question is one of these."""

    kind: Literal["answer_is"]
    question: Code
    one_of: tuple[Code, ...]


class Missed(Rule):
    """So many agreed readings in a row were missed: the ward's clock looks at it, no home does."""

    kind: Literal["missed"]
    windows: int


class TimeOfDay(Rule):
    """The civil time at home."""

    kind: Literal["time_of_day"]
    since: time
    until: time


Condition = Annotated[
    ValueIs | MedianIs | ChangedBy | ExertionFall | AnswerIs | Missed | TimeOfDay,
    Field(discriminator="kind"),
]


class FindingRule(Rule):
    """A finding that holds when all its conditions do."""

    id: Code
    level: Level
    alert_class: AlertClass
    conditions: tuple[Condition, ...]
    confirm: bool
    said: str


class Question(Rule):
    """A question: how worrying each answer is (None: not), in order; none: free words."""

    said: Name
    answers: dict[Code, Level | None] = {}
    several: bool = False


class News2Rule(Rule):
    """What a complete score means, worst first; `applies`: NEWS2 is made for this person."""

    applies: bool
    totals: tuple[tuple[int, Level], ...]
    single_three: Level | None = None


class Continuous(Rule):
    """How a minute of samples becomes a reading."""

    stable: timedelta
    stable_spread: FiniteFloat
    held_red: timedelta
    gap: timedelta


class SwapDoubt(Rule):
    """When SpO2 and pulse look swapped."""

    spo2_at_most: FiniteFloat
    pulse_at_least: FiniteFloat


class Confirmation(Rule):
    """When a repeat is asked for, and when it counts as one."""

    repeat_within: dict[Level, timedelta]
    minimum_gap: timedelta
    second_red_within: timedelta


class Limits(Rule):
    """This person's own numbers; `number` rises with every change."""

    number: int
    parameters: dict[Code, FiniteFloat | None]
    target: Spo2Target = Spo2Target.STANDARD
    baseline_spo2: FiniteFloat | None = None
    home_oxygen: bool | None = None


class Rules(Rule):
    """All that a reading at home is judged by."""

    limits: Limits
    vitals: dict[Vital, VitalRule]
    fills: Vital | None = None
    questions: dict[Code, Question] = {}
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


class Schedule(FromWard):
    """When readings are agreed, in civil time of the person's zone."""

    times: tuple[time, ...]
    window: timedelta
    overdue_after: timedelta


class Service(FromWard):
    """When the team is there, in civil time of its zone; days are 0 (Monday) to 6."""

    zone: Name
    days: tuple[Annotated[int, Field(ge=0, le=6)], ...]
    opens: time
    closes: time
    out_of_hours: Name


class Care(FromWard):
    """How whoever has this slot now is cared for.

    `since` is when the stay began: what was measured long before is somebody else's. A screen
    says `use`, and that no clinical lead has signed, while `signed` is false. `texts` are by
    language and name: those of the person's `language`, as far as there are any, and all of the
    `reference_language`; `reviewed` are the languages whose texts somebody has reviewed.
    `ward_number` and `interpreter` are the ward's own telephone numbers, empty where it has none.
    """

    pathway: PathwayName
    title: str
    use: Literal["demo", "shadow", "live"]
    signed: bool
    since: AwareDatetime
    mode: Mode
    zone: Name
    schedule: Schedule
    service: Service
    rules: Rules
    language: Name
    reference_language: Name
    texts: dict[Name, dict[Name, str]]
    reviewed: tuple[Name, ...] = ()
    ward_number: Annotated[str, Field(max_length=40)] = ""
    interpreter: Annotated[str, Field(max_length=40)] = ""


class Door(FromWard):
    """How a page at home recognises who may come in: a slow hash of code and year of birth.

    `id` begins the code and is no secret. `algorithm` is `scrypt`, whose parameters are n, r and
    p; `salt` and `hash` are base64.
    """

    id: Annotated[str, Field(pattern=r"^[0-9A-HJKMNP-TV-Z]{4}$")]
    who: Literal["patient", "carer"]
    algorithm: Name
    parameters: dict[str, int]
    salt: Name
    hash: Name


class Plan(FromWard):
    """What a home holds for one slot. `number` only rises; the highest is in force.

    `ended`: nobody is cared for here now, and there is no `care`. `doors` are open to a page.
    """

    number: Annotated[int, Field(ge=1)]
    ended: bool = False
    care: Care | None = None
    doors: Annotated[tuple[Door, ...], Field(max_length=16)] = ()
