"""A pathway version as the rules see it. The numbers come from its file, never from here."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import time, timedelta

from ward_service.contract.languages import nearest
from ward_service.contract.vocabulary import (
    AlertClass,
    Channel,
    Context,
    Level,
    Mode,
    Source,
    Vital,
)


@dataclass(frozen=True, slots=True)
class Parameter:
    """A number that each person gets a copy of. `default` None: a lead must set it first.

    `low` and `high` bound what a person's own may be (both edges allowed). `vital` gives the unit,
    and `means` says in words what the number is.
    """

    default: float | None
    low: float
    high: float
    vital: Vital | None = None
    means: str = ""


@dataclass(frozen=True, slots=True)
class Edge:
    """A number to compare with, by the name of its parameter.

    `below_baseline`: the person's baseline less the parameter, but not below `not_below`.
    """

    parameter: str
    below_baseline: bool = False
    not_below: str | None = None


@dataclass(frozen=True, slots=True)
class BandsRule:
    """Neighbouring ranges whose inclusive upper edges are this person's numbers; the last is open.

    `digits` is the precision at which the source prints its edges.
    """

    edges: tuple[Edge, ...]
    levels: tuple[Level, ...]
    digits: int


# Which bands of a vital apply: `STANDARD`, or for SpO2 what a person's target and oxygen say.
STANDARD, BASELINE = "standard", "baseline"
ON_AIR_88_92, ON_OXYGEN_88_92 = "88_92_on_air", "88_92_on_oxygen"


@dataclass(frozen=True, slots=True)
class VitalRule:
    """What to believe of a vital (both edges believed), and how worrying each value is.

    `bands` are by their name (above); without any the vital is kept, but not judged.
    """

    believable: tuple[float, float]
    bands: Mapping[str, BandsRule]


# Facts that a finding may need. Typed, and nothing else: there is no expression to evaluate.


@dataclass(frozen=True, slots=True)
class ValueIs:
    """This reading's value of a vital, at most or at least a number (both edges belong to it)."""

    vital: Vital
    context: Context = Context.REST
    at_most: Edge | None = None
    at_least: Edge | None = None


@dataclass(frozen=True, slots=True)
class MedianIs:
    """The median of the last `readings` believed values at rest, this one included."""

    vital: Vital
    readings: int
    at_most: Edge | None = None
    at_least: Edge | None = None


@dataclass(frozen=True, slots=True)
class ChangedBy:
    """A change against the highest (fall) or lowest (rise) believed value of the last `hours`."""

    vital: Vital
    hours: float
    falls_by: Edge | None = None
    rises_by: Edge | None = None


@dataclass(frozen=True, slots=True)
class ExertionFall:
    """SpO2 after exertion lies at least so far below that of its paired reading at rest."""

    falls_by: Edge


@dataclass(frozen=True, slots=True)
class AnswerIs:
    """This reading's answer to a question is one of these codes."""

    question: str
    one_of: frozenset[str]


@dataclass(frozen=True, slots=True)
class Missed:
    """At least so many agreed readings in a row were missed. Looked at on the clock."""

    windows: int


@dataclass(frozen=True, slots=True)
class TimeOfDay:
    """The civil time at home lies between two times (`since` belongs to it; may span midnight)."""

    since: time
    until: time


Condition = ValueIs | MedianIs | ChangedBy | ExertionFall | AnswerIs | Missed | TimeOfDay


@dataclass(frozen=True, slots=True)
class FindingRule:
    """A finding that holds when all its conditions do.

    `confirm`: a repeat is asked for, as for a band. `said` is what it is called, in words.
    """

    id: str
    level: Level
    alert_class: AlertClass
    conditions: tuple[Condition, ...]
    confirm: bool
    said: str

    @property
    def windows(self) -> int:
        """How many missed windows it is looked at after; 0: it is looked at with each reading."""
        return max((c.windows for c in self.conditions if isinstance(c, Missed)), default=0)


@dataclass(frozen=True, slots=True)
class Question:
    """A question of the pathway: how worrying each answer is; None is not worrying.

    A question without `answers` takes free words, which trigger nothing. `several`: more than one
    answer may be given to it at a time.
    """

    said: str
    answers: Mapping[str, Level | None]
    several: bool = False


