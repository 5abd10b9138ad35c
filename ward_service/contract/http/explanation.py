"""Why an alert rang, over the API: the rule behind each finding, whose limits, who is called."""

from uuid import UUID

from pydantic import AwareDatetime

from ward_service.contract.http.alerts import LedgerEntryView
from ward_service.contract.http.base import View
from ward_service.contract.vocabulary import AlertClass, AlertState, Level


class SourceTitleView(View):
    """What a code in a source stands for."""

    code: str
    title: str


class CitationView(View):
    """One line of the pathway file, as the ward keeps the text of that version.

    `place` is file and line; `source` is what the pathway cites, "" where a line names a number
    that has a line of its own.
    """

    key: str
    place: str
    text: str
    source: str = ""
    titles: tuple[SourceTitleView, ...] = ()


class LimitOriginView(View):
    """A number that a finding was judged by, as it was then, and where it came from.

    `usual` is the pathway's own number. `own`: the person has one of their own, from `set_by`.
    """

    name: str
    means: str
    value: float | None
    usual: float | None = None
    own: bool = False
    set_by: str = ""
    set_at: AwareDatetime | None = None
    reason: str = ""


class ReasonView(View):
    """One finding with its rule. `value` and `limit` are in words: `SpO2 91 %`, `<= 92 %`.

    `basis` says what kind of rule it is. `rule` is the name that findings and readings carry.
    """

    level: Level
    words: str
    at: AwareDatetime
    doubtful: bool = False
    reading_ids: tuple[UUID, ...] = ()
    rule: str
    value: str = ""
    limit: str = ""
    basis: str
    citations: tuple[CitationView, ...]
    limits: tuple[LimitOriginView, ...] = ()


class ConfirmationView(View):
    """One step on the way from a first reading to a confirmed alert, in words."""

    words: str
    at: AwareDatetime
    citations: tuple[CitationView, ...] = ()


class RungView(View):
    """One step of the ladder: whom it calls, and when. `number` counts from 1 in each round.

    `taken_at` is empty while it waits, and where it was `stopped_at` because of an answer.
    """

    round: int
    number: int
    whom: str
    due_at: AwareDatetime
    taken_at: AwareDatetime | None = None
    stopped_at: AwareDatetime | None = None
    citation: CitationView | None = None


class ExplanationView(View):
    """Why an alert rang. Moments are in UTC; `zone` is that of the ward's wall clock.

    `signed_by` is empty where no clinical lead has signed this version. `rungs` are the steps
    that were taken or stopped, `next_rung` is the one that waits, and `ladder` says what follows.
    """

    alert_id: UUID
    episode_id: UUID
    alert_class: AlertClass
    level: Level
    state: AlertState
    opened_at: AwareDatetime
    noticed_at: AwareDatetime
    late: bool = False
    review: bool = False
    zone: str
    pathway: str
    title: str
    signed_by: str = ""
    findings: tuple[ReasonView, ...]
    confirmation: tuple[ConfirmationView, ...] = ()
    rungs: tuple[RungView, ...] = ()
    next_rung: RungView | None = None
    ladder: str = ""
    contact_by: AwareDatetime | None = None
    ledger: tuple[LedgerEntryView, ...] = ()
