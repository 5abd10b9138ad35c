"""From the spool to the ward, and receipts back to the spool. The broker is only a wire.

Publishes nothing that is not in the spool, and lets the spool forget only what a receipt names
that carries this gateway's `mac`. What has no receipt after its time is sent again, and at once
after a new connection, for an earlier broker may have died with it. Source: RELIABILITY.md B.6.
"""

import logging
import random
import time
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from importlib.metadata import version
from threading import Event
from typing import Final

from device_gateway.connection import Confirmed, Connected, Connection, Pace
from device_gateway.homes import Broker, Place
from device_gateway.spool import NOBODY, Held, Spool
from device_gateway.spool_file import SpoolError
from ward_service.contract.clock import Clock
from ward_service.contract.envelope import Envelope
from ward_service.contract.messages import Receipt, Receipts, Status
from ward_service.contract.vocabulary import Outcome

log = logging.getLogger(__name__)

SOFTWARE: Final = f"homeward {version('homeward')}"
# Readings on their way without a receipt, per home: the ward's largest batch (RELIABILITY.md B.3).
IN_FLIGHT: Final = 500
FOR_STATUS: Final = 2  # places in the broker's window that readings leave free
STATUS_EVERY: Final = timedelta(minutes=1)  # on the ward's clock
STATUS_APART_S: Final = 1.0  # real seconds, however fast that clock runs
PAUSE_MAX_S: Final = 30.0  # longest pause while the broker has nobody to give a reading to
SILENCE_MAX: Final = 4  # doublings of the resend time while no receipt comes: 30 s to 8 min
FAREWELL_S: Final = 2.0


@dataclass(slots=True)
class _Offer:
    """A reading on its way: its packet, when it is due again, whether the broker has it."""

    mid: int
    due: float
    with_broker: bool = False


