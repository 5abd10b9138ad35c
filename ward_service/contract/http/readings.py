"""Readings over the API, and what could not be read."""

from uuid import UUID

from pydantic import AwareDatetime

from ward_service.contract.http.alerts import FindingView
from ward_service.contract.http.base import View
from ward_service.contract.vocabulary import (
    Level,
    Source,
    Speaker,
    Vital,
)


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
