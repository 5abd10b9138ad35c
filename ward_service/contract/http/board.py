"""The ward list over the API: every person in order, each with the reason for their place."""

from datetime import date
from enum import StrEnum
from uuid import UUID

from pydantic import AwareDatetime

from ward_service.contract.http.alerts import AlertView
from ward_service.contract.http.base import View
from ward_service.contract.http.readings import ObservationView
from ward_service.contract.vocabulary import (
    Level,
)


class Place(StrEnum):
    """Where a patient stands in the triage order, most urgent first.

    Source: docs/understand/design.md#levels.
    """

    RED_AND_OVERDUE = "red_and_overdue"
    RED = "red"
    OVERDUE_AFTER_RED = "overdue_after_red"
    NEVER_REPORTED = "never_reported"
    AMBER_AND_OVERDUE = "amber_and_overdue"
    AMBER = "amber"
    OVERDUE = "overdue"
    NOT_JUDGED = "not_judged"
    TECHNICAL = "technical"
    GREEN = "green"


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
