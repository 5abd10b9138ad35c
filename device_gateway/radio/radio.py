"""Listening to the devices of a home, for years: a state machine.

Source: docs/reference/device-layouts.md#radio-states.

    scan -> an advert of ours -> scan no more -> connect -> subscribe -> its session -> scan

One connect at a time; sessions go on beside. What fails is tried again, later each time, and then
with more force. Nothing that happens here ends `listen`.
"""

import asyncio
import logging
import math
import time
from dataclasses import dataclass

from bleak.backends.device import BLEDevice

from device_gateway.config.devices_file import Devices, Paired
from device_gateway.decode.family import Advert
from device_gateway.decode.registry import FAMILIES
from device_gateway.radio.agent import Agent
from device_gateway.radio.bluez import Bluez, BluezError, RadioAwayError, bluez
from device_gateway.radio.gatt import GattError
from device_gateway.radio.pace import RadioPace
from device_gateway.radio.scan import Scan, ScanError, close_bleak, quiet_libraries
from device_gateway.radio.session import Ending, Session, UnreadError, short
from device_gateway.radio.sink import Hear
from device_gateway.radio.state import Adapter, Doing, RadioState
from device_gateway.radio.waiting import end, first, unless
from ward_service.contract.clock import Clock

log = logging.getLogger(__name__)


@dataclass(slots=True)
class _Tries:
    """What was tried with a device. `failures`, and `empty` connections, are those in a row."""

    failures: int = 0
    empty: int = 0
    not_before: float = 0.0  # monotonic


async def listen(
    devices: Devices,
    hear: Hear,
    clock: Clock,
    stop: asyncio.Event,
    state: RadioState,
    pace: RadioPace | None = None,
) -> None:
    """Hear these devices until `stop`, whatever becomes of the radio meanwhile."""
    quiet_libraries()
    pace = pace or RadioPace()
    state.enrol(devices)
    state.restart_wanted(wanted=False)
    radio = _Radio(devices, hear, clock, stop, state, pace)
    while not stop.is_set():
        wait_s = pace.adapter_look_s
        try:
            await radio.while_it_is_on()
            wait_s = pace.backoff_first_s
        except RadioAwayError as away:
            if state.adapter_is(away.adapter):
                log.warning("radio.away", extra={"why": away.adapter.value})
        except Exception as error:  # noqa: BLE001 - the outermost loop
            state.adapter_is(Adapter.STUCK)
            log.error("radio.failed", extra={"error": type(error).__name__})
        await first(stop.wait(), timeout_s=wait_s)
    await close_bleak(pace)


