"""What can happen to a stay: readings, acts of people, and time."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

from ward_service.contract.vocabulary import (
    AlertOutcome,
    Channel,
    Context,
    EndReason,
    PauseReason,
    Quality,
    Source,
    Spo2Target,
    Vital,
)


@dataclass(frozen=True, slots=True)
class Held:
    """A red that continuous data held: the worst value of the run, and its length in seconds."""

    vital: Vital
    worst: float
    seconds: float


@dataclass(frozen=True, slots=True)
class ReadingArrived:
    """A reading, as the ward received it just now. `slot` is None for a phone call or paper.

    `answers` are pairs of question and answer; one question may have several. `paired_with` is the
    reading at rest of one after exertion. `held` is what a trace held.
    """

    reading_id: UUID
    measured_at: datetime
    values: Mapping[Vital, float]
    context: Context = Context.REST
    quality: tuple[Quality, ...] = ()
    source: Source = Source.BLE
    slot: int | None = None
    answers: tuple[tuple[str, str], ...] = ()
    call_me: bool = False
    paired_with: UUID | None = None
    held: tuple[Held, ...] = ()


@dataclass(frozen=True, slots=True)
class DiaryArrived:
    """A paper diary that was collected: readings that came together, and are judged so.

    In the end it is known what became of each of them: an old red that better ones follow calls
    nobody (docs/understand/design.md#promise-4).
    """

    readings: tuple[ReadingArrived, ...]


@dataclass(frozen=True, slots=True)
class TraceArrived:
    """A minute of continuous samples, `interval_s` apart; None where the sensor saw nothing."""

    reading_id: UUID
    started_at: datetime
    interval_s: float
    samples: Mapping[Vital, tuple[float | None, ...]]
    context: Context = Context.REST
    quality: tuple[Quality, ...] = ()
    source: Source = Source.BLE
    slot: int | None = None


@dataclass(frozen=True, slots=True)
class UnreadableArrived:
    """Something came from this person's place that could not be read.

    docs/understand/design.md#promise-5.
    """

    reason: str


@dataclass(frozen=True, slots=True)
class HomeTrouble:
    """Something is wrong at this person's home, in a nurse's words.

    `about` names it apart from all else that can be wrong there: within a day the same is told
    once, although its words may count further.
    """

    about: str
    words: str


@dataclass(frozen=True, slots=True)
class TimePassed:
    """Nothing came; deadlines may have fallen due."""


@dataclass(frozen=True, slots=True)
class Acknowledged:
    """A clinician takes an alert, having seen this version of it.

    `take_over`: they take it from whoever has it. `shift_ends_at`: when they go home; None is the
    pathway's next change of shift.
    """

    alert_id: UUID
    by: str
    seen_version: int
    take_over: bool = False
    shift_ends_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class ContactMade:
    """Somebody spoke, or tried to speak, with the patient about an alert."""

    alert_id: UUID
    by: str
    channel: Channel
    reached: bool
    note: str = ""


@dataclass(frozen=True, slots=True)
class Resolved:
    """A clinician ends an alert with its outcome. A red needs a note."""

    alert_id: UUID
    by: str
    seen_version: int
    outcome: AlertOutcome
    response_needed: bool
    response_completed: bool
    management_changed: bool
    note: str


@dataclass(frozen=True, slots=True)
class LimitsChanged:
    """A clinician changes this person's own limits; what is absent or None stays as it was.

    The range 88 to 92 needs a second person, `confirmed_by` (docs/reference/clinical.md#hazards,
    H5).
    """

    by: str
    reason: str
    parameters: Mapping[str, float] = field(default_factory=dict)
    target: Spo2Target | None = None
    baseline_spo2: float | None = None
    home_oxygen: bool | None = None
    confirmed_by: str = ""


@dataclass(frozen=True, slots=True)
class ZoneChanged:
    """The patient's agreed times are from now on those of another zone."""

    by: str
    reason: str
    zone: str


@dataclass(frozen=True, slots=True)
class Paused:
    """Nothing is expected until a moment; it ends by itself then. An open red is not muted."""

    by: str
    reason: PauseReason
    until: datetime


@dataclass(frozen=True, slots=True)
class Unpaused:
    """A pause is ended before its time."""

    by: str


@dataclass(frozen=True, slots=True)
class Ended:
    """The stay ends: nothing is expected, nobody is called. With a red in play it needs a note.

    `device_returned` and `gp_informed` are empty where nobody knows.
    """

    by: str
    reason: EndReason
    note: str = ""
    device_returned: str = ""
    gp_informed: bool | None = None


AlertAct = Acknowledged | ContactMade | Resolved
StayAct = LimitsChanged | ZoneChanged | Paused | Unpaused | Ended
Act = AlertAct | StayAct
Input = (
    ReadingArrived
    | DiaryArrived
    | TraceArrived
    | UnreadableArrived
    | HomeTrouble
    | TimePassed
    | Act
)