class Publisher:
    """What one home sends. `start`, then `pump` often from one thread, `farewell` and `stop`."""

    def __init__(
        self,
        place: Place,
        broker: Broker,
        spool: Spool,
        clock: Clock,
        wake: Event,
        pace: Pace | None = None,
    ) -> None:
        """Prepare to send what is in `spool`; `wake` is set whenever `pump` has something to do."""
        self._place, self._spool, self._clock = place, spool, clock
        self._pace = pace or Pace()
        self._connection = Connection(place, broker, clock, wake, self._pace, spool.stream)
        self._offers: dict[int, _Offer] = {}  # by seq
        self._unconfirmed: dict[int, int] = {}  # mid -> seq, until the broker confirms
        self._window = 0
        self._offered_upto = 0
        self._resends = 0  # since the last receipt
        self._pauses = 0  # since the last receipt
        self._hold_until = 0.0
        self._status_at: datetime | None = None
        self._status_mono = 0.0

    def start(self) -> None:
        """Connect, and keep connecting. Returns at once."""
        self._connection.start()

    def pump(self) -> None:
        """Settle the receipts that came, and send what is due. Returns soon; called often."""
        mono = time.monotonic()
        try:
            self._hear(mono)
            if self._connection.up:
                self._say_status(mono)
                if mono >= self._hold_until:
                    self._offer_again(mono)
                    self._offer_new(mono)
        except SpoolError as error:
            # Nothing is lost: what a receipt should have removed is sent, and receipted, again.
            log.error("spool.failed", extra=self._ids(why=str(error)))
            self._hold_until = mono + PAUSE_MAX_S

    def farewell(self) -> None:
        """Say that this home goes offline and how much it still holds, and begin to disconnect."""
        with suppress(RuntimeError, ValueError, SpoolError):  # unsaid: then the ward hears nothing
            if self._connection.up:
                status = self._connection.publish_status(self._status(online=False))
                status.wait_for_publish(FAREWELL_S)
        self._connection.disconnect()

    def stop(self) -> None:
        """End the network thread; of many homes, after the last `farewell`."""
        self._connection.stop()

    def _hear(self, mono: float) -> None:
        receipts: list[Receipt] = []
        for heard in self._connection.heard():
            match heard:
                case Connected(window):
                    self._begin_again(window, mono)
                case Confirmed(mid, code):
                    self._confirm(mid, code, mono)
                case Receipts(receipts=some):
                    receipts.extend(some)
        if receipts:
            self._settle(receipts)

    def _begin_again(self, window: int, mono: float) -> None:
        """Start over on a new connection. What no broker confirmed, paho sends again by itself."""
        self._window = max(1, window - FOR_STATUS)
        for offer in self._offers.values():
            if offer.with_broker:
                offer.due = mono
        self._resends = self._pauses = 0
        self._hold_until = 0.0
        self._status_at = None

    def _confirm(self, mid: int, code: int, mono: float) -> None:
        offer = self._offers.get(self._unconfirmed.pop(mid, 0))
        if offer is None or offer.mid != mid:
            return
        offer.with_broker = True
        if code == 0:
            return
        # Nobody listens there yet, or the broker will not have it: pause, longer each time.
        if mono >= self._hold_until:
            self._hold_until = mono + min(PAUSE_MAX_S, 2.0**self._pauses) * _jitter()
            self._pauses += 1
            log.info("broker.declined", extra=self._ids(code=code))
        offer.due = self._hold_until

    def _settle(self, receipts: list[Receipt]) -> None:
        settled = self._spool.settle(receipts, self._clock.now())
        for seq in settled:
            self._offers.pop(seq, None)
        if settled:
            self._resends = self._pauses = 0
        log.debug("readings.receipted", extra=self._ids(count=len(settled)))
        quarantined = sum(receipt.outcome is Outcome.QUARANTINED for receipt in receipts)
        if quarantined:
            log.warning("readings.quarantined", extra=self._ids(count=quarantined))

    def _offer_again(self, mono: float) -> None:
        due = [
            seq for seq, offer in self._offers.items() if offer.with_broker and offer.due <= mono
        ]
        due = sorted(due)[: self._room()]
        if not due:
            return
        self._resends = min(self._resends + 1, SILENCE_MAX)
        log.info("readings.resent", extra=self._ids(count=len(due)))
        for held in self._spool.numbered(due):
            if not self._offer(held, mono):
                return

    def _offer_new(self, mono: float) -> None:
        room = min(IN_FLIGHT - len(self._offers), self._room())
        if room <= 0 or self._spool.last_seq <= self._offered_upto:
            return
        for held in self._spool.after(self._offered_upto, room):
            if not self._offer(held, mono):
                return
            self._offered_upto = held.seq

    def _room(self) -> int:
        """Return how many messages this broker takes before it has confirmed one."""
        return max(0, self._window - len(self._unconfirmed))

    def _offer(self, held: Held, mono: float) -> bool:
        """Send one reading; False when none can be sent now."""
        envelope = Envelope(
            sent_at=self._clock.now(),
            slot=self._slot(held),
            stream=self._spool.stream,
            seq=held.seq,
            correlation=held.reading_id.bytes,
        )
        mid = self._connection.publish_reading(held.payload, envelope)
        if mid is None:
            return False
        wait = self._pace.resend_after_s * 2.0 ** max(0, self._resends - 1)
        self._offers[held.seq] = _Offer(mid, mono + wait * _jitter())
        self._unconfirmed[mid] = held.seq
        return True

    def _slot(self, held: Held) -> int | None:
        if held.slot is None:
            return self._place.slot
        return None if held.slot == NOBODY else held.slot

    def _say_status(self, mono: float) -> None:
        now = self._clock.now()
        if self._status_at is not None and (
            now - self._status_at < STATUS_EVERY or mono - self._status_mono < STATUS_APART_S
        ):
            return
        self._connection.publish_status(self._status(online=True))
        self._status_at, self._status_mono = now, mono

    def _status(self, *, online: bool) -> Status:
        return Status(
            online=online,
            sent_at=self._clock.now(),
            stream=self._spool.stream,
            next_seq=self._spool.last_seq + 1,
            spool_depth=self._spool.depth(),
            oldest_at=self._spool.oldest_at(),
            software=SOFTWARE,
            unclaimed=len(self._spool.unclaimed()),
        )

    def _ids(self, **more: object) -> dict[str, object]:
        return {"gateway_id": self._place.gateway, **more}


def _jitter() -> float:
    return random.uniform(1.0, 1.3)  # noqa: S311 - spreading, not secrecy
