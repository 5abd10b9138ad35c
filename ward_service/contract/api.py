"""What the ward answers over HTTP. The dashboard, and nobody else's code, reads these.

Every number comes with the moment when it was measured (promise 8): nothing here can be shown
without its age.
"""

from datetime import date
from enum import StrEnum
from uuid import UUID

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from ward_service.contract.vocabulary import AlertClass, AlertState, Level, Source, Vital


class View(BaseModel):
    """An answer: frozen, and a field that this version does not know is ignored."""

    model_config = ConfigDict(frozen=True, extra="ignore")


class Place(StrEnum):
    """Where a patient stands in the triage order, most urgent first. Source: DESIGN section 5."""

    RED_AND_OVERDUE = "red_and_overdue"
    RED = "red"
    OVERDUE_AFTER_RED = "overdue_after_red"
    NEVER_REPORTED = "never_reported"
    AMBER_AND_OVERDUE = "amber_and_overdue"
    AMBER = "amber"
    OVERDUE = "overdue"
    TECHNICAL = "technical"
    GREEN = "green"


class SignIn(BaseModel):
    """What a clinician gives to sign in."""

    username: str = Field(min_length=1, max_length=100)
    password: str = Field(min_length=1, max_length=200)


class ClinicianView(View):
    """Who is signed in."""

    username: str
    name: str


class SessionView(View):
    """A session: the token goes into an HttpOnly cookie, `ward_session`, and nowhere else."""

    token: str
    expires_at: AwareDatetime
    clinician: ClinicianView


class FindingView(View):
    """One reason, in words that a nurse can check: `SpO2 91 % <= 92 %`."""

    level: Level
    words: str
    at: AwareDatetime
    doubtful: bool = False
    reading_ids: tuple[UUID, ...] = ()


class LedgerEntryView(View):
    """One line of an alert's ledger. `at` is when it was true, `noticed_at` when we saw it."""

    at: AwareDatetime
    noticed_at: AwareDatetime
    by: str
    what: str
    words: str


class AlertView(View):
    """An alert as it stands. `version` goes back in `If-Match` when somebody acts on it."""

    id: UUID
    episode_id: UUID
    version: int
    alert_class: AlertClass
    level: Level
    state: AlertState
    opened_at: AwareDatetime
    noticed_at: AwareDatetime
    owner: str | None = None
    acknowledged_at: AwareDatetime | None = None
    outcome: str | None = None
    pathway: str
    late: bool = False
    review: bool = False
    findings: tuple[FindingView, ...]
    ledger: tuple[LedgerEntryView, ...] = ()


class ObservationView(View):
    """The latest value of one vital. `stale`: older than the pathway lets a number stand."""

    vital: Vital
    value: float
    level: Level | None
    measured_at: AwareDatetime
    received_at: AwareDatetime
    source: Source
    doubtful: bool = False
    time_doubtful: bool = False
    late: bool = False
    stale: bool = False


class PointView(View):
    """One point of a sparkline. Gaps are gaps: nothing is filled in."""

    measured_at: AwareDatetime
    value: float
    doubtful: bool = False


class BandView(View):
    """A stretch of a vital with its level, for drawing; None is open."""

    low: float | None
    high: float | None
    level: Level


class PatientLine(View):
    """One patient on the ward list, in the ward's own order.

    `reason` says in words why the patient stands in this place; `why` are the findings of the
    alerts in play, worst first. `waiting_since` is when the oldest unacknowledged alert of the
    place opened.
    """

    episode_id: UUID
    version: int
    place: Place
    reason: str
    family_name: str
    given_name: str
    birth_date: date
    age: int
    sex: str
    nhs_number: str
    phone: str = ""
    pathway: str
    admitted_at: AwareDatetime
    day_of_stay: int
    level: Level | None
    overdue_since: AwareDatetime | None
    never_reported: bool
    last_reading_at: AwareDatetime | None
    last_received_at: AwareDatetime | None
    waiting_since: AwareDatetime | None
    why: tuple[str, ...]
    alerts: tuple[AlertView, ...]
    latest: tuple[ObservationView, ...]
    spo2: tuple[PointView, ...]
    spo2_bands: tuple[BandView, ...]


