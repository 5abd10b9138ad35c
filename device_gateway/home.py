"""One home: what its devices say goes into its spool, and from there to the ward.

`hear` is the one door for a radio, a recording and an invented home alike: whose it is, a second
of a stream or a reading of its own, what the plan says to it, the spool.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from threading import Event, RLock
from uuid import UUID

from device_gateway.advise.adviser import Adviser
from device_gateway.capture.attribution import Waiting, Whose
from device_gateway.capture.capture import (
    Capture,
    Measured,
    as_reading,
    in_bytes,
    measured,
)
from device_gateway.capture.minutes import Minutes
from device_gateway.config.devices_file import Paired
from device_gateway.config.homes_file import Broker, Place
from device_gateway.control import Desk, desk_of
from device_gateway.decode.registry import is_live
from device_gateway.publish.connection import Pace
from device_gateway.publish.publisher import Publisher
from device_gateway.publish.report import HomeReport
from device_gateway.spool.bounds import Bounds
from device_gateway.spool.file import SpoolError
from device_gateway.spool.records import Outgoing, Progress, SetAside, Unclaimed
from device_gateway.spool.recovery import open_or_renew
from device_gateway.spool.spool import Spool
from ward_service.contract.clock import Clock
from ward_service.contract.messages import Device, Reading, Trouble
from ward_service.contract.vocabulary import Quality, TroubleCode


class NotKeptError(Exception):
    """A reading that somebody typed is not kept. `told` is the reading with what they were told."""

    def __init__(self, told: Reading) -> None:
        """Remember what was told."""
        super().__init__("the spool takes nothing more")
        self.told = told


class Home:
    """A gateway with its key, the slot of its person, its spool, adviser and publisher.

    May be called from several threads: what is heard and what is asked wait for each other.
    """

    def __init__(
        self,
        place: Place,
        broker: Broker,
        spool: Spool,
        adviser: Adviser,
        clock: Clock,
        wake: Event,
        pace: Pace | None = None,
        radio_report: Callable[[], HomeReport] = HomeReport,
    ) -> None:
        """Carry a home on its open spool. Nothing is sent before `publisher.start`.

        `wake` is set whenever there is something to send; `radio_report` says how the radio is.
        """
        self.place, self.spool, self.adviser = place, spool, adviser
        self._wake, self._clock, self._radio_report = wake, clock, radio_report
        self._guard = RLock()
        self._minutes = Minutes(spool, adviser)
        self._whose = Whose(spool, adviser)
        self._desk = Desk(desk_of(spool.path.parent, place.gateway))
        self.publisher = Publisher(
            place, broker, spool, clock, wake, pace, on_plan=self._take_plan, report=self.report
        )

    def _take_plan(self, slot: int, payload: bytes) -> None:
        self.adviser.take_plan(slot, payload, self._clock.now())

    def report(self) -> HomeReport:
        """Return what a status says besides the spool: radio, plans and unclaimed readings."""
        report = self._radio_report()
        with self._guard:
            unanswered = self._whose.unanswered(self._clock.now())
        code = TroubleCode.UNCLAIMED
        asked = [Trouble(code=code, count=len(unanswered))] if unanswered else []
        return replace(report, troubles=(*report.troubles, *self.adviser.troubles(), *asked))

    # --- what devices say ---------------------------------------------------------------------

    def hear(
        self,
        device: Paired,
        frames: Sequence[Capture | Outgoing],
        progress: Progress | None = None,
        *,
        as_stream: bool = True,
    ) -> None:
        """Take frames of one device of this home: durable on return, and its person advised.

        Of a stream of more than one frame a second, what later frames change of a second is
        durable with the next. `progress` is for what plays a recording, a frame at a time; with
        `as_stream` false each frame is a reading of its own. An `Outgoing` goes into the spool as
        it is, past every decoder.

        Raises:
            SpoolFullError: nothing of this is kept; what was there before is safe, and whoever has
                a plan was advised all the same.
        """
        with self._guard:
            before = self.spool.last_seq
            found = [one for frame in frames if (one := _read(frame, device)) is not None]
            live = [
                one for one in found if as_stream and isinstance(one, Measured) and _is_live(one)
            ]
            entries = [self._entry(device, one) for one in found if one not in live]
            if entries or (progress is not None and not live):
                self.spool.add(entries, None if live else progress)
            if live:
                slot = self._whose.of_stream(device, live[0].capture.at)
                self._minutes.hear(device, live, slot, progress)
            if self.spool.last_seq != before:
                self._wake.set()

    def parted(self, device: Paired, at: datetime) -> None:
        """End a device's live stream: what it has measured is judged and sent.

        Raises:
            SpoolFullError: its seconds are kept, and become a minute later.
        """
        with self._guard:
            self._minutes.parted(device.address, at)
        self._wake.set()

    def tick(self, now: datetime) -> None:
        """Do what has fallen due. To be called about once a second.

        Raises:
            SpoolFullError: what could not be done is tried again with the next call.
        """
        with self._guard:
            before = self.spool.last_seq
            self._desk.answer(self, now)
            try:
                self._minutes.tick(now)
            finally:
                self._whose.hand_on(now)
                if self.spool.last_seq != before:
                    self._wake.set()

    # --- what people type -----------------------------------------------------------------------

    def typed(self, reading: Reading, slot: int, now: datetime) -> Reading:
        """Take a reading that somebody typed, once: durable on return, with what they were told.

        Raises:
            NotKeptError: it is not kept; it holds what they were told all the same.
        """
        with self._guard:
            if (kept := self.spool.kept_one(slot, reading.reading_id)) is not None:
                return Reading.model_validate_json(kept.payload)
            told = self.adviser.advised(reading, slot, now)
            entry = Outgoing(told.reading_id, now, in_bytes(told), slot, told.measured_at)
            try:
                self.spool.add([entry])
            except SpoolError as error:
                raise NotKeptError(told) from error
        self._wake.set()
        return told

    # --- what people at home say --------------------------------------------------------------

    def measuring(self, slot: int, now: datetime) -> None:
        """Take what shared devices measure in the next minutes for this slot's."""
        with self._guard:
            self._whose.measuring(slot, now)

    def waiting(self) -> list[Waiting]:
        """Return the readings of which nobody has said whose they are, oldest first."""
        with self._guard:
            return self._whose.waiting()

    def claim(self, ids: Iterable[UUID], slot: int, now: datetime) -> None:
        """Say whose readings are, and of a measurement that goes on, all of it.

        Raises:
            ClaimError: one of them does not wait, or cannot be this slot's; none was given.
            SpoolFullError: what could not be given still waits.
        """
        with self._guard:
            asked = list(ids)
            self._whose.claim(asked, slot, now)
            others = {other for id_ in asked for other in self._minutes.claimed(id_, slot)}
            still = {one.reading_id for one in self._whose.waiting()}
            self._whose.claim(sorted(others & still), slot, now)
        self._wake.set()

    def _entry(
        self, device: Paired, one: Measured | SetAside | Outgoing
    ) -> Outgoing | Unclaimed | SetAside:
        """Return a reading as the spool keeps it: a person's, with their advice, or unclaimed."""
        if not isinstance(one, Measured):
            return one
        at, user = one.capture.at, one.decoded.user
        reading = as_reading(one, device.serial or f"{self.place.gateway}/{device.address}")
        slot = self._whose.of_reading(device, user, reading)
        id_ = reading.reading_id
        if slot is None:
            payload = in_bytes(reading)
            return Unclaimed(id_, at, payload, device.slots, reading.source_key)
        told = self.adviser.advised(reading, slot, at)
        return Outgoing(id_, at, in_bytes(told), slot, told.measured_at)


