"""The devices at the other end of the fake BlueZ: what each has, and what it does.

A characteristic that indicates is confirmed by BlueZ as soon as it arrives, so a record that was
sent is gone here, whether or not anybody got it.
"""

import asyncio
import itertools
import json
from collections.abc import Callable, Coroutine, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from dbus_fast.errors import DBusError

from device_gateway.decode import (
    blood_pressure,
    device_clock,
    device_information,
    nonin,
    plx,
    plx_features,
    plx_records,
    thermometer,
    viatom,
)
from device_gateway.decode.checksum import crc8
from device_gateway.decode.fields import date_time_bytes

EIGHT = datetime.fromisoformat("2026-11-20T08:00")  # as a device shows it: without a zone
A_CODE = 123456
Arrived = Callable[[int, bytes], None]
NOT_PAIRED = DBusError(
    "org.bluez.Error.Failed",
    "Operation failed with ATT error: 0x05 (Insufficient Authentication)",
)
DEVICE_INFORMATION, BATTERY, CURRENT_TIME_SERVICE = 0x180A, 0x180F, 0x1805


def frames_of(family: str) -> list[bytes]:
    """The frames of `tests/frames/` that are measurements with a value."""
    file = Path(__file__).parents[1] / "frames" / f"{family}.json"
    return [
        bytes.fromhex(entry["hex"])
        for entry in json.loads(file.read_text())
        if entry.get("observations")
    ]


@dataclass
class Characteristic:
    uuid: int
    flags: tuple[str, ...]
    value: bytes = b""
    encrypted: bool = False


@dataclass(eq=False)
class Peripheral:
    """A device: silent but for what it was asked. `passkey`: the code that its display shows."""

    address: str
    name: str
    services: dict[int, list[Characteristic]]
    advertised: list[int]
    manufacturers: dict[int, bytes] = field(default_factory=dict)
    advertising: bool = True
    passkey: int | None = None
    refusal: DBusError = NOT_PAIRED
    bonded: bool = False
    linked: bool = False
    sent: int = 0

    def __post_init__(self) -> None:
        self._arrived: Arrived | None = None
        self._subscribed: set[int] = set()
        self._tasks: set[asyncio.Task[None]] = set()

    @property
    def every(self) -> dict[int, Characteristic]:
        return {one.uuid: one for some in self.services.values() for one in some}

    def link(self, arrived: Arrived) -> None:
        self._arrived, self.linked = arrived, True
        for uuid in tuple(self._subscribed):  # it remembers who is bonded, and begins at once
            self.subscribed(uuid)

    def unlink(self) -> None:
        self._arrived, self.linked = None, False
        if not self.bonded:
            self._subscribed.clear()
        for task in self._tasks:
            task.cancel()
        self._tasks.clear()

    def subscribe(self, uuid: int) -> None:
        self._subscribed.add(uuid)
        self.subscribed(uuid)

    def unsubscribe(self, uuid: int) -> None:
        self._subscribed.discard(uuid)

    def read(self, uuid: int) -> bytes:
        return self.every[uuid].value

    def send(self, uuid: int, value: bytes) -> bool:
        """Send, if the other side has asked for it once. Returns whether it went."""
        if self._arrived is None or uuid not in self._subscribed:
            return False
        self.sent += 1
        self._arrived(uuid, value)
        return True

    def run(self, doing: Coroutine[Any, Any, None]) -> None:
        task = asyncio.ensure_future(doing)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def subscribed(self, uuid: int) -> None:
        """What it does when it is subscribed to."""

    def written(self, uuid: int, value: bytes) -> None:
        """What it does when it is written to."""


def about(
    model: str = "", serial: str = "", battery: int | None = 80
) -> dict[int, list[Characteristic]]:
    told = {
        device_information.MODEL: model.encode(),
        device_information.SERIAL: serial.encode(),
        device_information.FIRMWARE: b"1.0",
    }
    services = {DEVICE_INFORMATION: [Characteristic(u, ("read",), v) for u, v in told.items() if v]}
    if battery is not None:
        level = Characteristic(
            device_information.BATTERY_LEVEL, ("read", "notify"), bytes([battery])
        )
        services[BATTERY] = [level]
    return services


