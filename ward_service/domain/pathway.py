"""A pathway version as the rules see it. The numbers come from its file, never from here."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import time, timedelta

from ward_service.contract.languages import nearest
from ward_service.contract.plan import Schedule, Service
from ward_service.contract.rules import ChangedBy, FindingRule, MedianIs, Rules
from ward_service.contract.vocabulary import (
    Channel,
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


# Which bands of a vital apply: `STANDARD`, or for SpO2 what a person's target and oxygen say.
STANDARD, BASELINE = "standard", "baseline"
ON_AIR_88_92, ON_OXYGEN_88_92 = "88_92_on_air", "88_92_on_oxygen"


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


@dataclass(frozen=True, kw_only=True)
class Guide(Rules):
    """What judges and advises, at the ward and at home: the rules, the hours and the words.

    `name` is how alerts and readings quote it: `id@version`. `reading_rules` are looked at with
    each reading, `clock_rules` when readings are missed. `zone` is that of the schedule: at home
    the person's, at the ward the one of who has no other. `remembers` is how many earlier readings
    its findings look back on, and for how long. `reviewed` are the languages whose texts a named
    person has reviewed.
    """

    id: str
    version: int
    title: str
    zone: str
    schedule: Schedule
    service: Service
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


@dataclass(frozen=True, kw_only=True)
class Pathway(Guide):
    """One version of one pathway: what judges and advises, and what only the ward does with it.

    `channels` are the ways in which readings may come. `further_fall` names the parameter: a fall
    of the vital that `fills` by this much re-opens an acknowledged alert; None where only a rise
    is worse. `shift_changes`: when the owner of an alert goes home, in the zone of the service.
    `check_in_days` count from the anchor of `duration`, its day 0. `start_up_grace`: how
    long absence waits for the backlog after the ward was blind.
    """

    modes: tuple[Mode, ...]
    channels: tuple[Source, ...]
    enrolment: Enrolment
    parameters: Mapping[str, Parameter]
    missing: Missing
    shift_changes: tuple[time, ...]
    ladders: Mapping[Mode, Mapping[Level, Ladder]]
    check_in_days: tuple[int, ...]
    duration: Duration
    discharge: Discharge
    further_fall: str | None
    start_up_grace: timedelta
