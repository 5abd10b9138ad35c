"""From the spool to the ward, and receipts back to the spool. The broker is only a wire.

Publishes nothing that is not in the spool, and lets the spool forget only what a receipt names
that carries this gateway's `mac`. What has no receipt after its time is sent again, and at once
after a new connection, for an earlier broker may have died with it. What was just taken goes before
a backlog (`drain.py`). Source: docs/reference/brokers-and-databases.md#delivery.
"""

import logging
import random
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from threading import Event
from typing import Final

from device_gateway.clock_skew import ClockCheck
from device_gateway.config.homes_file import Broker, Place
from device_gateway.publish import status
from device_gateway.publish.backlog import Drain
from device_gateway.publish.connection import (
    Confirmed,
    Connected,
    Connection,
    Pace,
    PlanCame,
    ReceiptsCame,
    Signed,
)
from device_gateway.publish.report import HomeReport
from device_gateway.spool.file import SpoolError
from device_gateway.spool.records import NOBODY, Held
from device_gateway.spool.recovery import damaged_since
from device_gateway.spool.spool import Spool
from ward_service.contract.clock import Clock
from ward_service.contract.envelope import Envelope
from ward_service.contract.messages import Receipt, Status, Trouble
from ward_service.contract.vocabulary import Outcome

log = logging.getLogger(__name__)

