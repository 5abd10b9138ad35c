"""The tick: silence, provisional alerts that nobody repeated, missing numbers. On a clock."""

from datetime import datetime, timedelta
from threading import Event
from typing import Final

from ward_service.errors import StorageDownError
from ward_service.homes.watch import look_at_gaps
from ward_service.logs import log
from ward_service.pipeline import process_due_deadlines, write_due
from ward_service.store.tables.runtime import BlindRow
from ward_service.ward import Ward

STAGE: Final = "worker"
AT_ONCE: Final = 200  # stays in one transaction, so that nobody waits long for the lock
TICK_S: Final = 0.5  # real seconds between two looks
BEAT_S: Final = 1.0  # real seconds between two heartbeats
BLIND_AFTER: Final = timedelta(seconds=60)  # real time without a heartbeat: the ward was down


def note_blindness(ward: Ward, stage: str) -> None:
    """On starting: if this stage was down, say from when to when, and let homes catch up first."""
    now, wall = ward.clock.now(), ward.clock.wall()
    with ward.unit_of_work() as store:
        before = store.runtime.heartbeats().get(stage)
        if before is not None and wall - before.wall_at > BLIND_AFTER:
            grace = max(pathway.start_up_grace for pathway in ward.pathways.values())
            store.runtime.note_blindness(
                BlindRow(blind_from=before.at, blind_until=now, grace_until=now + grace)
            )
            log("ward.was_blind", stage=stage, from_=before.at, until=now)


def run_worker(ward: Ward, stop: Event) -> None:
    """Look at what has fallen due until told to stop; a database that is away is waited for."""
    last_beat = ward.clock.wall()
    while not stop.wait(TICK_S):
        try:
            now, wall = ward.clock.now(), ward.clock.wall()
            tick(ward, now)
            if (wall - last_beat).total_seconds() >= BEAT_S:
                with ward.unit_of_work() as store:
                    store.runtime.beat(STAGE, now, wall)
                last_beat = wall
        except StorageDownError:
            log("storage.down", stage=STAGE)


def tick(ward: Ward, now: datetime) -> None:
    """Do everything that has fallen due by now."""
    while process_due_deadlines(ward, now, AT_ONCE) == AT_ONCE:  # more are waiting
        pass
    while look_at_gaps(ward, now, AT_ONCE) == AT_ONCE:
        pass
    write_due(ward, now)
