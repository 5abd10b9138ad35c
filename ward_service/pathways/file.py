"""What a pathway file says, typed. Whether it makes sense is asked by `check`; `translate` goes on.

Every section refuses what it does not know. A number is a `Sourced` value, or stands in a mapping
with a `source` of its own.
"""

from collections.abc import Iterator
from datetime import date, timedelta
from itertools import pairwise
from typing import Annotated, Literal, Self
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import AfterValidator, BeforeValidator, Field, model_validator

from ward_service.contract.vocabulary import (
    AlertClass,
    Channel,
    Context,
    Level,
    Mode,
    Source,
    Vital,
)
from ward_service.pathways.sourced import (
    AtLeastOne,
    ClockTime,
    Code,
    Length,
    Number,
    Pair,
    Several,
    SomeLength,
    Sourced,
    SourceWords,
    TextId,
    Typed,
    Words,
)

CLINICAL = frozenset({Level.GREEN, Level.AMBER, Level.RED})


def _a_clinical_level(level: Level) -> Level:
    if level not in CLINICAL:
        raise ValueError("a level is green, amber or red")
    return level


def _a_zone(name: str) -> str:
    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError) as error:
        raise ValueError(f"there is no time zone {name}") from error
    return name


def _no_less_than_zero(number: Sourced[float]) -> Sourced[float]:
    if number.value < 0:
        raise ValueError("a step is written without a sign")
    return number


# Words of the contract are written as they are there.
ClinicalLevel = Annotated[Level, Field(strict=False), AfterValidator(_a_clinical_level)]
AVital = Annotated[Vital, Field(strict=False)]
AMode = Annotated[Mode, Field(strict=False)]
AClass = Annotated[AlertClass, Field(strict=False)]
AContext = Annotated[Context, Field(strict=False)]
AChannel = Annotated[Channel, Field(strict=False)]
AWay = Annotated[Source, Field(strict=False)]
ADay = Annotated[date, Field(strict=False)]
SourceCode = Annotated[str, Field(pattern=r"^\w+$")]
Zone = Annotated[str, AfterValidator(_a_zone)]
# BCP 47, as in `cy`, `pt-BR` or `en-x-easy`.
Tag = Annotated[str, Field(pattern=r"^[a-z]{2,3}(-[A-Za-z0-9]{1,8})*$", max_length=20)]
Whole = Annotated[int, Field(ge=0)]
Positive = Annotated[int, Field(ge=1)]
WEEK = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
Weekday = Literal["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"]


class Owner(Typed):
    """Who answers for the pathway. Both null while nobody does: it cannot be signed then."""

    name: Words | None
    role: Words | None


class EnrolmentFile(Typed):
    """Who may be admitted; codes of the admission form."""

    min_age_years: Sourced[Whole]
    max_age_years: Sourced[Whole] | None
    requires: Sourced[Several[Code]]
    exclusions: Sourced[Several[Code]]


class ParameterFile(Typed):
    """A number that each person gets a copy of. A default of null must be set before signing."""

    means: Words
    vital: AVital
    default: Sourced[Number | None]
    bounds: Sourced[Pair[Number]]

    @model_validator(mode="after")
    def _in_bounds(self) -> Self:
        low, high = self.bounds.value
        if low >= high:
            raise ValueError("bounds: the lower must be below the upper")
        if self.default.value is not None and not low <= self.default.value <= high:
            raise ValueError(f"default: {self.default.value:g} lies outside the bounds")
        return self


class BelowBaseline(Typed):
    """The person's usual value less a parameter, and not below another (null: no floor)."""

    below_baseline: Code
    not_below: Code | None


EdgeFile = Code | BelowBaseline


class BandFile(Typed):
    """One band: `up_to` its upper edge, which belongs to it; the last is what lies `above`."""

    up_to: EdgeFile | None = None
    above: Literal[True] | None = None
    level: ClinicalLevel

    @model_validator(mode="after")
    def _one_edge(self) -> Self:
        if (self.up_to is None) == (self.above is None):
            raise ValueError("a band has either up_to, or above: true")
        return self


def _last_is_open(bands: tuple[BandFile, ...]) -> tuple[BandFile, ...]:
    if [band.above for band in bands] != [None] * (len(bands) - 1) + [True]:
        raise ValueError("the last band, and no other, says above: true")
    return bands


BandsFile = Annotated[Several[BandFile], AfterValidator(_last_is_open)]
BandsName = Literal["standard", "baseline", "88_92_on_air", "88_92_on_oxygen"]


class VitalFile(Typed):
    """A vital: what to believe, how it is printed, its bands (none: kept, but not judged)."""

    believable: Sourced[Pair[Number]]
    digits: Sourced[Annotated[int, Field(ge=0, le=3)]]
    bands: dict[BandsName, BandsFile]

    @model_validator(mode="after")
    def _rises(self) -> Self:
        if self.believable.value[0] >= self.believable.value[1]:
            raise ValueError("believable: the lower edge must be below the upper")
        return self


