"""One connection to one device, from its advert to its parting.

Subscribe first, in the order of its profile: what a device sends before that BlueZ confirms, and
nobody gets (docs/reference/device-layouts.md#silent-loss). Then its clock, its stream, what it says
of itself, what it has stored; then it stays until the device leaves, its stream falls silent, or we
are told to end.
"""

import asyncio
import itertools
import logging
import time
from enum import StrEnum
from hashlib import sha256

from bleak.backends.device import BLEDevice

from device_gateway.config.devices_file import Paired
from device_gateway.decode import device_clock, device_information, plx_records, uuids
from device_gateway.decode.family import Family
from device_gateway.decode.frame import FrameError
from device_gateway.decode.registry import FAMILIES, decode, recognise, why_unread
from device_gateway.radio.bluez import Bluez, BluezError
from device_gateway.radio.gatt import Gatt, GattError, NoAnswerError, WantsPairingError, connect
from device_gateway.radio.intake import Intake
from device_gateway.radio.pace import RadioPace
from device_gateway.radio.sink import Hear
from device_gateway.radio.state import Doing, RadioState
from device_gateway.radio.waiting import first
from ward_service.contract.clock import Clock

log = logging.getLogger(__name__)

_ABOUT = (
    device_information.MODEL,
    device_information.FIRMWARE,
    device_information.BATTERY_LEVEL,
)
_DOUBLINGS = 6  # ours: of the wait between two tries to read what is stored: 5 s to 5 min


class Ending(StrEnum):
    """Why a connection ended."""

    LEFT = "the device left, or the link was lost"
    SILENT = "its stream fell silent"
    VANISHED = "BlueZ knows the link no longer"
    CLOSED = "we closed it"


class UnreadError(Exception):
    """This device cannot be read, and why, in words for a person."""


