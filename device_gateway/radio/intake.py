"""What a connection brings in: notifications become frames, and frames are kept before all else.

BlueZ has confirmed an indication to the device before we see it, and the device never sends it
again. So nothing is awaited here: what a notification brought is committed when its callback ends.
"""

import asyncio
import logging
import time
from collections import deque
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Final

from device_gateway.capture.capture import Capture, decode_frame
from device_gateway.config.devices_file import Paired
from device_gateway.decode import plx, plx_records
from device_gateway.decode.family import Family
from device_gateway.decode.frame import Decoded, FrameError
from device_gateway.decode.stream import Stream, Thrown
from device_gateway.radio.pace import RadioPace
from device_gateway.radio.sink import Hear
from device_gateway.radio.state import RadioState
from device_gateway.spool.file import SpoolFullError
from ward_service.contract.clock import Clock
from ward_service.contract.messages import Device

log = logging.getLogger(__name__)

_RECORDS: Final = frozenset({plx.SPOT_CHECK})  # of which a report of what is stored consists
_RECENT: Final = 32  # frames in which a double is looked for


class DeviceTime:
    """How far a device's clock is ahead of ours, before we set it and after."""

    def __init__(self) -> None:
        self._ahead: timedelta | None = None
        self._set_at: datetime | None = None

    def was_ahead(self, ahead: timedelta) -> None:
        """Note how far it was ahead before it was set."""
        self._ahead = ahead

    def was_set(self, at: datetime) -> None:
        """Note when it was set to our time."""
        self._set_at = at

    def ahead(self, shown: datetime | None, now: datetime) -> timedelta | None:
        """Return how far it was ahead when it stamped a record; None: it could not be read.

        `shown`: the record's time. Since the clock is right, a record is stamped between that
        moment and now; every other stamp is of the clock as it was.
        """
        if self._ahead is None or self._set_at is None or shown is None:
            return self._ahead
        # A device shows whole seconds.
        begins = self._set_at.replace(microsecond=0)
        since_set = begins <= shown.replace(tzinfo=UTC) <= now
        return timedelta(0) if since_set else self._ahead


