"""What the ward answers over HTTP. The dashboard, and nobody else's code, reads these.

Every number comes with the moment when it was measured (promise 8): nothing here can be shown
without its age.
"""

from datetime import date
from enum import StrEnum
from typing import Annotated, Literal
from uuid import UUID

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from ward_service.contract.vocabulary import (
    AlertClass,
    AlertOutcome,
    AlertState,
    Channel,
    EndReason,
    Level,
    Mode,
    PauseReason,
    Source,
    Speaker,
    Spo2Target,
    TaskKind,
    Vital,
)


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


class InvitationView(View):
    """A code by which one home can become this gateway, once. It is shown here and never again."""

    gateway: str
    code: str = Field(repr=False)
    expires_at: AwareDatetime


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


class StepView(View):
    """One step of a ladder: due, then taken, or stopped because somebody answered."""

    round: int
    step: int
    due_at: AwareDatetime
    taken_at: AwareDatetime | None
    stopped_at: AwareDatetime | None


class CallView(View):
    """One call about an alert, and what became of it. `problem` says why it was not made.

    `sent_at` is when its channel took it; `arrived_at` is known of text messages only.
    """

    to: str
    due_at: AwareDatetime
    channel: Channel | None
    sent_at: AwareDatetime | None
    stopped_at: AwareDatetime | None
    given_up_at: AwareDatetime | None
    attempts: int
    problem: str | None
    arrived_at: AwareDatetime | None = None


class AlertView(View):
    """An alert as it stands. `version` goes back in `If-Match` when somebody acts on it.

    `respond_by` is when somebody should have acknowledged, `next_call_at` when the ladder calls
    next, `contact_by` when somebody should have spoken with the patient. `limits` numbers the
    person's own limits at that moment. Ledger, steps and calls come with the alert alone.
    """

    id: UUID
    episode_id: UUID
    version: int
    alert_class: AlertClass
    level: Level
    state: AlertState
    opened_at: AwareDatetime
    noticed_at: AwareDatetime
    respond_by: AwareDatetime | None = None
    next_call_at: AwareDatetime | None = None
    owner: str | None = None
    acknowledged_at: AwareDatetime | None = None
    contact_by: AwareDatetime | None = None
    contacted_at: AwareDatetime | None = None
    outcome: str | None = None
    pathway: str
    limits: int = 1
    late: bool = False
    review: bool = False
    findings: tuple[FindingView, ...]
    ledger: tuple[LedgerEntryView, ...] = ()
    steps: tuple[StepView, ...] = ()
    calls: tuple[CallView, ...] = ()


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
    alerts in play, worst first. `waiting_since` is when the oldest unacknowledged alert opened,
    and `past_deadline` that somebody should have acknowledged one, or made contact, by now.
    `signed`: a clinical lead signed the pathway version of this stay. `to_ring` are calls that a
    person is to make by phone, in words, with the number.
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
    past_deadline: bool = False
    paused_until: AwareDatetime | None = None
    signed: bool = False
    to_ring: tuple[str, ...] = ()
    why: tuple[str, ...]
    alerts: tuple[AlertView, ...]
    latest: tuple[ObservationView, ...]
    spo2: tuple[PointView, ...]
    spo2_bands: tuple[BandView, ...]