class QuestionFile(Typed):
    """A question: choose `one` answer, `several`, or write `words`, which trigger nothing."""

    said: TextId
    choose: Literal["one", "several", "words"]
    answers: Sourced[dict[Code, ClinicalLevel | None]] | None

    @model_validator(mode="after")
    def _answerable(self) -> Self:
        if (self.choose == "words") != (self.answers is None):
            raise ValueError("answers: null where words are written, and nowhere else")
        return self


class ValueIsFile(Typed):
    """This reading's value of a vital, at most or at least an edge; both edges belong to it."""

    vital: AVital
    context: AContext
    at_most: EdgeFile | None = None
    at_least: EdgeFile | None = None

    @model_validator(mode="after")
    def _an_edge(self) -> Self:
        if self.at_most is None and self.at_least is None:
            raise ValueError("say at_most, at_least, or both")
        return self


class MedianIsFile(Typed):
    """The median of the last readings at rest, this one included."""

    vital: AVital
    readings: Sourced[Annotated[int, Field(ge=2, le=50)]]
    at_most: EdgeFile | None = None
    at_least: EdgeFile | None = None

    @model_validator(mode="after")
    def _an_edge(self) -> Self:
        if self.at_most is None and self.at_least is None:
            raise ValueError("say at_most, at_least, or both")
        return self


class ChangedByFile(Typed):
    """A change of a vital over so long a time."""

    vital: AVital
    within: Sourced[SomeLength]
    falls_by: Code | None = None
    rises_by: Code | None = None

    @model_validator(mode="after")
    def _one_way(self) -> Self:
        if (self.falls_by is None) == (self.rises_by is None):
            raise ValueError("say falls_by or rises_by")
        return self


class ExertionFallFile(Typed):
    """SpO2 after exertion below its paired reading at rest."""

    falls_by: Code


class AnswerIsFile(Typed):
    """This reading's answer to a question is one of these codes."""

    question: Code
    one_of: AtLeastOne[Code]


class MissedFile(Typed):
    """So many agreed readings in a row were missed."""

    windows: Sourced[Positive]


class TimeOfDayFile(Typed):
    """The civil time at home lies between two times; may span midnight."""

    since: ClockTime
    until: ClockTime
    source: SourceWords


class ConditionFile(Typed):
    """One fact. Exactly one of its names is written."""

    value_is: ValueIsFile | None = None
    median_is: MedianIsFile | None = None
    changed_by: ChangedByFile | None = None
    exertion_fall: ExertionFallFile | None = None
    answer_is: AnswerIsFile | None = None
    missed: MissedFile | None = None
    time_of_day: TimeOfDayFile | None = None

    @model_validator(mode="after")
    def _one(self) -> Self:
        if len(self.model_fields_set) != 1 or self.fact is None:
            raise ValueError(f"a condition is one of {', '.join(type(self).model_fields)}")
        return self

    @property
    def fact(self) -> "Fact | None":
        """The one that is written."""
        facts: Iterator[Fact | None] = (getattr(self, name) for name in self.model_fields_set)
        return next(facts, None)


Fact = (
    ValueIsFile
    | MedianIsFile
    | ChangedByFile
    | ExertionFallFile
    | AnswerIsFile
    | MissedFile
    | TimeOfDayFile
)


class FindingFile(Typed):
    """A finding that holds when all its conditions do. `source` is that of its level."""

    said: Words
    level: ClinicalLevel
    alert_class: AClass
    confirm: bool
    source: SourceWords
    all_of: AtLeastOne[ConditionFile]


class TotalFile(Typed):
    """So many NEWS2 points, and what they mean."""

    at_least: Annotated[int, Field(ge=1, le=20)]
    level: ClinicalLevel
    source: SourceWords


class News2File(Typed):
    """Whether NEWS2 is used, why (not), and what a complete score means, worst first."""

    used: bool
    reason: Words
    totals: Several[TotalFile]
    single_three: Sourced[ClinicalLevel | None]

    @model_validator(mode="after")
    def _falls(self) -> Self:
        if any(one.at_least <= other.at_least for one, other in pairwise(self.totals)):
            raise ValueError("totals: the most points come first")
        if self.used != bool(self.totals):
            raise ValueError("totals: they are given where NEWS2 is used, and nowhere else")
        return self


class ContinuousFile(Typed):
    """How a minute of samples becomes a reading."""

    stable: Sourced[SomeLength]
    stable_spread: Annotated[Sourced[Number], AfterValidator(_no_less_than_zero)]
    held_red: Sourced[SomeLength]
    gap: Sourced[SomeLength]


def _rising(times: Sourced[tuple[object, ...]]) -> Sourced[tuple[object, ...]]:
    if any(not one < other for one, other in pairwise(times.value)):  # type: ignore[operator]
        raise ValueError("they must rise")
    return times


class ScheduleFile(Typed):
    """When readings are agreed, in civil time."""

    zone: Zone
    times: Annotated[Sourced[AtLeastOne[ClockTime]], AfterValidator(_rising)]
    window: Sourced[SomeLength]
    overdue_after: Sourced[SomeLength]