class HealthView(View):
    """Whether the ward itself is well. `quiet_since`: the ward has heard from no home since.

    `stages` are heartbeats written by the work itself: stage -> when it last worked.
    `blind_from`/`blind_until` is the last stretch in which the ward was down.
    """

    now: AwareDatetime
    use: str
    speed: float = 1.0
    well: bool
    words: str = ""
    quiet_since: AwareDatetime | None = None
    stages: dict[str, AwareDatetime] = {}
    blind_from: AwareDatetime | None = None
    blind_until: AwareDatetime | None = None


class BoardView(View):
    """The ward list. `version` changes when anything on it does; `as_of` is the ward's time."""

    as_of: AwareDatetime
    version: int
    use: str
    unsigned: bool
    health: HealthView
    counts: dict[Place, int]
    patients: tuple[PatientLine, ...]


class BoardVersionView(View):
    """One integer: ask this often, and the whole list only when it moved."""

    version: int
    as_of: AwareDatetime
    health: HealthView


class ReadingView(View):
    """A reading as it was kept and judged. `pathway` is what judged it, `id@version`."""

    reading_id: UUID
    measured_at: AwareDatetime
    received_at: AwareDatetime
    source: Source
    values: dict[Vital, float]
    level: Level | None
    findings: tuple[FindingView, ...]
    doubts: tuple[str, ...]
    late: bool
    time_doubtful: bool
    pathway: str


class ReadingsPage(View):
    """Readings of an episode in order of receipt; `next_after` asks for those that follow."""

    readings: tuple[ReadingView, ...]
    total: int
    next_after: int | None


class QuarantineView(View):
    """Something that could not be read, kept with its reason. The payload is not shown here."""

    id: int
    received_at: AwareDatetime
    last_at: AwareDatetime
    times: int
    gateway: str
    slot: int | None
    episode_id: UUID | None
    reason: str


class DataQualityView(View):
    """What was kept, doubted and quarantined, counted."""

    readings: int
    doubtful: int
    time_doubtful: int
    late: int
    quarantined: int
    quarantined_by_reason: dict[str, int]
    doubts: dict[str, int]
    latest: tuple[QuarantineView, ...]


class Admission(BaseModel):
    """What is needed to admit somebody. `gateway` and `slot` are the place at home."""

    model_config = ConfigDict(extra="forbid")

    family_name: str = Field(min_length=1, max_length=100)
    given_name: str = Field(min_length=1, max_length=100)
    birth_date: date
    sex: str = Field(pattern="^(female|male|other|unknown)$")
    nhs_number: str = Field(pattern=r"^\d{3} ?\d{3} ?\d{4}$")
    phone: str = Field(default="", max_length=40)
    gateway: str = Field(pattern=r"^[a-z0-9-]{3,40}$")
    slot: int = Field(default=1, ge=1, le=999)
    pathway: str = "covid-oximetry-at-home"
    ethnicity: str | None = Field(default=None, max_length=40)
    deprivation_decile: int | None = Field(default=None, ge=1, le=10)
    language: str | None = Field(default=None, max_length=20)
    mode: str = Field(default="ble", pattern="^(ble|web|phone|paper)$")


class AdmissionView(View):
    """The episode that an admission began, and from when a reading is expected."""

    episode_id: UUID
    admitted_at: AwareDatetime
    first_due_at: AwareDatetime


class Resolution(BaseModel):
    """How an alert ended. A red needs a note (promise 11: only people close it)."""

    model_config = ConfigDict(extra="forbid")

    outcome: str = Field(
        pattern="^(no_action|advice|schedule_change|threshold_change|face_to_face|111|ed|999|"
        "admission)$"
    )
    response_needed: bool
    response_completed: bool
    management_changed: bool
    note: str = Field(default="", max_length=2_000)


class Problem(View):
    """A refusal (RFC 9457): what happened, what was kept, what to do."""

    title: str
    detail: str
    status: int
    alert: AlertView | None = None
