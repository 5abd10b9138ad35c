"""Send what waits: claim it with a lease, send it under its key, mark it. In that order, always.

A sender that dies in between holds its messages until their lease runs out; then they go out
again under the same key, so that whoever receives them can tell.
Source: docs/reference/brokers-and-databases.md#outbox.
"""

import logging
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from threading import Event, Lock, Thread
from typing import Final
from uuid import UUID

from ward_service.contract.vocabulary import PATIENT, Channel
from ward_service.errors import MessageLostError, NotifyError, StorageDownError
from ward_service.logs import log
from ward_service.notify.channels import open_channels
from ward_service.notify.delivery import ASK_AFTER, ask_until
from ward_service.notify.notifier import Notifier, OutgoingMessage, Reporting
from ward_service.notify.relevance import why_not
from ward_service.notify.routing import Way, next_way, said_of, ways_for
from ward_service.notify.words import outgoing
from ward_service.store.outbox import About
from ward_service.store.tables.messages import MessageRow, RosterRow
from ward_service.store.unit_of_work import Store
from ward_service.ward import Ward

STAGE: Final = "notify"
POLL_S: Final = 0.25  # real seconds between two looks
BEAT_S: Final = 1.0  # real seconds between two heartbeats
BACKOFF: Final = (timedelta(seconds=5), timedelta(seconds=15), timedelta(seconds=45))
AT_ONCE: Final = 20  # messages looked at in one transaction, so that nobody waits long for the lock
LINES: Final = 4  # sends at a time by one channel: one that hangs must not hold up another
FINISH_S: Final = 5.0  # what is half-way when the ward ends may take so long; then its lease runs

Channels = Mapping[Channel, Notifier]


@dataclass(frozen=True, slots=True)
class Claim:
    """A message that is ours until `lease` (real time), and by which way it is tried.

    `reports`: its channel can say afterwards whether it arrived.
    """

    message: OutgoingMessage
    way: Way
    lease: datetime
    episode_id: UUID
    alert_id: UUID | None
    reports: bool


def claim(
    ward: Ward, channels: Channels, busy: Mapping[Channel, int], now: datetime, wall: datetime
) -> list[Claim]:
    """Take messages that wait, as many as each channel has free lines.

    What is not worth sending any more is stopped here, and what nobody is left for is given up.
    An alert that was answered before this transaction is not rung for.
    """
    with ward.unit_of_work(read_only=True) as store:
        if not store.outbox.anything_to_send(wall):
            return []
    claimed: list[Claim] = []
    lines = Counter({channel: LINES - busy.get(channel, 0) for channel in channels})
    full = {channel for channel, free in lines.items() if free <= 0}
    with ward.unit_of_work() as store:
        rows = store.outbox.to_send(wall, full, AT_ONCE)
        if not rows:
            return []
        about = store.outbox.about(rows)
        roster = store.roster.all(now)
        for row in rows:
            if row.way is not None and row.channel is not None and lines[row.channel] <= 0:
                continue  # its turn comes when a line is free
            try:
                found = _claim(ward, store, row, about[row.key], roster, now)
            except Exception as error:  # noqa: BLE001 - the next message must not wait for it
                _give_up(store, row, now, f"our fault: {type(error).__name__}")
                continue
            if found is None or lines[found[0].channel] <= 0:
                continue
            way, message = found
            lines[way.channel] -= 1
            # Twice the timeout: who has not marked it by then is taken for dead.
            lease = wall + timedelta(seconds=2 * channels[way.channel].timeout_s)
            store.outbox.lease(row, lease)
            reports = isinstance(channels[way.channel], Reporting)
            claimed.append(Claim(message, way, lease, row.episode_id, row.alert_id, reports))
    return claimed


def _claim(
    ward: Ward,
    store: Store,
    row: MessageRow,
    about: About,
    roster: Mapping[str, Sequence[RosterRow]],
    now: datetime,
) -> tuple[Way, OutgoingMessage] | None:
    """Return by which way a message is to go out now; None when it has come to its end."""
    if reason := why_not(row, about, now):
        store.outbox.stop(row, now, reason)
        return None
    way = next_way(ways_for(row, about.patient, roster), row)
    if way is None:
        nobody = f"{said_of(row.to)} has no way to be reached"
        _give_up(store, row, now, row.problem or nobody)
        return None
    store.outbox.set_way(row, way.id, way.channel)
    return way, outgoing(ward, row, way, about)


def _give_up(store: Store, row: MessageRow, now: datetime, problem: str) -> None:
    store.outbox.give_up(row, now, problem)
    whom = PATIENT if row.to == PATIENT else "staff"
    log("message.given_up", logging.ERROR, alert_id=row.alert_id, whom=whom, problem=problem)