class MissingFile(Typed):
    """What follows a reading that does not come, from its due time."""

    remind_after: Annotated[Sourced[Several[SomeLength]], AfterValidator(_rising)]
    reminder_valid: Sourced[SomeLength]
    staff_after: Sourced[SomeLength]
    missed_windows: Sourced[Positive]
    first_chase_after: Sourced[SomeLength]


class RepeatWithin(Typed):
    """How long a repeat may take, by the level that asks for it."""

    red: Sourced[SomeLength]
    amber: Sourced[SomeLength]


class ConfirmationFile(Typed):
    """How a provisional alert is settled. No repeat in time confirms: nothing else may be said."""

    repeat_within: RepeatWithin
    on_timeout: Literal["confirm"]
    minimum_gap: Sourced[Length]
    second_red_within: Sourced[Length]


class SwapFile(Typed):
    """When SpO2 and pulse look swapped."""

    spo2_at_most: Sourced[Number]
    pulse_at_least: Sourced[Number]


class ServiceFile(Typed):
    """When the team is there, in civil time."""

    zone: Zone
    days: Sourced[AtLeastOne[Weekday]]
    opens: Sourced[ClockTime]
    closes: Sourced[ClockTime]
    shift_changes: Annotated[Sourced[Several[ClockTime]], AfterValidator(_rising)]
    out_of_hours: TextId

    @model_validator(mode="after")
    def _opens_first(self) -> Self:
        if self.opens.value >= self.closes.value:
            raise ValueError("closes: the team closes after it opens, on the same day")
        return self


def _agreed(given: object) -> object:
    return () if given == "agreed" else given


class CallFile(Typed):
    """Whom to call, by which channels in turn (`agreed`: as was agreed with them), which words."""

    to: Code
    by: Annotated[Several[AChannel], BeforeValidator(_agreed)]
    text: TextId


class StepFile(Typed):
    """Whom to call after so long; out of hours others, or `hold` until opening."""

    after: Sourced[Length]
    in_hours: AtLeastOne[CallFile]
    out_of_hours: AtLeastOne[CallFile] | Literal["hold"]


class LadderFile(Typed):
    """Who is called in turn; the last step repeats until somebody answers."""

    steps: AtLeastOne[StepFile]
    repeat_every: Sourced[SomeLength]
    acknowledge_within: Sourced[SomeLength]
    contact_within: Sourced[SomeLength]
    resume_after: Sourced[SomeLength]

    @model_validator(mode="after")
    def _in_turn(self) -> Self:
        if any(one.after.value >= other.after.value for one, other in pairwise(self.steps)):
            raise ValueError("steps: each comes after the one before it")
        return self


class LaddersFile(Typed):
    """One ladder for each level of an alert."""

    red: LadderFile
    amber: LadderFile
    overdue: LadderFile
    technical: LadderFile


class DurationFile(Typed):
    """How long a stay is planned, and from when."""

    length: Sourced[SomeLength]
    anchor: Sourced[Literal["onset", "admission"]]

    @model_validator(mode="after")
    def _whole_days(self) -> Self:
        if self.length.value % timedelta(days=1):
            raise ValueError("length: it is written in whole days")
        return self


class DischargeFile(Typed):
    """What a discharge weighs, and what it may not lack, as codes."""

    criteria: Sourced[AtLeastOne[Code]]
    must_have: Sourced[AtLeastOne[Code]]


class LanguageFile(Typed):
    """A language of the texts: how its speakers write its name, and who stands for its words.

    `reviewer` null: nobody has reviewed them, and they are shown with those of reference beside
    them.
    """

    name: Words
    right_to_left: bool
    translator: Words
    reviewer: Words | None
    date: ADay


class Written(Typed):
    """A whole pathway file."""

    id: Annotated[str, Field(pattern=r"^[a-z0-9-]+$", max_length=60)]
    version: Annotated[int, Field(ge=1)]
    title: Words
    owner: Owner
    effective_from: ADay | None
    supersedes: Positive | None
    change_note: Words
    sources: dict[SourceCode, Words]
    enrolment: EnrolmentFile
    modes: AtLeastOne[AMode]
    channels: AtLeastOne[AWay]
    fills: AVital | None
    parameters: dict[Code, ParameterFile]
    vitals: dict[AVital, VitalFile]
    questions: dict[Code, QuestionFile]
    asks_for_call: Sourced[ClinicalLevel]
    findings: dict[Code, FindingFile]
    news2: News2File
    continuous: ContinuousFile
    schedule: ScheduleFile
    missing: MissingFile
    confirmation: ConfirmationFile
    swap: SwapFile | None
    further_fall: Code | None
    exertion_rest_min: Code | None
    history_spacing: Sourced[Length]
    late_after: Sourced[SomeLength]
    clock_tolerance: Sourced[Length]
    before_stay: Sourced[Length]
    stale_after: Sourced[SomeLength]
    start_up_grace: Sourced[Length]
    service: ServiceFile
    roles: dict[Code, Words]
    ladders: dict[AMode, LaddersFile]
    check_in_days: Annotated[Sourced[Several[Whole]], AfterValidator(_rising)]
    duration: DurationFile
    discharge: DischargeFile
    reference_language: Tag
    languages: dict[Tag, LanguageFile]
    texts: dict[Tag, dict[TextId, Words]]
