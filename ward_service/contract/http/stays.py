"""Stays over the API: admission, a person's own limits, pauses, the end, and tasks."""

from datetime import date
from uuid import UUID

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from ward_service.contract.http.base import Code, View
from ward_service.contract.http.board import BandView
from ward_service.contract.vocabulary import (
    Channel,
    EndReason,
    Mode,
    PauseReason,
    Spo2Target,
    TaskKind,
)


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