class HealthView(View):
    """Whether the ward itself is well. `quiet_since`: the ward has heard from no home since.

    `stages` are heartbeats written by the work itself: stage -> when it last worked.
    `blind_from`/`blind_until` is the last stretch in which the ward was down. `watchdog_at` is when
    the watchdog that was started here last looked, in real time; None: none was.
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
    watchdog_at: AwareDatetime | None = None


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


class News2View(View):
    """A NEWS2 with its points. There is a `total` only when `status` is complete."""

    status: str
    total: int | None
    points: tuple[tuple[str, int], ...]
    missing: tuple[str, ...]
    reason: str
    scale: str


class ToldView(View):
    """What the patient was told at home about a reading, at once and by itself.

    `words` are the texts in the pathway's language of reference, with the person's own numbers of
    then; empty when this ward does not know the plan. Without a plan (`plan_number` None) they
    were told the plain words of the gateway: when to call 999, and 111.
    """

    level: Level | None
    plan_number: int | None
    text_ids: tuple[str, ...]
    words: tuple[str, ...]


class ReadingView(View):
    """A reading as it was kept and judged. `pathway` is what judged it, `id@version`.

    `news2` is None on a pathway that does not use it, `told` where nobody at home was told.
    `entered_by` is the account of whoever typed it at the ward, `spoke` who told it.
    """

    reading_id: UUID
    measured_at: AwareDatetime
    received_at: AwareDatetime
    source: Source
    entered_by: str | None = None
    spoke: Speaker | None = None
    values: dict[Vital, float]
    level: Level | None
    findings: tuple[FindingView, ...]
    doubts: tuple[str, ...]
    late: bool
    time_doubtful: bool
    news2: News2View | None = None
    told: ToldView | None = None
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
    statuses_ignored: int = 0


class HolderView(View):
    """Who has a place in a home now: an id, no name."""

    slot: int
    episode_id: UUID


class DeviceView(View):
    """A device of a home, as its gateway said at `told_at` of the home.

    `seen_at` is when it was last heard at all, `frame_at` when it last measured; both by the home's
    clock. `slots` are empty where nobody at home has said whose it is.
    """

    model: str
    family: str
    slots: tuple[int, ...]
    seen_at: AwareDatetime | None
    frame_at: AwareDatetime | None
    battery: float | None


class TroubleView(View):
    """Something that is wrong at home, in words. Without a slot it concerns everybody there."""

    words: str
    slot: int | None
    since: AwareDatetime | None


class HomeView(View):
    """A gateway, as far as the ward knows it.

    `online` is None when it never said anything; `since` is since when it is online, or offline.
    `heard_at` is when anything came from it last. `quiet`: it is offline, or says nothing although
    it was online. All from `told_at` on is what it said then, and
    as old as that. `missing` numbers were made there and have not come, the first of them known to
    be missing since `missing_since`.
    """

    gateway: str
    holders: tuple[HolderView, ...]
    online: bool | None
    since: AwareDatetime | None
    heard_at: AwareDatetime | None
    quiet: bool
    missing: int
    missing_since: AwareDatetime | None
    told_at: AwareDatetime | None
    depth: int | None
    oldest_at: AwareDatetime | None
    bytes: int | None
    radio: str | None
    software: str | None
    clock_ahead_s: float | None
    unclaimed: int | None
    plans: dict[int, int]
    devices: tuple[DeviceView, ...]
    troubles: tuple[TroubleView, ...]


class HomesView(View):
    """Every home, the one that most needs somebody to look first."""

    as_of: AwareDatetime
    homes: tuple[HomeView, ...]


Code = Annotated[str, Field(pattern=r"^[a-z0-9_]{1,60}$")]


class Admission(BaseModel):
    """What is needed to admit somebody. `gateway` and `slot` are the place at home.

    `channel` is how readings are planned to come, `reach` how this person is called, and
    `reach_tested` that it was tried. `rest_spo2` is the resting SpO2 at enrolment, `usual_spo2` the
    one that is usual for this person, both in per cent; `conditions` are those of the pathway's
    exclusions that apply. `zone` is the person's, if not the pathway's. What is not known is left
    out, never guessed; what a pathway requires cannot be.
    """

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
    channel: str = Field(default="ble", pattern="^(ble|web|phone|paper)$")
    mode: Mode = Mode.MONITORED
    email: str = Field(default="", max_length=200)
    reach: Channel = Channel.PHONE
    reach_tested: bool = False
    zone: str | None = Field(default=None, max_length=60)
    symptom_onset_date: date | None = None
    rest_spo2: float | None = Field(default=None, ge=0, le=100)
    referral_source: str | None = Field(default=None, max_length=40)
    referral_at: AwareDatetime | None = None
    conditions: tuple[Code, ...] = ()
    target: Spo2Target = Spo2Target.STANDARD
    target_confirmed_by: str = Field(default="", max_length=100)
    usual_spo2: float | None = Field(default=None, ge=50, le=100)
    home_oxygen: bool | None = None
    pregnant: bool | None = None


class AdmissionView(View):
    """The episode that an admission began, and from when a reading is expected."""

    episode_id: UUID
    admitted_at: AwareDatetime
    first_due_at: AwareDatetime


class Taking(BaseModel):
    """How an alert is taken: from somebody else, or until when (else the next change of shift)."""

    model_config = ConfigDict(extra="forbid")

    take_over: bool = False
    shift_ends_at: AwareDatetime | None = None


class ContactNote(BaseModel):
    """That somebody spoke with the patient, or tried to."""

    model_config = ConfigDict(extra="forbid")

    channel: Channel = Channel.PHONE
    reached: bool
    note: str = Field(default="", max_length=2_000)


class LimitsEdit(BaseModel):
    """A change of one person's own limits. What is left out stays as it was."""

    model_config = ConfigDict(extra="forbid")

    reason: str = Field(min_length=1, max_length=2_000)
    parameters: dict[str, float] = Field(default={}, max_length=50)
    target: Spo2Target | None = None
    usual_spo2: float | None = Field(default=None, ge=50, le=100)
    home_oxygen: bool | None = None
    confirmed_by: str = Field(default="", max_length=100)


class ZoneEdit(BaseModel):
    """From now on the agreed times are those of another zone."""

    model_config = ConfigDict(extra="forbid")

    zone: str = Field(min_length=1, max_length=60)
    reason: str = Field(min_length=1, max_length=2_000)


class PauseNote(BaseModel):
    """Why nothing is expected, and until when."""

    model_config = ConfigDict(extra="forbid")

    reason: PauseReason
    until: AwareDatetime


class EndNote(BaseModel):
    """How a stay ended. With a red in play it needs a note."""

    model_config = ConfigDict(extra="forbid")

    reason: EndReason
    note: str = Field(default="", max_length=2_000)
    device_returned: str = Field(default="", pattern="^(|yes|no|lost|not_issued)$")
    gp_informed: bool | None = None


