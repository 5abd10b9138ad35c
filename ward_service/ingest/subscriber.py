"""MQTT in: commit, then receipts, then acknowledgements. In that order, always.

A reading is kept, quarantined, or still with its sender: the receipt, which lets a home forget it,
leaves only after the commit; the acknowledgement, which lets the broker forget it, comes last.
Source: docs/understand/design.md#promises, #wire-contract;
docs/reference/brokers-and-databases.md#commit-before-acknowledgement.
"""

import logging
import time
from collections.abc import Callable, Sequence
from datetime import datetime
from threading import Event
from typing import Final

from ward_service.contract.messages import Receipt
from ward_service.errors import StorageDownError
from ward_service.homes.receipts import sign_receipts
from ward_service.homes.wire import Wire
from ward_service.ingest.connection import Connection, Delivery
from ward_service.ingest.inbox import Inbox
from ward_service.ingest.message import ArrivedMessage
from ward_service.logs import log
from ward_service.settings import Settings

Commit = Callable[[Sequence[ArrivedMessage]], list[tuple[str, Receipt]]]

STAGE: Final = "ingest"
BATCH: Final = 500  # messages in one transaction
LINGER_S: Final = 0.010  # how long the first message of a batch waits for more
HOLDS: Final = 2_000  # messages in memory; beyond, the network thread waits and TCP pushes back
BEAT_S: Final = 1.0  # real seconds between two heartbeats
PAUSE_S, PAUSE_MAX_S = 0.1, 5.0  # between two attempts to commit


def run(
    *,
    settings: Settings,
    commit: Commit,
    key_of: Callable[[str], bytes | None],
    beat: Callable[[], None],
    now: Callable[[], datetime],
    stop: Event,
    deliver: Callable[[Wire, datetime], None] | None = None,
) -> None:
    """Take messages from the broker until told to stop; the batch in hand is then finished.

    `commit` returns a receipt (gateway, receipt) for all that is now durable, and raises
    StorageDownError when nothing is. `beat` is called about once a second while messages can
    arrive: a ward that hears nobody must not look well. `deliver` is called as often, with the
    connection: it sends what does not answer a reading, such as plans.
    """
    inbox: Inbox[Delivery] = Inbox(HOLDS)
    connection = Connection(settings, inbox)
    connection.start()
    beat_after = 0.0
    try:
        while not stop.is_set():
            batch = inbox.take(BATCH, LINGER_S, timeout_s=BEAT_S / 2)
            if batch:
                receipts = _until_kept(commit, [delivery.arrived for delivery in batch], stop)
                if receipts is None:
                    return
                connection.publish(sign_receipts(receipts, key_of, now(), settings.base_topic))
                connection.acknowledge(batch)
            if connection.receiving and time.monotonic() >= beat_after:
                beat()
                _try_to(deliver, connection, now())
                beat_after = time.monotonic() + BEAT_S
            if connection.dead:
                log("connection.died", logging.ERROR)
                connection.close()
                connection = Connection(settings, inbox)
                connection.start()
    finally:
        inbox.close()
        connection.close()


def _try_to(
    deliver: Callable[[Wire, datetime], None] | None, connection: Connection, now: datetime
) -> None:
    """Send what is due besides receipts; whatever is wrong with it must not stop readings."""
    if deliver is None:
        return
    try:
        deliver(connection, now)
    except Exception as error:  # noqa: BLE001 - readings come first
        log("delivery.broke_us", logging.ERROR, error=type(error).__name__)


def _until_kept(
    commit: Commit, batch: Sequence[ArrivedMessage], stop: Event
) -> list[tuple[str, Receipt]] | None:
    """Commit the same batch until it is kept; None when told to stop before it was.

    A batch that breaks our own code is taken apart. The one message that does is acknowledged,
    or it would block the rest, and gets no receipt: its home still holds it.
    """
    pause_s = PAUSE_S
    while True:
        try:
            return commit(batch)
        except StorageDownError:
            log("storage.down", logging.ERROR, stage=STAGE, waiting=len(batch))
        except Exception as error:  # noqa: BLE001 - one message must not stop the others
            log("batch.broke_us", logging.ERROR, error=type(error).__name__, size=len(batch))
            return _one_by_one(commit, batch, stop) if len(batch) > 1 else []
        if stop.wait(pause_s):
            return None
        pause_s = min(2 * pause_s, PAUSE_MAX_S)


def _one_by_one(
    commit: Commit, batch: Sequence[ArrivedMessage], stop: Event
) -> list[tuple[str, Receipt]] | None:
    receipts: list[tuple[str, Receipt]] = []
    for message in batch:
        its_own = _until_kept(commit, [message], stop)
        if its_own is None:
            return None
        receipts += its_own
    return receipts