def open_home(
    place: Place,
    broker: Broker,
    spool_dir: Path,
    clock: Clock,
    wake: Event,
    pace: Pace | None = None,
    bounds: Bounds | None = None,
    radio_report: Callable[[], HomeReport] = HomeReport,
) -> Home:
    """Open a home's spool, or make one, and advise by the plans in it.

    A spool that is damaged is put aside, and a new one made of what can be read of it.

    Raises:
        SpoolError: the spool is in use elsewhere, or cannot be opened.
    """
    spool = open_or_renew(spool_dir / f"{place.gateway}.spool", bounds, clock.now())
    return Home(place, broker, spool, Adviser(spool), clock, wake, pace, radio_report)


def _read(frame: Capture | Outgoing, device: Paired) -> Measured | SetAside | Outgoing | None:
    """Return what a frame says, with what is known of its device."""
    if isinstance(frame, Outgoing):
        return frame
    return measured(frame if frame.device else replace(frame, device=_device(device)))


def _device(paired: Paired) -> Device | None:
    known = Device(model=paired.model, serial=paired.serial, firmware=paired.firmware)
    return known if known != Device() else None


def _is_live(one: Measured) -> bool:
    """Say whether a frame is a part of a stream; what was stored is a reading of its own."""
    live = is_live(one.capture.characteristic, one.capture.family)
    return live and not one.decoded.recorded and Quality.STORED not in one.decoded.quality


class HomeHear:
    """Implements `radio.hear.Hear` over one home."""

    def __init__(self, home: Home) -> None:
        self._home = home

    def take(self, device: Paired, captures: Sequence[Capture]) -> None:
        """Keep these frames: durable on return.

        Raises:
            SpoolFullError: nothing of this is kept.
        """
        self._home.hear(device, captures)

    def parted(self, device: Paired, at: datetime) -> None:
        """End what this device was measuring: it is judged and sent.

        Raises:
            SpoolFullError: its seconds are kept, and become a minute later.
        """
        self._home.parted(device, at)
