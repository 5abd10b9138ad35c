"""Pathways over the API, and the replay of a candidate."""

from datetime import date
from uuid import UUID

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from ward_service.contract.http.base import View
from ward_service.contract.vocabulary import (
    AlertClass,
    AlertOutcome,
    Level,
)


class PathwayView(View):
    """A pathway version that runs here. Unsigned: in demo or shadow use only."""

    id: str
    version: int
    title: str
    current: bool
    sha256: str
    signed_by: str | None
    signed_at: AwareDatetime | None


class ReplayRequest(BaseModel):
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