@dataclass(frozen=True, slots=True)
class News2Rule:
    """Whether NEWS2 is used, and what a complete score means. `reason`: why it is not."""

    used: bool
    reason: str
    totals: tuple[tuple[int, Level], ...]  # at least so many points, worst first
    single_three: Level | None


@dataclass(frozen=True, slots=True)
class Continuous:
    """How a minute of samples becomes a reading.

    `stable`: this long within `stable_spread` of each other; `held_red`: a red this long is one.
    A gap of more than `gap` ends a run.
    """

    stable: timedelta
    stable_spread: float
    held_red: timedelta
    gap: timedelta


@dataclass(frozen=True, slots=True)
class Schedule:
    """When readings are agreed, in civil time of the person's zone (`zone` unless changed).

    A good reading fills a due time from `window` before it on; the due time is missed `window`
    after it. A person is overdue `overdue_after` past a due time, but at once at the first due
    time if they never reported (promise 3).
    """

    zone: str
    times: tuple[time, ...]
    window: timedelta
    overdue_after: timedelta


@dataclass(frozen=True, slots=True)
class Missing:
    """What follows a reading that does not come, counted from its due time.

    The patient is reminded `remind_after`, each reminder worth sending for `reminder_valid`; staff
    are told after `staff_after` or so many `missed_windows` in a row, whichever comes first, and
    `first_chase_after` if the person never reported.
    """

    remind_after: tuple[timedelta, ...]
    reminder_valid: timedelta
    staff_after: timedelta
    missed_windows: int
    first_chase_after: timedelta


@dataclass(frozen=True, slots=True)
class Confirmation:
    """How a provisional alert is settled by a repeat.

    `repeat_within`: no repeat in this time confirms. `minimum_gap`: an earlier reading is still
    the same measurement. `second_red_within`: a second provisional red so soon opens at once.
    """

    repeat_within: Mapping[Level, timedelta]
    minimum_gap: timedelta
    second_red_within: timedelta


@dataclass(frozen=True, slots=True)
class SwapDoubt:
    """When two numbers look swapped: an SpO2 of this at most with a pulse of that at least."""

    spo2_at_most: float
    pulse_at_least: float


@dataclass(frozen=True, slots=True)
class Service:
    """When the team is there, in civil time of `zone`. `days` are 0 (Monday) to 6.

    `shift_changes`: when whoever owns an alert goes home. `out_of_hours` names the words that a
    patient gets while nobody is there.
    """

    zone: str
    days: frozenset[int]
    opens: time
    closes: time
    shift_changes: tuple[time, ...]
    out_of_hours: str = "out_of_hours.red"


@dataclass(frozen=True, slots=True)
class Call:
    """One call of a step: to a role, the patient or the owner, by these channels in this order.

    Without channels: by whatever was agreed with them. `text` names the words.
    """

    to: str
    by: tuple[Channel, ...]
    text: str


@dataclass(frozen=True, slots=True)
class LadderStep:
    """Whom to call `after` the ladder began. No call out of hours: it is held until opening."""

    after: timedelta
    in_hours: tuple[Call, ...]
    out_of_hours: tuple[Call, ...]


@dataclass(frozen=True, slots=True)
class Ladder:
    """Who is called in turn. The last step repeats until somebody answers.

    An acknowledgement runs out when no contact was recorded `contact_within`: the owner is then
    reminded, and `resume_after` that the ladder goes on.
    """

    steps: tuple[LadderStep, ...]
    repeat_every: timedelta
    acknowledge_within: timedelta
    contact_within: timedelta
    resume_after: timedelta


@dataclass(frozen=True, slots=True)
class Duration:
    """How long a stay is planned: `days` from `anchor`, the onset of symptoms or the admission."""

    days: int
    from_onset: bool