class TaskDone(BaseModel):
    """That a task is done, and what came of it."""

    model_config = ConfigDict(extra="forbid")

    note: str = Field(default="", max_length=2_000)


class ParameterView(View):
    """One of a person's own numbers beside the pathway's. None: nobody has set it."""

    name: str
    means: str
    value: float | None
    usual: float | None
    low: float
    high: float


class LimitsView(View):
    """What a person is judged by. `number` rises with every change; `spo2_bands` are the result.

    `may_exert` says whether they may be asked for a reading after exertion now; `may_exert_words`
    why, or why not.
    """

    number: int
    target: Spo2Target
    usual_spo2: float | None
    home_oxygen: bool | None
    parameters: tuple[ParameterView, ...]
    spo2_bands: tuple[BandView, ...]
    may_exert: bool = False
    may_exert_words: str = ""


class TaskView(View):
    """What a person at the ward is to do for a patient, besides the alerts."""

    episode_id: UUID
    kind: TaskKind
    number: int
    due_at: AwareDatetime
    words: str


class PathwayView(View):
    """A pathway version that runs here. Unsigned: in demo or shadow use only."""

    id: str
    version: int
    title: str
    current: bool
    sha256: str
    signed_by: str | None
    signed_at: AwareDatetime | None


class Resolution(BaseModel):
    """How an alert ended. A red needs a note (promise 11: only people close it)."""

    model_config = ConfigDict(extra="forbid")

    outcome: Literal[
        AlertOutcome.NO_ACTION,
        AlertOutcome.ADVICE,
        AlertOutcome.SCHEDULE_CHANGE,
        AlertOutcome.THRESHOLD_CHANGE,
        AlertOutcome.FACE_TO_FACE,
        AlertOutcome.NHS_111,
        AlertOutcome.ED,
        AlertOutcome.NHS_999,
        AlertOutcome.ADMISSION,
    ]
    response_needed: bool
    response_completed: bool
    management_changed: bool
    note: str = Field(default="", max_length=2_000)


class ReplayAsked(BaseModel):
    """A candidate to replay: the text of a pathway, or the id of one that ran here.

    `pathway` is `id` (the version in use) or `id@version`. Days are those of the ward; `to` is
    not included.
    """

    model_config = ConfigDict(extra="forbid")

    pathway: str = Field(default="", max_length=120)
    text: str = Field(default="", max_length=500_000)
    from_: date = Field(alias="from")
    to: date


class ReplayCounts(View):
    """Live beside candidate, counted of one group. `of` is the split, `group` its group.

    `more` are alerts of the candidate without a live partner, `fewer` live ones without one of the
    candidate. `needs` are live alerts of people who needed them (a red, or one that ended with
    changed management, ED, 999 or an admission): `earlier` the candidate would have opened before,
    `missed` not before or with the live one; `lowered` are live reds that it would never have
    called red. Calls are those of ladders to staff, `night` those out of service hours.
    """

    of: str
    group: str
    stays: int
    patient_days: float
    live: int
    candidate: int
    more: int
    fewer: int
    live_per_100_days: float | None
    candidate_per_100_days: float | None
    needs: int
    earlier: int
    missed: int
    lowered: int
    live_calls: int
    candidate_calls: int
    live_night_calls: int
    candidate_night_calls: int
    live_to_patient: int
    candidate_to_patient: int


class ReplayNeed(View):
    """Somebody who needed an alert. `candidate_at` None: the candidate would not have opened one.

    `earlier_min` is by how many minutes it would have come before the live one; below 0: after.
    """

    episode_id: UUID
    alert_id: UUID
    alert_class: AlertClass
    level: Level
    outcome: AlertOutcome | None
    live_at: AwareDatetime
    candidate_at: AwareDatetime | None
    earlier_min: float | None


class ReplayView(View):
    """What a candidate would have changed. For use inside the ward: small counts are not hidden.

    `replaces` are the versions that the stays had; `not_replayed` says why, and of how many.
    `levels` and `classes` count alerts only. `assumed` says in words what had to be.
    """

    pathway: str
    replaces: tuple[str, ...]
    since: AwareDatetime
    until: AwareDatetime
    nurse_shifts: int
    live_per_shift: float | None
    candidate_per_shift: float | None
    whole: ReplayCounts
    levels: tuple[ReplayCounts, ...]
    classes: tuple[ReplayCounts, ...]
    groups: tuple[ReplayCounts, ...]
    earlier: tuple[ReplayNeed, ...]
    missed: tuple[ReplayNeed, ...]
    not_replayed: dict[str, int]
    inputs: int
    assumed: tuple[str, ...]


class RowWords(View):
    """What is wrong with a row of a paper diary (the first is 1), or what must be asked about it.

    A question is answered with `sure`, or by leaving the row out.
    """

    row: int
    words: str
    question: bool = False


class Problem(View):
    """A refusal (RFC 9457): what happened, what was kept, what to do; of a diary row by row."""

    title: str
    detail: str
    status: int
    alert: AlertView | None = None
    rows: tuple[RowWords, ...] = ()
