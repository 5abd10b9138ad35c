"""Homes over the API: boxes, devices, and what is wrong there."""

from uuid import UUID

from pydantic import AwareDatetime

from ward_service.contract.http.base import View


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