@dataclass(frozen=True, slots=True)
class Enrolment:
    """Who may be admitted. `requires` and `exclusions` are codes of the admission form."""

    min_age_years: int
    max_age_years: int | None
    requires: tuple[str, ...]
    exclusions: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Discharge:
    """What a discharge weighs (`criteria`) and what it may not lack (`must_have`), as codes."""

    criteria: tuple[str, ...]
    must_have: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Pathway:
    """One version of one pathway. `name` is how alerts and readings quote it: `id@version`.

    `fills` is the vital without which a reading fills no due time; without one, any answer does.
    `channels` are the ways in which readings may come. `late_after`: a reading that
    took longer to arrive is said to be late. `clock_tolerance`: a reading from further in the
    future has a doubtful time, and so has one from further than `before_stay` before the stay.
    `further_fall` names the parameter: a fall of the vital that `fills` by this much re-opens an
    acknowledged alert. `exertion_rest_min` names the parameter below which nobody is asked to
    exert themselves. `reading_rules` are looked at with each reading, `clock_rules` when readings
    are missed. `remembers` is how many earlier readings its findings look back on, and for
    how long. `stale_after`: an older number is struck through. `start_up_grace`: how long
    absence waits for the backlog after the ward was blind. `history_spacing`: readings closer
    together than this count once for medians and changes. `asks_for_call` is the level of a
    patient's wish to be called. `check_in_days` count from the anchor of `duration`, its day 0.
    `reviewed` are the languages whose texts somebody has reviewed.
    Where SpO2 is not measured there is no `swap` and no `exertion_rest_min`; where only a rise of
    what `fills` is worse, no `further_fall`.
    """

    id: str
    version: int
    title: str
    modes: tuple[Mode, ...]
    channels: tuple[Source, ...]
    enrolment: Enrolment
    parameters: Mapping[str, Parameter]
    vitals: Mapping[Vital, VitalRule]
    fills: Vital | None
    questions: Mapping[str, Question]
    asks_for_call: Level
    findings: tuple[FindingRule, ...]
    news2: News2Rule
    continuous: Continuous
    schedule: Schedule
    missing: Missing
    confirmation: Confirmation
    swap: SwapDoubt | None
    service: Service
    ladders: Mapping[Mode, Mapping[Level, Ladder]]
    check_in_days: tuple[int, ...]
    duration: Duration
    discharge: Discharge
    late_after: timedelta
    clock_tolerance: timedelta
    before_stay: timedelta
    further_fall: str | None
    exertion_rest_min: str | None
    history_spacing: timedelta
    stale_after: timedelta
    start_up_grace: timedelta
    reference_language: str
    texts: Mapping[str, Mapping[str, str]]
    reviewed: frozenset[str]
    # Worked out once, and asked for with every reading.
    name: str = field(init=False)
    remembers: tuple[int, timedelta] = field(init=False)
    reading_rules: tuple[FindingRule, ...] = field(init=False)
    clock_rules: tuple[FindingRule, ...] = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "name", f"{self.id}@{self.version}")
        object.__setattr__(self, "remembers", self._remembers())
        of_readings = tuple(rule for rule in self.findings if not rule.windows)
        object.__setattr__(self, "reading_rules", of_readings)
        object.__setattr__(self, "clock_rules", tuple(r for r in self.findings if r.windows))

    def _remembers(self) -> tuple[int, timedelta]:
        """Return how many earlier readings its findings look back on, and for how long."""
        conditions = [condition for rule in self.findings for condition in rule.conditions]
        counts = [c.readings - 1 for c in conditions if isinstance(c, MedianIs)]
        hours = [c.hours for c in conditions if isinstance(c, ChangedBy)]
        return max(counts, default=0), timedelta(hours=max(hours, default=0.0))

    def text(self, id_: str, language: str | None) -> str:
        """Return a text in a language, or in the language of reference where it has none."""
        own = self.texts.get(self.spoken(language) or self.reference_language, {})
        return own.get(id_) or self.texts[self.reference_language][id_]

    def spoken(self, language: str | None) -> str | None:
        """Return the language of the texts for who speaks a language: `en` for `en-GB`.

        None where the pathway has no texts for them.
        """
        return nearest(language, self.texts)

    def checked(self, language: str | None) -> str:
        """Return the language for words beside which no others fit.

        Theirs if somebody has reviewed it, else that of reference.
        """
        spoken = self.spoken(language)
        return spoken if spoken in self.reviewed and spoken else self.reference_language
