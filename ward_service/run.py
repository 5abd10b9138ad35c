"""The roles of the ward as processes: api, ingest, worker, or all three in one.

The worker sends messages too (`notify`), in a thread of its own: what writes a message and what
sends it are then there together or not at all, and a ward has no fourth service to forget.

On SQLite one process holds all roles, and a lock row: two would each believe that they are the
ward. Separate roles need PostgreSQL (docs/understand/design.md#databases).
"""

import gc
import logging
import os
import signal
import socket
from collections.abc import Callable, Iterable
from datetime import datetime, timedelta
from functools import partial
from threading import Event, Thread
from typing import Final

import uvicorn

from ward_service import worker
from ward_service.api.app import create_app
from ward_service.errors import StorageDownError, WardError
from ward_service.homes.plans import PlanSender
from ward_service.homes.read_receipts import ReadReceiptSender
from ward_service.homes.wire import Wire
from ward_service.ingest import subscriber
from ward_service.logs import log
from ward_service.notify import outbox
from ward_service.pipeline import dispatch_batch
from ward_service.store.connect import engine_of
from ward_service.ward import Ward

ROLES: Final = ("api", "ingest", "worker")
LOCK_LASTS: Final = timedelta(seconds=10)  # real time; then its holder counts as dead
LOCK_EVERY_S: Final = 2.0


def run(ward: Ward, roles: Iterable[str]) -> None:
    """Run roles until SIGTERM or Ctrl-C; if one of them dies, all end, and loudly.

    Raises:
        WardError: another process is this ward already, or a single role was asked of SQLite.
    """
    wanted = [role for role in ROLES if role in set(roles)]
    embedded = engine_of(ward.sessions).dialect.name == "sqlite"
    if embedded and wanted != list(ROLES):
        raise WardError(
            "On SQLite one process holds all roles: run ward-service run. Separate roles need "
            "PostgreSQL (HOMEWARD_DATABASE_URL=postgresql://...)."
        )
    owner = f"{socket.gethostname()}:{os.getpid()}:{os.urandom(4).hex()}"
    if embedded:
        _take_lock(ward, owner)
    stop = Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    works: dict[str, Callable[[], None]] = {
        "worker": partial(worker.run_worker, ward, stop),
        outbox.STAGE: partial(outbox.run, ward, stop),
        "ingest": partial(run_ingest, ward, stop),
        "api": partial(run_api, ward, stop),
    }
    for role in wanted:
        if role != "api":
            worker.note_blindness(ward, role)
    _settle_memory()
    working = [*wanted, *([outbox.STAGE] if "worker" in wanted else [])]
    threads = [Thread(target=works[name], name=name, daemon=True) for name in working]
    if embedded:
        threads.append(Thread(target=partial(_keep_lock, ward, owner, stop), daemon=True))
    for thread in threads:
        thread.start()
    log("ward.started", roles=wanted)
    died = _wait(threads, stop)
    stop.set()
    for thread in threads:
        thread.join(timeout=10)
    if died:
        raise WardError(f"The role {died} ended by itself, so the ward stopped. See its log.")
    log("ward.stopped")


def _settle_memory() -> None:
    """Keep the collector from walking the whole heap for each batch's short-lived objects.

    What is imported by now stays for ever. Measured by tests/benchmarks: a fifth of ingest.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(50_000, 20, 50)


def run_ingest(ward: Ward, stop: Event) -> None:
    """Take what homes send from the broker, and tell them what is due, until told to stop."""
    senders = PlanSender(ward), ReadReceiptSender(ward)

    def deliver(wire: Wire, now: datetime) -> None:
        for sender in senders:
            sender.deliver(wire, now)

    subscriber.run(
        settings=ward.settings,
        commit=lambda batch: dispatch_batch(ward, batch, ward.clock.now()),
        key_of=ward.key_of,
        beat=partial(beat, ward, subscriber.STAGE),
        now=ward.clock.now,
        stop=stop,
        deliver=deliver,
    )


def beat(ward: Ward, stage: str) -> None:
    """Note that a stage has just done its work. A database that is away is no reason to die."""
    try:
        with ward.unit_of_work() as store:
            store.runtime.beat(stage, ward.clock.now(), ward.clock.wall())
    except StorageDownError:
        log("storage.down", stage=stage)


def run_api(ward: Ward, stop: Event) -> None:
    """Answer over HTTP until told to stop."""
    config = uvicorn.Config(
        create_app(ward),
        host=ward.settings.api_host,
        port=ward.settings.api_port,
        log_level="warning",
        access_log=False,  # a URL names a stay
        lifespan="off",
    )
    server = uvicorn.Server(config)
    Thread(target=_stop_when_told, args=(server, stop), daemon=True).start()
    server.run()


def _stop_when_told(server: uvicorn.Server, stop: Event) -> None:
    stop.wait()
    server.should_exit = True


def _wait(threads: list[Thread], stop: Event) -> str | None:
    while not stop.wait(0.2):
        for thread in threads:
            if not thread.is_alive():
                return thread.name
    return None


def _take_lock(ward: Ward, owner: str) -> None:
    """Become the one process of a SQLite ward.

    Raises:
        WardError: another one is alive. One on this machine whose process is gone is dead at
            once; one elsewhere, once it has not said that it lives for LOCK_LASTS.
    """
    wall = ward.clock.wall()
    with ward.unit_of_work() as store:
        held = store.runtime.lock_holder()
        if held is not None and wall - held.wall_at < LOCK_LASTS and not _is_gone(held.owner):
            raise WardError(
                "Another ward-service is running on this database. Stop it first, or, if its "
                f"machine has died, try again in {LOCK_LASTS.seconds} seconds. Nothing was changed."
            )
        store.runtime.hold_lock(owner, wall)


def _is_gone(owner: str) -> bool:
    host, pid, _ = owner.split(":")
    if host != socket.gethostname():
        return False
    try:
        os.kill(int(pid), 0)
    except ProcessLookupError:
        return True
    except PermissionError:
        return False
    return int(pid) == os.getpid()


def _keep_lock(ward: Ward, owner: str, stop: Event) -> None:
    """Say that this process lives; if another took the lock, end: two would both be the ward."""
    while not stop.wait(LOCK_EVERY_S):
        try:
            with ward.unit_of_work() as store:
                held = store.runtime.lock_holder()
                if held is not None and held.owner != owner:
                    log("lock.lost", logging.ERROR)
                    stop.set()
                    return
                store.runtime.hold_lock(owner, ward.clock.wall())
        except StorageDownError:
            log("storage.down", stage="lock")
