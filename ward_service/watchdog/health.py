"""What is wrong with the ward itself, in words that name nobody: for /health and the watchdog.

Stages are judged by what they wrote while they worked, ladders and messages by what is due and was
not done. Source: docs/reference/brokers-and-databases.md#outbox, #watching-the-watcher.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from ward_service import worker
from ward_service.contract.clock import Clock
from ward_service.ingest.subscriber import STAGE as INGEST
from ward_service.notify.outbox import STAGE as NOTIFY
from ward_service.notify.routing import said_of
from ward_service.store.unit_of_work import Store

QUIET_AFTER: Final = timedelta(seconds=15)  # real time without a heartbeat
STUCK_AFTER: Final = timedelta(seconds=60)  # real time in which what is due is not done
# See docs/reference/brokers-and-databases.md#outbox
CHANNEL_FAILS_AFTER: Final = timedelta(seconds=60)
STAGES: Final = {
    INGEST: "The ward is not receiving readings from homes",
    worker.STAGE: "The ward is not watching for silence",
    NOTIFY: "The ward is not sending messages to people",
}


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing that is wrong. `kind` stays the same while it lasts; `since` is the ward's time."""

    kind: str
    words: str
    since: datetime | None = None


def troubles(
    store: Store,
    clock: Clock,
    quiet_after: timedelta = QUIET_AFTER,
    stuck_after: timedelta = STUCK_AFTER,
) -> list[Fault]:
    """Return everything that is wrong with the ward now."""
    now, wall = clock.now(), clock.wall()
    return [
        *_quiet(store, wall, quiet_after),
        *_stuck(store, clock, now, wall, stuck_after),
        *_failing(store, wall),
        *_unreached(store, now),
    ]


def _quiet(store: Store, wall: datetime, after: timedelta) -> Iterator[Fault]:
    beats = store.runtime.heartbeats()
    for stage, words in STAGES.items():
        beat = beats.get(stage)
        if beat is None or wall - beat.wall_at > after:
            yield Fault(f"stage:{stage}", words, beat.at if beat else None)


def _stuck(
    store: Store, clock: Clock, now: datetime, wall: datetime, after: timedelta
) -> Iterator[Fault]:
    before = now - after * clock.speed
    if steps := store.outbox.steps_overdue(before):
        yield Fault("ladder", f"{_some(steps, 'step')} of ladders fell due and nobody took them")
    if messages := store.outbox.untaken(before, wall - after):
        yield Fault("outbox", f"{_some(messages, 'message')} to people wait and nobody sends them")


def _failing(store: Store, wall: datetime) -> Iterator[Fault]:
    for row in store.channels.failing():
        since, last = row.failing_since, row.failed_at
        if since is not None and last is not None and last - since >= CHANNEL_FAILS_AFTER:
            minutes = max(1, int((wall - since).total_seconds() // 60))
            words = f"Nothing has gone out by {row.channel} for {minutes} min: {row.problem}"
            yield Fault(f"channel:{row.channel}", words)


def _unreached(store: Store, now: datetime) -> Iterator[Fault]:
    whom: dict[str, str] = {}
    for row in store.outbox.unreached(now):
        whom.setdefault(said_of(row.to), row.problem or "nobody is left to try")
    if whom:
        said = "; ".join(f"{who} ({problem})" for who, problem in whom.items())
        yield Fault("unreached", f"Somebody could not be reached: {said}")


def _some(count: int, thing: str) -> str:
    return f"{count} {thing}" if count == 1 else f"{count} {thing}s"