class _Radio:
    """The devices of a home, over many lives of bluetoothd."""

    def __init__(
        self,
        devices: Devices,
        hear: Hear,
        clock: Clock,
        stop: asyncio.Event,
        state: RadioState,
        pace: RadioPace,
    ) -> None:
        self._adapter = devices.adapter
        self._devices = {device.address: device for device in devices.devices}
        self._hear, self._clock, self._stop = hear, clock, stop
        self._state, self._pace = state, pace
        self._tries = {address: _Tries() for address in self._devices}
        self._sessions: dict[str, asyncio.Task[None]] = {}
        self._seen: dict[str, tuple[float, BLEDevice]] = {}
        self._cached: set[str] = set()  # whose services bleak knows from this life of bluetoothd
        self._outlived: set[str] = set()  # whose links may have outlived their sessions
        self._news = asyncio.Event()
        self._scan_failures = 0
        self._looked_at = -math.inf  # monotonic

    async def while_it_is_on(self) -> None:
        """Hear, until told to stop or bluetoothd or its adapter goes away.

        Raises:
            RadioAwayError: it is away from the start.
        """
        async with bluez(self._adapter, self._pace) as found:
            await found.links()  # or it is away
            if self._state.adapter_is(Adapter.ON):
                log.info("radio.on", extra={"devices": len(self._devices)})
            self._cached.clear()
            await self._answer_pairing(found)
            self._looked_at = -math.inf
            scan = Scan(self._adapter, self._advert, self._pace)
            try:
                await self._serve(found, scan)
            finally:
                await self._end_sessions()
                await scan.off()
        if not self._stop.is_set():
            log.warning("radio.lost")

    async def _answer_pairing(self, bluez: Bluez) -> None:
        ours = {bluez.path(address) for address in self._devices}
        try:
            await bluez.answer_pairing(Agent(lambda path: path in ours))
        except (BluezError, TimeoutError) as error:
            log.warning("agent.refused", extra={"error": type(error).__name__})

    async def _end_strays(self, bluez: Bluez) -> None:
        """End links that no session has: a device that is connected sends no advert ever again.

        An earlier process left them behind (bluez #89), or a parting that BlueZ did not answer.

        Raises:
            RadioAwayError: bluetoothd or the adapter is gone.
        """
        self._looked_at = time.monotonic()
        try:
            for link in await bluez.links():
                address = link.address
                if link.connected and address in self._devices and address not in self._sessions:
                    log.info("device.stray", extra={"device": short(address)})
                    self._outlives(address)
                    await bluez.disconnect(address)
        except (BluezError, TimeoutError) as error:
            log.warning("device.stray_stays", extra={"error": type(error).__name__})

    def _outlives(self, address: str) -> None:
        """Count, once, a link that may outlive its session.

        What such a device sends is confirmed to it, and nobody gets it.
        """
        if address not in self._outlived:
            self._outlived.add(address)
            if FAMILIES[self._devices[address].family].profile.stored:
                self._state.missed(address)

    async def _part(self, session: Session, ending: Ending) -> None:
        over = False
        try:
            over = await session.close(ending)
        finally:  # also where there was no time left to wait for an answer
            if not over:
                self._outlives(session.device.address)

    async def _serve(self, bluez: Bluez, scan: Scan) -> None:
        while not (self._stop.is_set() or bluez.lost.is_set()):
            self._news.clear()
            if time.monotonic() >= self._looked_at + self._pace.look_s:
                await self._end_strays(bluez)
            if len(self._sessions) == len(self._devices):
                await scan.off()
            elif not await self._scanning(bluez, scan):
                continue
            due = self._due()
            if due is None:
                events = (self._news.wait(), self._stop.wait(), bluez.lost.wait())
                await first(*events, timeout_s=self._until_due())
                continue
            await scan.off()  # nothing disturbs a connect as a scan does
            self._seen.clear()
            await self._meet(bluez, *due)

    async def _scanning(self, bluez: Bluez, scan: Scan) -> bool:
        """See that the scan is on; else wait, and use more force from time to time."""
        if scan.silent:
            log.info("scan.silent")
            await scan.off()
        try:
            await scan.on()
        except ScanError as error:
            self._scan_failures += 1
            count = self._scan_failures
            log.warning("scan.failed", extra={"why": error.why, "failures": count})
            if count % self._pace.scan_tries == 0:
                await self._unstick(bluez)
                self._ask_for_restart(wanted=count >= 2 * self._pace.scan_tries)
            waits = (self._stop.wait(), bluez.lost.wait())
            await first(*waits, timeout_s=self._backoff(count))
            return False
        if self._scan_failures:
            self._scan_failures = 0
            self._state.adapter_is(Adapter.ON)
            self._ask_for_restart(wanted=False)
        return True

    async def _unstick(self, bluez: Bluez) -> None:
        """Power-cycle an adapter that does not scan, unless somebody is heard all the same."""
        if not self._sessions:
            if self._state.adapter_is(Adapter.STUCK):
                log.error("radio.stuck")
            await self._power_cycle(bluez)

    def _advert(self, found: BLEDevice, _: Advert) -> None:
        address = found.address.upper()
        if address in self._devices:  # what others have is none of our business
            self._state.note(address, last_seen_at=self._clock.now())
            if address not in self._sessions:
                self._seen[address] = time.monotonic(), found
                self._news.set()

    def _due(self) -> tuple[Paired, BLEDevice] | None:
        """Return whom to connect to now: who was heard just now and may be tried again."""
        now = time.monotonic()
        for address, (at, found) in self._seen.items():
            if now - at <= self._pace.fresh_s and now >= self._tries[address].not_before:
                return self._devices[address], found
        return None

    def _until_due(self) -> float:
        """Return in how many seconds there is something to do although nothing happens."""
        now = time.monotonic()
        tries = [self._tries[address].not_before - now for address in self._seen]
        look = max(0.0, self._looked_at + self._pace.look_s - now)
        return min(*(wait for wait in tries if wait > 0), look, self._pace.scan_silence_s)

    async def _meet(self, bluez: Bluez, device: Paired, found: BLEDevice) -> None:
        """Connect and subscribe; the session goes on by itself."""
        self._outlived.discard(device.address)  # it sends adverts: its link is over
        tries = self._tries[device.address]
        session = Session(device, bluez, self._hear, self._clock, self._state, self._pace)
        beginning = asyncio.create_task(self._begin(bluez, session, found, tries))
        try:
            if not await unless(beginning, self._stop, bluez.lost):
                await end(beginning, self._pace.settle_s)
                lost = bluez.lost.is_set()
                await self._part(session, Ending.VANISHED if lost else Ending.CLOSED)
                return
            beginning.result()
        except UnreadError as error:
            await self._part(session, Ending.VANISHED)
            await self._failed(bluez, session, type(error).__name__, unread=str(error))
        except Exception as error:  # noqa: BLE001 - one device must not end the radio of the others
            await self._part(session, Ending.VANISHED)
            what = error.why if isinstance(error, GattError) else type(error).__name__
            await self._failed(bluez, session, what)
        else:
            log.info("device.connected", extra=session.ids())
            tries.failures = 0
            self._ask_for_restart(wanted=False)
            self._state.note(device.address, failures=0, unread="")
            self._cached.add(device.address)
            life = asyncio.create_task(self._live(bluez, session))
            self._sessions[device.address] = life
            life.add_done_callback(lambda _: self._ended(device.address))

    async def _begin(self, bluez: Bluez, session: Session, found: BLEDevice, tries: _Tries) -> None:
        link = await bluez.link(session.device.address)
        paired = link is not None and link.paired
        parted_well = self._state.snapshot().devices[session.device.address].parted_well
        self._state.note(session.device.address, parted_well=False)
        await session.begin(
            found,
            cached_services=session.device.address in self._cached and not tries.failures,
            may_have_sent_before=paired and not parted_well,
        )

    async def _live(self, bluez: Bluez, session: Session) -> None:
        tries, began = self._tries[session.device.address], time.monotonic()
        ending = Ending.VANISHED
        try:
            ending = await session.stay(self._stop, bluez.lost)
        except GattError as error:
            await self._failed(bluez, session, error.why)
        except Exception as error:  # noqa: BLE001 - the outermost loop of a session
            await self._failed(bluez, session, type(error).__name__)
        finally:
            await self._part(session, ending)
        self._state.note(session.device.address, parted_well=ending is Ending.CLOSED)
        # A device that leaves again and again with nothing to say is let be for longer.
        tries.empty = 0 if session.brought else tries.empty + 1
        rest = time.monotonic() + self._backoff(max(1, tries.empty))
        tries.not_before = max(tries.not_before, rest)
        lasted_s = round(time.monotonic() - began, 1)
        log.info("device.parted", extra=session.ids(why=ending.name.lower(), lasted_s=lasted_s))

    def _ended(self, address: str) -> None:
        self._sessions.pop(address, None)
        self._state.note(address, doing=Doing.AWAITED)
        self._news.set()

    async def _failed(self, bluez: Bluez, session: Session, why: str, *, unread: str = "") -> None:
        address, pace = session.device.address, self._pace
        tries = self._tries[address]
        tries.failures += 1
        count = tries.failures
        rest_s = pace.backoff_max_s if unread else self._backoff(count)
        tries.not_before = time.monotonic() + rest_s
        self._state.note(address, failures=count, unread=unread, doing=Doing.RESTING)
        log.warning("device.failed", extra=session.ids(why=why, failures=count))
        if unread:
            return  # no force makes another device of it
        if count % pace.forget_after == 0:
            await self._forget(bluez, session)
        if self._sessions:
            return  # others are well: it is not the adapter's fault, nor bluetoothd's
        if count % pace.power_cycle_after == 0:
            await self._power_cycle(bluez)
        if count >= pace.restart_after:
            self._ask_for_restart(wanted=True)

    async def _forget(self, bluez: Bluez, session: Session) -> None:
        """Let BlueZ meet the device anew. A bond is kept: only a person can make it again."""
        try:
            link = await bluez.link(session.device.address)
            if link is not None and link.paired:
                await bluez.disconnect(session.device.address)
            else:
                await bluez.forget(session.device.address)
                log.info("device.forgotten", extra=session.ids())
        except (BluezError, TimeoutError) as error:
            log.warning("device.not_forgotten", extra=session.ids(error=type(error).__name__))

    async def _power_cycle(self, bluez: Bluez) -> None:
        try:
            await bluez.power_cycle()
            log.warning("adapter.power_cycled")
        except (BluezError, TimeoutError) as error:
            log.warning("adapter.not_power_cycled", extra={"error": type(error).__name__})

    def _ask_for_restart(self, *, wanted: bool) -> None:
        if self._state.restart_wanted(wanted=wanted) and wanted:
            log.error("bluetoothd.restart_wanted")

    def _backoff(self, count: int) -> float:
        # Bounded before the power is: a device may fail for years.
        doublings = min(count - 1, 20)
        return min(self._pace.backoff_max_s, self._pace.backoff_first_s * 2.0**doublings)

    async def _end_sessions(self) -> None:
        """Wait for sessions to part, for as long as parting takes; then end what is left."""
        left = list(self._sessions.values())
        if left:
            await asyncio.wait(left, timeout=self._pace.leave_s + self._pace.call_s)
        for task in left:
            await end(task, self._pace.settle_s)
        self._seen.clear()