def send(ward: Ward, channels: Channels, claimed: Claim) -> bool:
    """Send a message, unless somebody answered since it was claimed; return whether it went.

    Raises:
        NotifyError: it did not go out.
    """
    if ward.clock.wall() >= claimed.lease:  # we were held up, and another has it by now
        return False
    with ward.unit_of_work(read_only=True) as store:
        if not store.outbox.holds(claimed.message.key, claimed.lease):
            return False
    channels[claimed.way.channel].send(claimed.message)
    return True


def settle(
    ward: Ward, claimed: Claim, failure: NotifyError | None, now: datetime, wall: datetime
) -> None:
    """Mark what became of a message. After the last attempt by a way the next way is tried."""
    channel = claimed.way.channel
    ask_at = wall + ASK_AFTER[0] if claimed.reports else None
    with ward.unit_of_work() as store:
        if failure is None and channel is Channel.PHONE:
            # First of all: whoever folds a stay locks it first, and its messages after it.
            store.stays.show_again(claimed.episode_id)
        if not isinstance(
            failure, MessageLostError
        ):  # the channel took it: one phone is not the channel
            store.channels.note(channel, wall, str(failure) if failure else None)
        if failure is None:
            store.outbox.mark_sent(claimed.message.key, claimed.way.id, channel, now, ask_at)
            return
        row = store.outbox.leased(claimed.message.key, claimed.lease)
        if row is None:
            return
        attempts = row.attempts
        if failure.permanent or attempts > len(BACKOFF):
            store.outbox.close_way(row, wall, str(failure))
        else:
            store.outbox.try_again(row, wall + BACKOFF[attempts - 1], str(failure))
    log(
        "message.failed",
        logging.WARNING,
        alert_id=claimed.alert_id,
        channel=channel,
        attempts=attempts,
        permanent=failure.permanent,
        problem=str(failure),
    )


class Sender:
    """Sends what waits, each message in a thread of its own, a few at a time by each channel."""

    def __init__(self, ward: Ward, channels: Channels) -> None:
        self._ward = ward
        self._channels = channels
        self._busy: Counter[Channel] = Counter()
        self._lock = Lock()
        self._threads: set[Thread] = set()
        self._done = Event()

    def look(self, now: datetime, wall: datetime) -> int:
        """Claim what can be claimed and begin to send it; return how much that was."""
        with self._lock:
            busy = Counter(self._busy)
        claimed = claim(self._ward, self._channels, busy, now, wall)
        for each in claimed:
            thread = Thread(target=self._send, args=(each,), daemon=True)
            with self._lock:
                self._busy[each.way.channel] += 1
                self._threads.add(thread)
            thread.start()
        return len(claimed)

    def wait(self) -> None:
        """Wait until a line is free, or until it is time to look again."""
        self._done.wait(POLL_S)
        self._done.clear()

    def finish(self, seconds: float) -> None:
        """Wait for what is half-way."""
        with self._lock:
            threads = list(self._threads)
        for thread in threads:
            thread.join(seconds / max(1, len(threads)))

    def _send(self, claimed: Claim) -> None:
        """Send one message and mark it: what a thread of ours does, and it never raises."""
        ward, failure = self._ward, None
        try:
            try:
                if not send(ward, self._channels, claimed):
                    return
            except NotifyError as error:
                failure = error
            except StorageDownError:
                raise
            except Exception as error:  # noqa: BLE001 - its text could repeat the address
                failure = NotifyError(f"our fault: {type(error).__name__}", permanent=False)
            settle(ward, claimed, failure, ward.clock.now(), ward.clock.wall())
            if failure is None:
                log("message.sent", alert_id=claimed.alert_id, channel=claimed.way.channel)
        except StorageDownError:  # unmarked: when its lease has run out it goes again, same key
            log("storage.down", logging.ERROR, stage=STAGE)
        except Exception as error:  # noqa: BLE001 - the outermost frame of this thread
            log("message.broke_us", logging.ERROR, error=type(error).__name__)
        finally:
            with self._lock:
                self._busy[claimed.way.channel] -= 1
                self._threads = {thread for thread in self._threads if thread.is_alive()}
            self._done.set()


def run(ward: Ward, stop: Event) -> None:
    """Send what waits until told to stop; a database that is away is waited for."""
    channels = open_channels(ward.settings)
    sender = Sender(ward, channels)
    asking = Thread(target=ask_until, args=(ward, channels, stop), daemon=True)
    asking.start()
    last_beat = ward.clock.wall()
    while not stop.is_set():
        try:
            now, wall = ward.clock.now(), ward.clock.wall()
            sender.look(now, wall)
            if (wall - last_beat).total_seconds() >= BEAT_S:
                with ward.unit_of_work() as store:
                    store.runtime.beat(STAGE, now, wall)
                last_beat = wall
        except StorageDownError:
            log("storage.down", logging.ERROR, stage=STAGE)
        sender.wait()
    sender.finish(FINISH_S)