class Intake:
    """Takes what one connection to one device brings, until it is closed."""

    def __init__(
        self,
        device: Paired,
        family: Family,
        hear: Hear,
        clock: Clock,
        state: RadioState,
        pace: RadioPace,
    ) -> None:
        self._device, self._family, self._hear = device, family, hear
        self._clock, self._state, self._pace = clock, state, pace
        framing = family.profile.framing
        self._streams = {uuid: Stream(framing) for uuid in family.profile.subscribe}
        self._recent: deque[tuple[float, int, bytes]] = deque(maxlen=_RECENT)
        self._closed = False
        # The serial number is that of the pairing: what is stored is named by it (devices.py).
        self._about = Device(model=device.model, serial=device.serial, firmware=device.firmware)
        self._time = DeviceTime()
        self._report: list[bytes] | None = None  # while a report of stored records lasts
        self._answers: asyncio.Queue[plx_records.Answer] = asyncio.Queue()
        self._came = asyncio.Event()  # set by each notification
        self._came_at: float | None = None  # monotonic, of whatever came last
        self._stream_at: float | None = None  # monotonic, of the last piece of a live stream

    @property
    def brought(self) -> bool:
        """Whether anything came."""
        return self._came_at is not None

    @property
    def stream_at(self) -> float | None:
        """When the last piece of a live stream came, by the monotonic clock."""
        return self._stream_at

    @property
    def reporting(self) -> bool:
        """Whether the device is reporting its stored records."""
        return self._report is not None

    def note_clock(self, ahead: timedelta) -> None:
        """Note how far the device's clock was ahead before it was set."""
        self._time.was_ahead(ahead)

    def note_clock_set(self, at: datetime) -> None:
        """Note when the device's clock was set to our time."""
        self._time.was_set(at)

    def begin_request(self, *, reports: bool) -> None:
        """Expect an answer of the control point, and records before it if the request `reports`."""
        while not self._answers.empty():
            self._answers.get_nowait()
        self._report = [] if reports else None

    def end_request(self) -> list[bytes]:
        """Return the records that came since the request began."""
        records, self._report = self._report or [], None
        return records

    async def next_answer(self) -> plx_records.Answer | None:
        """Return how a request ended; None: the device fell silent before it had."""
        while True:
            self._came.clear()
            if not self._answers.empty():
                return self._answers.get_nowait()
            try:
                async with asyncio.timeout(self._pace.between_records_s):
                    await self._came.wait()
            except TimeoutError:
                return None

    def notified(self, characteristic: int, chunk: bytes, *, live: bool) -> None:
        """Take a notification. Never raises: this is called by the D-Bus connection.

        `live`: it is one of a stream, not an indication of a single measurement.
        """
        if self._closed:
            return
        mono = self._came_at = time.monotonic()
        if live:
            self._stream_at = mono
        try:
            if not self._doubled(characteristic, chunk, mono):
                self._take(characteristic, self._streams[characteristic].feed(chunk))
                # From the end of the commit on, which can take a while: a double waits behind it.
                self._recent.append((time.monotonic(), characteristic, chunk))
        except Exception as error:  # noqa: BLE001 - the outermost loop here is dbus-fast's
            self._not_kept(error)
        self._came.set()

    def before_question(self) -> None:
        """Give back what is held: the next answer must not wait behind a broken one."""
        try:
            for characteristic, stream in self._streams.items():
                self._take(characteristic, stream.end())
        except Exception as error:  # noqa: BLE001 - one broken answer must not end the questions
            self._not_kept(error)

    def close(self) -> None:
        """Take nothing more. The live stream has ended."""
        if self._closed:
            return
        self.before_question()
        self._closed = True
        try:
            self._hear.parted(self._device, self._clock.now())
        except Exception as error:  # noqa: BLE001 - the radio goes on
            self._not_kept(error)

    def tell_about(self, said: Device) -> None:
        """Note what the device says of itself, its serial number aside."""
        told = said.model_dump(exclude_defaults=True, exclude={"serial"})
        self._about = self._about.model_copy(update=told)
        if said.battery is not None:
            self._state.note(self._device.address, battery=said.battery)

    def _take(self, characteristic: int, pieces: Sequence[bytes | Thrown]) -> None:
        if not pieces:
            return
        now = self._clock.now()
        # What is in no frame is taken too, and kept with the reason.
        frames = [piece.piece if isinstance(piece, Thrown) else piece for piece in pieces]
        if characteristic == plx_records.CONTROL_POINT:
            self._answered(frames)
            return
        read = [self._read(characteristic, frame) for frame in frames]
        captures = [
            self._capture(characteristic, frame, decoded, now)
            for frame, decoded in zip(frames, read, strict=True)
        ]
        self._hear.take(self._device, captures)
        if self._report is not None and characteristic in _RECORDS:
            self._report.extend(frames)
        self._state.note(self._device.address, last_frame_at=now)

    def _read(self, characteristic: int, frame: bytes) -> Decoded | FrameError:
        decoded = decode_frame(characteristic, frame, self._family.key)
        if isinstance(decoded, Decoded) and decoded.device is not None:
            self.tell_about(decoded.device)
        return decoded

    def _capture(
        self, characteristic: int, frame: bytes, decoded: Decoded | FrameError, now: datetime
    ) -> Capture:
        shown = decoded.device_time if isinstance(decoded, Decoded) else None
        return Capture(
            characteristic,
            frame,
            now,
            self._about,
            family=self._family.key,
            stored=self._report is not None and characteristic in _RECORDS,
            clock_ahead=self._time.ahead(shown, now),
            decoded=decoded,
        )

    def _answered(self, frames: Sequence[bytes]) -> None:
        for frame in frames:
            try:
                self._answers.put_nowait(plx_records.read(frame))
            except FrameError as error:
                log.warning("device.answer_unread", extra={"reason": str(error)})

    def _doubled(self, characteristic: int, chunk: bytes, mono: float) -> bool:
        """Whether BlueZ says this twice, as it can after a new connection.

        See docs/reference/device-layouts.md#what-users-report.

        Only where each notification is a frame, for in a stream two pieces may well be equal, and
        not of stored records, of which two may be equal too.
        """
        if self._family.profile.framing is not None or self.reporting:
            return False
        return any(
            at >= mono - self._pace.double_s and (uuid, said) == (characteristic, chunk)
            for at, uuid, said in self._recent
        )

    def _not_kept(self, error: Exception) -> None:
        self._state.missed(self._device.address)
        full = isinstance(error, SpoolFullError)
        why = {"why": str(error)} if full else {"error": type(error).__name__}
        log.error("reading.not_kept", extra=why)
