"""Whether the ward itself is well: judged by what its stages wrote while they worked."""

from fastapi import APIRouter

from ward_service.api.deps import StoreDep, WardDep
from ward_service.contract.http.board import HealthView
from ward_service.store.unit_of_work import Store
from ward_service.ward import Ward
from ward_service.watchdog.health import troubles
from ward_service.watchdog.heartbeat import last_look, silent

router = APIRouter(tags=["health"])


@router.get("/health")
def get_health(ward: WardDep, store: StoreDep) -> HealthView:
    """Say how the ward is. Needs no sign-in: it names nobody."""
    return health(ward, store)


def health(ward: Ward, store: Store) -> HealthView:
    """Return how the ward is; `quiet_since` when a stage has not worked for a while."""
    found = troubles(store, ward.clock)
    words = [trouble.words for trouble in found]
    watchdog_at = last_look(ward.settings.watchdog_file)
    if watchdog_at is not None and silent(watchdog_at, ward.clock.wall()):
        words.append("The watchdog is silent: nobody is rung when the ward fails")
    blind = store.runtime.last_blindness()
    return HealthView(
        now=ward.clock.now(),
        use=ward.settings.use,
        speed=ward.clock.speed,
        well=not words,
        words=". ".join(words),
        quiet_since=min((t.since for t in found if t.since is not None), default=None),
        stages={stage: row.at for stage, row in store.runtime.heartbeats().items()},
        blind_from=blind.blind_from if blind else None,
        blind_until=blind.blind_until if blind else None,
        watchdog_at=watchdog_at,
    )