class Session:
    """One connection. `begin`, then `stay`; `close` in any case."""

    def __init__(
        self,
        device: Paired,
        bluez: Bluez,
        hear: Hear,
        clock: Clock,
        state: RadioState,
        pace: RadioPace,
    ) -> None:
        self.device = device
        self._bluez, self._clock, self._state, self._pace = bluez, clock, state, pace
        self._hear = hear
        self._gone = asyncio.Event()
        self._gatt: Gatt | None = None
        self._intake: Intake | None = None
        self._subscribed: list[int] = []
        self._family: Family = FAMILIES[device.family]

    async def begin(
        self, found: BLEDevice, *, cached_services: bool, may_have_sent_before: bool
    ) -> None:
        """Connect, subscribe, set its clock and start it: nothing that it sends now is lost.

        `may_have_sent_before`: it is paired, and its last connection ended without a word of ours.
        It may then send as soon as the link is up, before anybody can have subscribed.

        Raises:
            GattError: it was not possible; try again.
            UnreadError: it is not the device that was paired, or is not readable.
        """
        self._note(Doing.CONNECTING)
        self._gatt = await connect(
            found, self.device.name, self._gone.set, self._pace, cached_services=cached_services
        )
        self._gone.clear()  # of attempts that failed before this one did not
        if not self._gatt.connected:
            raise GattError("left at once")
        self._note(Doing.SUBSCRIBING)
        self._recognise(self._gatt)
        self._intake = Intake(
            self.device, self._family, self._hear, self._clock, self._state, self._pace
        )
        for characteristic in self._gatt.of(self._family.profile.subscribe):
            await self._subscribe(self._gatt, self._intake, characteristic)
        if may_have_sent_before and self._family.profile.stored:
            self._state.missed(self.device.address)
            log.warning("device.sent_before_we_listened", extra=self.ids())
        await self._set_clock(self._gatt, self._intake)
        for write in self._family.profile.start:
            self._intake.before_question()
            await self._gatt.write(write)
        self._note(Doing.CONNECTED)

    async def stay(self, stop: asyncio.Event, lost: asyncio.Event) -> Ending:
        """Do with the device what its family wants, until it ends, and return why it did.

        `stop`: part as agreed. `lost`: BlueZ is gone, and with it the link.

        Raises:
            GattError: there is no connection.
        """
        gatt, intake = self._connected()
        asking = asyncio.create_task(self._ask(gatt, intake))
        telling = asyncio.create_task(self._learn(gatt, intake))
        try:
            ending = await self._until_it_ends(intake, stop, lost)
            if ending is Ending.VANISHED and intake.reporting:
                # What BlueZ had confirmed when it died it may have told nobody.
                self._state.missed(self.device.address)
            return ending
        finally:
            for task in (asking, telling):
                task.cancel()
            await asyncio.wait({asking, telling}, timeout=self._pace.settle_s)

    async def close(self, ending: Ending) -> bool:
        """Part: as agreed when that is our choice, and in any case at last. Never raises.

        Returns whether the link is over, as far as one can know: False if BlueZ did not say.
        """
        try:
            if self._gatt is not None:
                if ending is Ending.CLOSED and not self._gone.is_set():
                    await self._say_goodbye(self._gatt)
                # Also of a link that is lost: bleak lets go of its own bus only here.
                await self._gatt.leave()
        except GattError as error:
            log.info("device.leave_failed", extra=self.ids(why=error.why))
            return not isinstance(error, NoAnswerError)
        finally:
            if self._intake is not None:
                self._intake.close()
        return True

    @property
    def brought(self) -> bool:
        """Whether anything came."""
        return self._intake is not None and self._intake.brought

    def ids(self, **more: object) -> dict[str, object]:
        """Return what a log line may say: of which kind, and which of several."""
        return {"device": short(self.device.address), "family": self.device.family, **more}

    def _recognise(self, gatt: Gatt) -> None:
        family = recognise(gatt.services)
        if family is not None and family.key == self.device.family:
            return
        unread = why_unread(gatt.services)
        if unread is not None:
            raise UnreadError(unread)
        if not gatt.of(self._family.profile.subscribe):
            raise UnreadError("it no longer offers what it was paired for; pair it again")

    async def _subscribe(self, gatt: Gatt, intake: Intake, characteristic: int) -> None:
        live = gatt.has(characteristic, "notify")

        def heard(chunk: bytes) -> None:
            intake.notified(characteristic, chunk, live=live)

        try:
            await gatt.subscribe(characteristic, heard)
        except WantsPairingError:
            log.info("device.wants_pairing", extra=self.ids())
            try:
                await gatt.pair()
            except GattError as error:
                raise UnreadError(
                    "it wants to be paired, and refused"
                    " (with a code on its display, pair it again: device-gateway pair --bond)"
                ) from error
            await gatt.subscribe(characteristic, heard)
        self._subscribed.append(characteristic)

    async def _set_clock(self, gatt: Gatt, intake: Intake) -> None:
        """Set the clock, and first read how wrong it was. A device without one is none the worse.

        Early, because some take it only within a second of the connection.
        """
        if self._family.profile.clock is None:
            return
        try:
            for characteristic in gatt.of((device_clock.CURRENT_TIME, device_clock.DATE_TIME)):
                if gatt.has(characteristic, "read"):
                    shown = decode(characteristic, await gatt.read(characteristic)).device_time
                    if shown is not None:
                        intake.note_clock(device_clock.ahead(shown, self._clock.now()))
                    break
        except (GattError, FrameError):
            log.info("device.clock_unread", extra=self.ids())
        try:
            for write in self._family.profile.clock(self._clock.now()):
                if gatt.has(write.characteristic, "write", "write-without-response"):
                    await gatt.write(write)
                    intake.note_clock_set(self._clock.now())
                    break
        except GattError as error:
            log.info("device.clock_not_set", extra=self.ids(why=error.why))

    async def _ask(self, gatt: Gatt, intake: Intake) -> None:
        """Ask again and again, where a family wants to be asked."""
        repeat = self._family.profile.repeat
        while repeat is not None:
            await asyncio.sleep(repeat.every_s * self._pace.stretch)
            intake.before_question()
            try:
                await gatt.write(repeat.write)
            except GattError as error:
                # The silence that follows ends the connection.
                log.info("device.not_asked", extra=self.ids(why=error.why))

    async def _learn(self, gatt: Gatt, intake: Intake) -> None:
        """Read what the device says of itself, then what it has stored."""
        for characteristic in gatt.of((*_ABOUT, *self._family.profile.read)):
            try:
                value = await gatt.read(characteristic)
                said = decode(characteristic, value, self.device.family).device
            except (GattError, FrameError):
                log.info("device.unread", extra=self.ids(what=uuids.said(characteristic)))
                continue
            if said is not None:
                intake.tell_about(said)
        if plx_records.CONTROL_POINT in self._subscribed:
            await self._drain_at_last(gatt, intake)

    async def _drain_at_last(self, gatt: Gatt, intake: Intake) -> None:
        """Ask for the stored records until the device lets itself be asked: it may be busy."""
        for tries in itertools.count():
            try:
                await self._drain(gatt, intake)
            except GattError as error:
                log.warning("device.stored_unread", extra=self.ids(why=error.why))
            else:
                break
            await asyncio.sleep(self._pace.between_records_s * 2 ** min(tries, _DOUBLINGS))

    async def _drain(self, gatt: Gatt, intake: Intake) -> None:
        """Ask for the stored records, and compare what came with what the device has counted."""
        count: int | None = None
        for write in self._family.profile.stored:
            reports = write.value == plx_records.REPORT_STORED
            intake.begin_request(reports=reports)
            try:
                await gatt.write(write)
                answer = await intake.next_answer()
            finally:
                came = intake.end_request()
            if answer is not None and answer.count is not None:
                count = answer.count
            if reports:
                # Doubles do not make up for a record that is missing.
                arrived = len(came) if count is None or len(came) <= count else len(set(came))
                whole = answer is not None and answer.done
                log.info("device.stored", extra=self.ids(count=count, came=arrived, whole=whole))
                if not whole or (count is not None and arrived < count):
                    self._state.missed(self.device.address)

    async def _until_it_ends(
        self, intake: Intake, stop: asyncio.Event, lost: asyncio.Event
    ) -> Ending:
        looked_at = time.monotonic()
        while True:
            now = time.monotonic()
            wait = looked_at + self._pace.look_s - now
            silence_s = self._family.profile.silence_s
            if silence_s is not None and intake.stream_at is not None:
                left = intake.stream_at + silence_s * self._pace.stretch - now
                if left <= 0:
                    return Ending.SILENT
                wait = min(wait, left)
            await first(self._gone.wait(), stop.wait(), lost.wait(), timeout_s=max(0.0, wait))
            if self._gone.is_set():
                return Ending.LEFT
            if lost.is_set():
                return Ending.VANISHED
            if stop.is_set():
                return Ending.CLOSED
            if time.monotonic() >= looked_at + self._pace.look_s:
                if not await self._is_there():
                    return Ending.VANISHED
                looked_at = time.monotonic()

    async def _is_there(self) -> bool:
        """Whether BlueZ still has the link: bleak is not told when a device's object goes."""
        try:
            link = await self._bluez.link(self.device.address)
        except (BluezError, TimeoutError):
            return False
        return link is not None and link.connected

    async def _say_goodbye(self, gatt: Gatt) -> None:
        """End the stream, then the subscriptions: a paired device would keep them, and send."""
        try:
            for write in self._family.profile.stop:
                await gatt.write(write)
            for characteristic in self._subscribed:
                await gatt.unsubscribe(characteristic)
        except GattError as error:
            log.info("device.goodbye_failed", extra=self.ids(why=error.why))

    def _connected(self) -> tuple[Gatt, Intake]:
        if self._gatt is None or self._intake is None:
            raise GattError("not connected")
        return self._gatt, self._intake

    def _note(self, doing: Doing) -> None:
        self._state.note(self.device.address, doing=doing)


def short(address: str) -> str:
    """Return what tells devices of one home apart in a log, and is nobody's address."""
    return sha256(address.encode()).hexdigest()[:6]
