"""What the rules remember of one stay, and one step under way."""

from dataclasses import dataclass, field
from datetime import date, datetime
from uuid import UUID

from ward_service.contract.vocabulary import (
    AlertClass,
    Channel,
    EndReason,
    Level,
    Mode,
    PauseReason,
    TaskKind,
    Vital,
)
from ward_service.domain.alerts import AlertInPlay
from ward_service.domain.assess import Assessment
from ward_service.domain.history import Past
from ward_service.domain.inputs import ReadingArrived
from ward_service.domain.limits import Limits
from ward_service.domain.replace import replace


@dataclass(frozen=True, slots=True)
class Pause:
    """A stretch in which nothing is expected. `until` moves to the moment when it was ended."""

    since: datetime
    until: datetime
    reason: PauseReason


@dataclass(frozen=True)  # without slots: see changed.py
class EpisodeState:
    """What the rules remember of one stay.

    `anchor_on` is day 0 of its plan, in the ward's civil time. `last_good_at` is the latest
    `measured_at` of a fully believed reading, `expected_at` the first due time that none has
    filled. `chased_at` is the due time about which the patient is reminded next, for the
    `reminded`-th time. `told_since` is the silence about which staff were told. `in_range_at` is
    the latest believable reading in range, and `cleared` when each question was last answered in
    a believable reading that had nothing against it. `history` and `last_rest` are what findings
    of several facts look back on. `last_level` is the level of the latest judged reading, measured
    at `last_level_at`. `withdrawn_red_at` is when a provisional red was last withdrawn.
    `in_range` and `withdrawn_reds` say the same of each vital; a state of an older program has
    neither, and nothing is then taken to be better. `not_judged_at` is when the latest reading was
    measured that could not be judged, `exertion_stopped_at` when SpO2 was red after exertion.
    `paused_until` is when the pause under way ends by itself; `pauses` are all there were.
    `check_ins` counts the check-in calls that have fallen due, `opened` alerts ever. `next_at` is
    the next deadline of all.
    """

    admitted_at: datetime
    anchor_on: date
    zone: str
    mode: Mode
    limits: Limits
    expected_at: datetime
    chased_at: datetime
    age_years: int | None = None
    pregnant: bool | None = None
    reminded: int = 0
    told_since: datetime | None = None
    windows_looked_at: int = 0
    last_good_at: datetime | None = None
    in_range_at: datetime | None = None
    cleared: tuple[tuple[str, datetime], ...] = ()
    last_level: Level | None = None
    last_level_at: datetime | None = None
    last_measured_at: datetime | None = None
    last_received_at: datetime | None = None
    overdue_since: datetime | None = None
    withdrawn_red_at: datetime | None = None
    history: tuple[Past, ...] = ()
    last_rest: Past | None = None
    paused_until: datetime | None = None
    pauses: tuple[Pause, ...] = ()
    check_ins: int = 0
    period_over: bool = False
    ended_at: datetime | None = None
    end_reason: EndReason | None = None
    opened: int = 0
    alerts: tuple[AlertInPlay, ...] = ()
    next_at: datetime | None = None
    in_range: tuple[tuple[Vital, datetime], ...] = ()
    withdrawn_reds: tuple[tuple[Vital, datetime], ...] = ()
    not_judged_at: datetime | None = None
    exertion_stopped_at: datetime | None = None

    @property
    def never_reported(self) -> bool:
        """Whether no reading that fills a due time ever came."""
        return self.last_good_at is None

    @property
    def in_hospital(self) -> bool:
        """Whether a pause under way says so: then nobody writes to the patient."""
        return self.paused_until is not None and self.pauses[-1].reason is PauseReason.IN_HOSPITAL

    def alert(self, alert_class: AlertClass) -> AlertInPlay | None:
        """Return the one alert of a class that is in play."""
        for alert in self.alerts:
            if alert.alert_class is alert_class:
                return alert
        return None


@dataclass(frozen=True, slots=True)
class Judged:
    """What the ward made of a reading: stored beside it, never instead of it.

    `reading` is what was judged; for a trace, the reading that stands for it.
    """

    reading: ReadingArrived
    assessment: Assessment
    judged_at: datetime
    late: bool
    time_doubtful: bool
    doubts: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Entry:
    """One line of the ledger: of an alert, or of the stay itself (`alert_id` None).

    `before` and `after` are the alert as it stood and stands. Written once and never changed.
    """

    alert_id: UUID | None
    at: datetime
    noticed_at: datetime
    by: str
    what: str
    words: str
    before: AlertInPlay | None = None
    after: AlertInPlay | None = None


@dataclass(frozen=True, slots=True)
class Message:
    """A call to somebody, to be sent once. `key` names it for ever: the same call, the same key.

    `to` is a role, the patient, or `owner:NAME`. `by` are channels in order; none means whatever
    was agreed with them. After `not_after` it is not worth sending any more.
    """

    key: str
    at: datetime
    to: str
    by: tuple[Channel, ...]
    text: str
    not_after: datetime | None = None
    alert_id: UUID | None = None
    level: Level | None = None


@dataclass(frozen=True, slots=True)
class StepTaken:
    """A step of a ladder that was due and was taken."""

    alert_id: UUID
    round: int
    step: int
    due_at: datetime


@dataclass(frozen=True, slots=True)
class TaskOpened:
    """Something that a person at the ward is to do. `number` counts within its kind."""

    kind: TaskKind
    number: int
    due_at: datetime
    words: str


@dataclass(slots=True)
class Step:
    """One step under way: the state so far, and what must be written because of it.

    `changed` holds each alert that moved, as it now stands; `entries` the ledger, in order.
    `judged` is the reading that was taken in, `diary` the readings of a diary, oldest first.
    `refused` is why a person's act was written down but not carried out.
    """

    state: EpisodeState
    now: datetime
    episode_id: UUID
    changed: dict[UUID, AlertInPlay] = field(default_factory=dict)
    entries: list[Entry] = field(default_factory=list)
    messages: list[Message] = field(default_factory=list)
    taken: list[StepTaken] = field(default_factory=list)
    tasks: list[TaskOpened] = field(default_factory=list)
    judged: Judged | None = None
    diary: tuple[Judged, ...] = ()
    refused: str = ""

    def put(self, alert: AlertInPlay, at: datetime, by: str, what: str, words: str) -> None:
        """Write an alert as it now stands, with its ledger entry: never one without the other."""
        before = next((a for a in self.state.alerts if a.id == alert.id), None)
        others = tuple(a for a in self.state.alerts if a.id != alert.id)
        alerts = (*others, alert) if alert.in_play else others
        self.state = replace(self.state, alerts=alerts)
        self.changed[alert.id] = alert
        self.entries.append(Entry(alert.id, at, self.now, by, what, words, before, alert))

    def note(self, at: datetime, by: str, what: str, words: str) -> None:
        """Write a line about the stay itself."""
        self.entries.append(Entry(None, at, self.now, by, what, words))
