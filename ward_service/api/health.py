"""Whether the ward itself is well: judged by what its stages wrote while they worked."""

from datetime import datetime, timedelta
from typing import Final

from fastapi import APIRouter

from ward_service import worker
from ward_service.api.deps import StoreDep, WardDep
from ward_service.contract.api import HealthView
from ward_service.ingest.subscriber import STAGE as INGEST
from ward_service.store.tables import HeartbeatRow
from ward_service.store.unit_of_work import Store
from ward_service.ward import Ward

router = APIRouter(tags=["health"])

QUIET_AFTER: Final = timedelta(seconds=15)  # real time without a heartbeat
SAID: Final = {
    INGEST: "The ward is not receiving readings from homes",
    worker.STAGE: "The ward is not watching for silence",
}


@router.get("/health")
def get_health(ward: WardDep, store: StoreDep) -> HealthView:
    """Say how the ward is. Needs no sign-in: it names nobody."""
    return health(ward, store)


def health(ward: Ward, store: Store) -> HealthView:
    """Return how the ward is; `quiet_since` when a stage has not worked for a while."""
    beats = store.heartbeats()
    wall = ward.clock.wall()
    quiet = [
        (_since(beats.get(stage)), words)
        for stage, words in SAID.items()
        if stage not in beats or wall - beats[stage].wall_at > QUIET_AFTER
    ]
    blind = store.last_blindness()
    since = min((at for at, _ in quiet if at is not None), default=None)
    return HealthView(
        now=ward.clock.now(),
        use=ward.settings.use,
        speed=ward.clock.speed,
        well=not quiet,
        words=". ".join(words for _, words in quiet),
        quiet_since=since,
        stages={stage: row.at for stage, row in beats.items()},
        blind_from=blind.blind_from if blind else None,
        blind_until=blind.blind_until if blind else None,
    )


def _since(row: HeartbeatRow | None) -> datetime | None:
    return row.at if row else None
