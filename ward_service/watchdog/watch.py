"""The watchdog: a process of its own that shares only the database with the ward, and reads it.

It notices a stage that died or froze, a ladder that is stuck, messages that nobody sends, people
who cannot be reached, and a database that does not answer. Whoever operates the ward is rung by
channels that do not need the database.
Source: docs/reference/brokers-and-databases.md#watching-the-watcher.
"""

import logging
from datetime import datetime, timedelta
from pathlib import Path
from threading import Event, Thread
from typing import Final

from ward_service.contract.clock import Clock
from ward_service.logs import log
from ward_service.settings import Settings
from ward_service.store.connect import connect, engine_of
from ward_service.store.unit_of_work import unit_of_work
from ward_service.watchdog.health import Fault, troubles
from ward_service.watchdog.heartbeat import leave
from ward_service.watchdog.ringer import Ringer, operators

LOOK_S: Final = 0.25  # real seconds between two looks
BEAT_S: Final = 1.0  # real seconds between two heartbeats
PAUSE_S: Final = 1.0  # real seconds after a look that failed
NO_ANSWER: Final = Fault("database", "The ward's database does not answer")


def run_watchdog(settings: Settings, clock: Clock, stop: Event) -> None:
    """Watch until told to stop.

    Raises:
        WardError: the operator is to be rung by a channel that is not set up.
    """
    settings.data_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
    limit = timedelta(seconds=settings.watchdog_limit_s)
    rings = operators(settings)
    ringer = Ringer(rings, timedelta(seconds=settings.watchdog_again_s), limit)
    watch = Watch(settings, clock)
    log("watchdog.started", rings=[operator.channel for operator in rings])
    if not rings:
        log("watchdog.rings_nobody", logging.WARNING)
    # A mail server that hangs must hold up neither the looking nor the heartbeat.
    Thread(target=_ring, args=(ringer, watch, clock, stop), name="ringer", daemon=True).start()
    last_beat: datetime | None = None
    while not stop.wait(LOOK_S):
        wall = clock.wall()
        watch.judge(wall)
        if last_beat is None or (wall - last_beat).total_seconds() >= BEAT_S:
            _beat(settings.watchdog_file, wall)
            last_beat = wall
    watch.leave()
    log("watchdog.stopped")


class Watch:
    """What is wrong with the ward, as far as can be seen from outside.

    For the first `limit` nothing is: the ward may be starting, and its heartbeats old.
    """

    def __init__(self, settings: Settings, clock: Clock) -> None:
        self._settings = settings
        self._clock = clock
        self._limit = timedelta(seconds=settings.watchdog_limit_s)
        self._began = clock.wall()
        self._look = _Look(settings, clock)
        self.found: list[Fault] = []

    def judge(self, wall: datetime) -> None:
        """Take in what was last seen. A look that hangs, or fails, is a database in trouble."""
        looking = self._look
        if wall - self._began < self._limit:
            return
        if wall - looking.seen_at < self._limit:
            self.found = looking.found
            return
        self.found = [NO_ANSWER]
        if wall - looking.began >= 2 * self._limit:
            looking.leave()
            self._look = _Look(self._settings, self._clock, looking.seen_at)

    def leave(self) -> None:
        """Look no more."""
        self._look.leave()


class _Look:
    """Asks the database again and again, in a thread of its own: it may hang, and we must not."""

    def __init__(self, settings: Settings, clock: Clock, seen_at: datetime | None = None) -> None:
        self._settings = settings
        self._clock = clock
        self._left = Event()
        self.began = clock.wall()
        self.seen_at = seen_at or self.began
        self.found: list[Fault] = []
        Thread(target=self._run, name="look", daemon=True).start()

    def leave(self) -> None:
        """Let the thread end when it can."""
        self._left.set()

    def _run(self) -> None:
        sessions = connect(self._settings.database)
        file = engine_of(sessions).url.database if self._is_sqlite() else None
        limit = timedelta(seconds=self._settings.watchdog_limit_s)
        stuck = timedelta(seconds=self._settings.watchdog_stuck_s)
        while not self._left.wait(LOOK_S):
            if file is not None and not Path(file).is_file():
                continue  # to connect would make an empty one
            try:
                with unit_of_work(sessions, read_only=True) as store:
                    self.found = troubles(store, self._clock, limit, stuck)
            except Exception as error:  # noqa: BLE001 - whatever it is, this look saw nothing
                log("look.failed", logging.WARNING, error=type(error).__name__)
                self._left.wait(PAUSE_S)
            else:
                self.seen_at = self._clock.wall()
        engine_of(sessions).dispose()

    def _is_sqlite(self) -> bool:
        return self._settings.database.startswith("sqlite:")


def _ring(ringer: Ringer, watch: Watch, clock: Clock, stop: Event) -> None:
    while not stop.wait(LOOK_S):
        ringer.step(watch.found, clock.wall())


def _beat(file: Path, wall: datetime) -> None:
    try:
        leave(file, wall)
    except OSError as error:
        log("watchdog.cannot_write", logging.ERROR, error=type(error).__name__)