class SpotCheckOximeter(Peripheral):
    """A pulse oximeter that stores spot checks and reports them when asked.

    `lose`: how many records of a report are never sent although they are counted. `stall`: after
    so many records the report goes no further. `counts`: whether it can say how many it has.
    `shows`: what its clock shows; None: it has none.
    """

    def __init__(
        self,
        address: str = "A0:00:00:00:00:01",
        records: Sequence[bytes] = (),
        *,
        name: str = "PLX-1",
        live: Sequence[bytes] = (),
        shows: datetime | None = None,
        encrypted: bool = False,
        serial: str = "S-1",
        battery: int | None = 80,
        lose: int = 0,
        stall: int | None = None,
        counts: bool = True,
    ) -> None:
        features = (
            plx_features.Feature.STORES_SPOT_CHECKS | plx_features.Feature.TIME_OF_SPOT_CHECKS
        )
        services = {
            plx.SERVICE: [
                Characteristic(plx.SPOT_CHECK, ("indicate",), encrypted=encrypted),
                Characteristic(
                    plx_records.CONTROL_POINT, ("write", "indicate"), encrypted=encrypted
                ),
                Characteristic(plx_features.FEATURES, ("read",), features.to_bytes(2, "little")),
            ],
            **about("Spot 100", serial, battery),
        }
        if shows is not None:
            time = date_time_bytes(shows) + bytes([shows.isoweekday(), 0, 0])
            clock = Characteristic(device_clock.CURRENT_TIME, ("read", "write"), time)
            services[CURRENT_TIME_SERVICE] = [clock]
        super().__init__(address, name, services, [plx.SERVICE])
        self.records, self.live = list(records), list(live)
        self._lose, self._stall, self._counts = lose, stall, counts

    def subscribed(self, uuid: int) -> None:
        # What was measured just now is sent at once; of a bonded one, also before we subscribed.
        if uuid == plx.SPOT_CHECK:
            while self.live and self.send(plx.SPOT_CHECK, self.live[0]):
                self.live.pop(0)

    def written(self, uuid: int, value: bytes) -> None:
        if uuid in self.every and uuid == device_clock.CURRENT_TIME:
            self.every[uuid].value = value
        elif value == plx_records.COUNT_STORED:
            self.run(self._count())
        elif value == plx_records.REPORT_STORED:
            self.run(self._report())

    async def _count(self) -> None:
        answer = bytes([5, 0]) + len(self.records).to_bytes(2, "little")
        if not self._counts:
            refused = plx_records.Result.OP_CODE_NOT_SUPPORTED
            answer = bytes([6, 0, plx_records.Request.COUNT, refused])
        self.send(plx_records.CONTROL_POINT, answer)

    async def _report(self) -> None:
        result = plx_records.Result.SUCCESS if self.records else plx_records.Result.NO_RECORDS_FOUND
        for sent in itertools.count():
            if not self.records:
                break
            if sent == self._stall:
                return
            record = self.records.pop(0)
            if self._lose:
                self._lose -= 1
            else:
                self.send(plx.SPOT_CHECK, record)
            await asyncio.sleep(0.002)
        request = plx_records.Request.REPORT
        self.send(plx_records.CONTROL_POINT, bytes([6, 0, request, result]))


class Streaming(Peripheral):
    """Sends its frames over and over while somebody listens. `every_s` between two."""

    characteristic: int
    frames: list[bytes]
    every_s: float = 0.02

    def subscribed(self, uuid: int) -> None:
        if uuid == self.characteristic:
            self.run(self._stream())

    async def _stream(self) -> None:
        for frame in itertools.cycle(self.frames):
            await asyncio.sleep(self.every_s)
            if not self.send(self.characteristic, frame):
                return


def continuous_oximeter(address: str = "A0:00:00:00:00:02", every_s: float = 0.02) -> Streaming:
    service = [Characteristic(plx.CONTINUOUS, ("notify",))]
    services = {plx.SERVICE: service, **about("Stream 200", "S-2")}
    made = Streaming(address, "PLX-2", services, [plx.SERVICE])
    made.characteristic, made.every_s = plx.CONTINUOUS, every_s
    made.frames = [bytes([0, spo2, 0, 72, 0]) for spo2 in (97, 96, 95)]
    return made


def nonin_stream(address: str = "A0:00:00:00:00:03", every_s: float = 0.02) -> Streaming:
    services = {nonin.SERVICE: [Characteristic(nonin.FRAMES, ("notify",))], **about("3230", "S-3")}
    made = Streaming(address, "Nonin3230_0001", services, [nonin.SERVICE])
    made.characteristic, made.every_s = nonin.FRAMES, every_s
    made.frames = frames_of("nonin")
    return made