# Readings on their way without a receipt, per home: the ward's largest batch
# (docs/reference/brokers-and-databases.md#batches).
IN_FLIGHT: Final = 500
FOR_THE_NEWEST: Final = 10  # every tenth place is not for a backlog
UNSETTLED_MAX: Final = 4 * IN_FLIGHT  # receipts that wait for a spool that cannot be written
FOR_STATUS: Final = 2  # places in the broker's window that readings leave free
STATUS_EVERY: Final = timedelta(minutes=1)  # on the ward's clock
STATUS_APART_S: Final = 1.0  # real seconds, however fast that clock runs
TIDY_EVERY_S: Final = 60.0
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
    """What one home sends. `start`, then `pump` often from one thread, `farewell` and `stop`.

    `report` says what the home knows of itself, whenever a status is made. `on_plan` takes each
    plan that the ward has signed for this home, with its slot, new or known; it decides whether
    the plan is newer. Both run in the thread that pumps.
    """

    def __init__(
        self,
        place: Place,
        broker: Broker,
        spool: Spool,
        clock: Clock,
        wake: Event,
        pace: Pace | None = None,
        *,
        on_plan: Callable[[int, bytes], object],
        report: Callable[[], HomeReport],
    ) -> None:
        """Prepare to send what is in `spool`; `wake` is set whenever `pump` has something to do."""
        self._place, self._spool, self._clock = place, spool, clock
        self._on_plan, self._report = on_plan, report
        self._pace = pace or Pace()
        self._connection = Connection(place, broker, clock, wake, self._pace, spool.stream)
        self._drain = Drain(spool, self._pace.drain_per_s)
        self._offers: dict[int, _Offer] = {}  # by seq
        self._unconfirmed: dict[int, int] = {}  # mid -> seq, until the broker confirms
        self._unsettled: list[Receipt] = []
        self._window = 0
        self._resends = 0  # since the last receipt
        self._pauses = 0  # since the last receipt
        self._hold_until = 0.0
        self._let_go_after = 0.0
        self._settled_mono = 0.0
        self._clock_check = ClockCheck()
        self._found = status.Troubles(damaged_since(spool.path))
        self._troubles: tuple[Trouble, ...] = ()
        self._status_at: datetime | None = None
        self._looked_mono = 0.0
        self._tidy_mono = 0.0

    def start(self) -> None:
        """Connect, and keep connecting. Returns at once."""
        self._connection.start()

    def pump(self) -> None:
        """Settle the receipts that came, and send what is due. Returns soon; called often."""
        mono = time.monotonic()
        try:
            self._hear(mono)
            self._let_go(mono)
            if self._connection.up:
                self._say_status(mono)
                if mono >= self._hold_until:
                    self._offer_again(mono)
                    self._offer_new(mono)
        except SpoolError as error:
            log.error("spool.failed", extra=self._ids(why=str(error)))
            self._hold_until = mono + PAUSE_MAX_S

    def farewell(self) -> None:
        """Say that this home goes offline and how much it still holds, and begin to disconnect."""
        with suppress(RuntimeError, ValueError, SpoolError):  # unsaid: then the ward hears nothing
            if self._connection.up:
                said = self._connection.publish_status(self._status(online=False))
                said.wait_for_publish(FAREWELL_S)
        self._connection.disconnect()

    def stop(self) -> None:
        """End the network thread; of many homes, after the last `farewell`."""
        self._connection.stop()

    def _hear(self, mono: float) -> None:
        for heard in self._connection.heard():
            match heard:
                case Connected(window):
                    self._begin_again(window, mono)
                case Confirmed(mid, code):
                    self._confirm(mid, code, mono)
                case ReceiptsCame(signed, receipts):
                    self._check_clock(signed)
                    self._unsettled += receipts
                case PlanCame(signed, slot, payload):
                    self._check_clock(signed)
                    self._hand_on(slot, payload)

    def _check_clock(self, signed: Signed) -> None:
        if signed.live:
            self._clock_check.heard(signed.sent_at, signed.came_at)

    def _hand_on(self, slot: int, payload: bytes) -> None:
        try:
            self._on_plan(slot, payload)
        except Exception as error:  # noqa: BLE001 - a plan must not keep readings from the ward
            log.error("plan.failed", extra=self._ids(slot=slot, error=type(error).__name__))

    def _begin_again(self, window: int, mono: float) -> None:
        """Start over on a new connection. What no broker confirmed, paho sends again by itself."""
        self._window = max(1, window - FOR_STATUS)
        for offer in self._offers.values():
            if offer.with_broker:
                offer.due = mono
        self._drain.begin(self._spool.last_seq)
        self._settled_mono = mono  # the ward's silence, if it is silent, begins here
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

    def _let_go(self, mono: float) -> None:
        """Let go of what the ward has, and of what is too old to look back on."""
        if mono < self._let_go_after:
            return
        try:
            self._settle(mono)
            if mono - self._tidy_mono >= TIDY_EVERY_S:
                self._tidy_mono = mono
                self._spool.kept_within(self._clock.now())
                self._spool.tidy()
        except SpoolError as error:
            # Nothing is lost, and readings still go out: the receipts are tried again, and sent
            # again for what the ward is sent again.
            log.error("spool.failed", extra=self._ids(why=str(error)))
            self._let_go_after = mono + PAUSE_MAX_S

    def _settle(self, mono: float) -> None:
        if not self._unsettled:
            return
        del self._unsettled[:-UNSETTLED_MAX]
        until_now = self._spool.last_seq  # what is taken during the next line has not waited
        settled = self._spool.settle(self._unsettled, self._clock.now())
        for seq in settled:
            self._offers.pop(seq, None)
        if settled:
            if mono - self._settled_mono > self._pace.resend_after_s:
                self._drain.begin(until_now)  # the ward is back: what came meanwhile has waited
            self._settled_mono = mono
            self._resends = self._pauses = 0
        log.debug("readings.receipted", extra=self._ids(count=len(settled)))
        quarantined = sum(r.outcome is Outcome.QUARANTINED for r in self._unsettled)
        if quarantined:
            log.warning("readings.quarantined", extra=self._ids(count=quarantined))
        self._unsettled.clear()

    def _offer_again(self, mono: float) -> None:
        due = sorted(
            seq for seq, offer in self._offers.items() if offer.with_broker and offer.due <= mono
        )
        if not due:
            return
        waited = [seq for seq in due if self._drain.is_backlog(seq)]
        waited = waited[: self._drain.allowed(mono)]
        newest = [seq for seq in due if not self._drain.is_backlog(seq)]
        due = [*newest, *waited][: self._room()]
        if not due:
            return
        self._resends = min(self._resends + 1, SILENCE_MAX)
        log.info("readings.resent", extra=self._ids(count=len(due)))
        for held in self._spool.numbered(due):
            if not self._offer(held, mono):
                return
            self._drain.spend(self._drain.is_backlog(held.seq))

    def _offer_new(self, mono: float) -> None:
        places = min(IN_FLIGHT - len(self._offers), self._room())
        for held in self._drain.live(places):
            if not self._offer(held, mono):
                return
            places -= 1
        # What is not for a backlog is there for a reading that comes in the middle of it.
        places -= min(IN_FLIGHT, self._window) // FOR_THE_NEWEST or self._window > 1
        places = min(places, self._drain.allowed(mono))
        for held in self._drain.backlog(places, self._offers.keys()):
            if not self._offer(held, mono):
                return

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
        """Say how we are every minute, and at once when something went wrong, or well again."""
        now = self._clock.now()
        if mono - self._looked_mono < STATUS_APART_S and self._status_at is not None:
            return
        self._looked_mono = mono
        before = status.kinds(self._troubles)
        self._look(now)
        due = self._status_at is None or now - self._status_at >= STATUS_EVERY
        if due or status.kinds(self._troubles) != before:
            self._connection.publish_status(self._status(online=True))
            self._status_at = now

    def _look(self, now: datetime) -> None:
        report = self._reported()
        self._troubles = self._found.found(self._spool, self._clock_check, report, now)

    def _reported(self) -> HomeReport:
        try:
            return self._report()
        except Exception as error:  # noqa: BLE001 - the radio must not keep readings from the ward
            log.error("report.failed", extra=self._ids(error=type(error).__name__))
            return HomeReport()

    def _status(self, *, online: bool) -> Status:
        now = self._clock.now()
        self._look(now)
        return status.status(
            self._spool, self._clock_check, self._reported(), self._troubles, now, online=online
        )

    def _ids(self, **more: object) -> dict[str, object]:
        return {"gateway_id": self._place.gateway, **more}


def _jitter() -> float:
    return random.uniform(1.0, 1.3)  # noqa: S311 - spreading, not secrecy
