"""The homes, as far as the ward knows them: places and devices, and no name."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Final

from fastapi import APIRouter

from ward_service.api.deps import NowDep, SignedIn, StoreDep
from ward_service.contract.http.homes import (
    DeviceView,
    HolderView,
    HomesView,
    HomeView,
    TroubleView,
)
from ward_service.contract.messages import DeviceStatus, Trouble
from ward_service.domain.sequence import Numbers
from ward_service.homes.sequence import GAP_GRACE
from ward_service.homes.watch import troubles_of
from ward_service.homes.words import trouble_words
from ward_service.store.tables.homes import HomeStatusRow, SlotRow

router = APIRouter(prefix="/gateways", tags=["homes"], dependencies=[SignedIn])

# A home says how it is every minute: who has missed five of these is quiet. Ours.
QUIET_AFTER: Final = timedelta(minutes=5)
_NEVER: Final = datetime.min.replace(tzinfo=UTC)


@router.get("")
def list_homes(store: StoreDep, now: NowDep) -> HomesView:
    """Return every home, the one that most needs somebody to look first."""
    statuses, streams, holders = (
        store.homes.statuses(),
        store.streams.newest(),
        store.slots.holders(),
    )
    homes = [
        _home(
            gateway.id,
            statuses.get(gateway.id),
            streams.get(gateway.id),
            holders.get(gateway.id, ()),
            now,
        )
        for gateway in store.gateways.all()
    ]
    return HomesView(as_of=now, homes=tuple(sorted(homes, key=_urgency)))


def _urgency(home: HomeView) -> tuple[bool, bool, bool, datetime, str]:
    """Where people live comes first; of these what is wrong, then what is quiet, longest first."""
    wrong = bool(home.troubles or home.missing or home.unclaimed)
    return not home.holders, not wrong, not home.quiet, home.heard_at or _NEVER, home.gateway


def _home(
    gateway_id: str,
    status: HomeStatusRow | None,
    stream: tuple[Numbers, datetime | None] | None,
    holders: Sequence[SlotRow],
    now: datetime,
) -> HomeView:
    numbers, last_at = stream or (Numbers(), None)
    missing = numbers.missing_by(now - GAP_GRACE)  # what is on its way is not missing
    status = status or HomeStatusRow(gateway_id=gateway_id)
    heard_at = max((at for at in (status.received_at, last_at) if at is not None), default=None)
    return HomeView(
        gateway=gateway_id,
        holders=tuple(HolderView(slot=h.slot, episode_id=h.episode_id) for h in holders),
        online=status.online,
        since=status.since,
        heard_at=heard_at,
        quiet=not status.online or heard_at is None or now - heard_at > QUIET_AFTER,
        missing=missing.count if missing else 0,
        missing_since=missing.since if missing else None,
        told_at=status.told_at,
        depth=status.depth,
        oldest_at=status.oldest_at,
        bytes=status.bytes,
        radio=status.radio,
        software=status.software,
        clock_ahead_s=status.clock_ahead_s,
        unclaimed=status.unclaimed,
        plans={int(slot): number for slot, number in (status.plans or {}).items()},
        devices=tuple(_device(DeviceStatus.model_validate(d)) for d in status.devices or ()),
        troubles=tuple(_trouble(trouble) for trouble in troubles_of(status)),
    )


def _device(device: DeviceStatus) -> DeviceView:
    return DeviceView(
        model=device.model,
        family=device.family,
        slots=device.slots,
        seen_at=device.seen_at,
        frame_at=device.frame_at,
        battery=device.battery,
    )


def _trouble(trouble: Trouble) -> TroubleView:
    return TroubleView(words=trouble_words(trouble), slot=trouble.slot, since=trouble.since)