class ViatomRing(Peripheral):
    """Answers each question, in pieces of 20 bytes. `deaf`: it answers no more."""

    def __init__(self, address: str = "A0:00:00:00:00:04") -> None:
        services = {
            viatom.SERVICE: [
                Characteristic(viatom.ANSWERS, ("notify",)),
                Characteristic(viatom.QUESTIONS, ("write", "write-without-response")),
            ]
        }
        super().__init__(address, "O2Ring 0001", services, [viatom.SERVICE])
        self.deaf = False
        self.asked: list[int] = []
        self._heard = b""
        self.live = bytes([96, 72, 0, 0, 0, 0, 0, 60, 0, 3, 52, 1, 0])
        self.description = json.dumps(
            {"Model": "O2Ring", "SN": "S-4", "SoftwareVer": "2.1", "CurBAT": "60%"}
        ).encode()

    def unlink(self) -> None:
        super().unlink()
        self._heard = b""

    def written(self, uuid: int, value: bytes) -> None:
        self._heard += value
        if self._heard != viatom.question(self._heard[1]):
            return  # more of the question is to come
        command, self._heard = self._heard[1], b""
        self.asked.append(command)
        if not self.deaf:
            self._answer(self.live if command == viatom.ASK_LIVE else self.description)

    def _answer(self, payload: bytes) -> None:
        head = bytes([0x55, 0, 0xFF, 0, 0]) + len(payload).to_bytes(2, "little")
        frame = head + payload
        frame += bytes([crc8(frame)])
        for at in range(0, len(frame), 20):
            self.send(viatom.ANSWERS, frame[at : at + 20])


class Dumping(Peripheral):
    """Sends all that it has as soon as it is subscribed to, every time, and then leaves."""

    characteristic: int
    frames: list[bytes]
    leave: Callable[[], None] | None = None

    def subscribed(self, uuid: int) -> None:
        if uuid == self.characteristic:
            self.run(self._dump())

    async def _dump(self) -> None:
        for frame in self.frames:
            self.send(self.characteristic, frame)
            # Apart, as a real one's are (106 ms: docs/reference/device-layouts.md#other-services)
            await asyncio.sleep(0.06)
        if self.leave is not None:
            self.leave()


def cuff(
    address: str = "A0:00:00:00:00:05", *, passkey: int | None = None, how_many: int = 14
) -> Dumping:
    measurement = Characteristic(
        blood_pressure.MEASUREMENT, ("indicate",), encrypted=passkey is not None
    )
    services = {blood_pressure.SERVICE: [measurement], **about("BM54", "S-5")}
    made = Dumping(address, "BM54", services, [blood_pressure.SERVICE], {0x0611: b"\x01"})
    made.characteristic, made.passkey = blood_pressure.MEASUREMENT, passkey
    made.frames = frames_of("blood_pressure")[:how_many]
    return made


def thermometer_in_the_ear(address: str = "A0:00:00:00:00:06") -> Dumping:
    measurement = Characteristic(thermometer.MEASUREMENT, ("indicate",))
    services = {thermometer.SERVICE: [measurement], **about("Ear 3", "S-6")}
    made = Dumping(address, "Ear 3", services, [thermometer.SERVICE])
    made.characteristic, made.frames = thermometer.MEASUREMENT, frames_of("thermometer")[:1]
    return made


def of_a_neighbour(address: str = "B0:00:00:00:00:01") -> Peripheral:
    return Peripheral(address, "Loudspeaker", {0x110B: []}, [0x110B])


def unread_ring(address: str = "B0:00:00:00:00:02") -> Peripheral:
    return Peripheral(address, "S8-AW 0001", {}, [], {0xF34E: b"\x00"})


def spot_checks(*values: int, at: datetime | None = EIGHT) -> list[bytes]:
    """Spot checks of these values, a minute apart, or without a time."""
    return [
        plx.encode(
            plx.SPOT_CHECK,
            plx.PlxFrame(
                plx.Pair(float(spo2), 70.0),
                device_time=at and at + timedelta(minutes=n),
            ),
        )
        for n, spo2 in enumerate(values)
    ]


def a_room() -> list[Peripheral]:
    """One of each, and what is about in any street."""
    return [
        SpotCheckOximeter(records=spot_checks(96, 95, 94), shows=EIGHT + timedelta(hours=1)),
        continuous_oximeter(every_s=1),
        nonin_stream(every_s=1),
        ViatomRing(),
        cuff(),
        thermometer_in_the_ear(),
        cuff("A0:00:00:00:00:07", passkey=A_CODE),
        of_a_neighbour(),
        unread_ring(),
    ]
