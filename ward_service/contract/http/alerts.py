"""Alerts over the API: why they rang, who has them, what came of them."""

from typing import Literal
from uuid import UUID

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from ward_service.contract.http.base import View
from ward_service.contract.vocabulary import (
    AlertClass,
    AlertOutcome,
    AlertState,
    Channel,
    Level,
)


class FindingView(View):
    """One reason, in words that a nurse can check: `SpO2 91 % <= 92 %`.

    `rule` names the rule that found it, `spo2.red`; the explanation of the alert has its rows of
    the pathway under the same name.
    """

    level: Level
    words: str
    at: AwareDatetime
    doubtful: bool = False
    reading_ids: tuple[UUID, ...] = ()
    rule: str = ""


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


class Resolution(BaseModel):
    """How an alert ended.

    A red needs a note (docs/understand/design.md#promise-11: only people close it).
    """

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
