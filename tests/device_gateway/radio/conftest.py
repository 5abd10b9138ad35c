"""A home with a radio, in a room with invented devices, on a bus of its own."""

import asyncio
import json
import time
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from threading import Event
from typing import Any

import pytest

from device_gateway.capture.capture import Capture
from device_gateway.config.devices_file import Devices, Paired
from device_gateway.config.homes_file import Broker
from device_gateway.home import Home, open_home
from device_gateway.radio.pace import RadioPace
from device_gateway.radio.radio import listen
from device_gateway.radio.state import DeviceState, RadioState
from device_gateway.spool.file import SpoolFullError
from tests.conftest import missing
from tests.device_gateway.conftest import a_place
from tests.fakes.bluez import HAS_DBUS, FakeBluez, FakeDevice, PrivateBus, fake_bluez, private_bus
from tests.fakes.peripherals import Peripheral
from tests.fakes.playback import take_frames
from ward_service.contract.clock import real_clock

# Everything as docs/reference/device-layouts.md#radio-states says, only quicker; what a test is
# about it makes shorter still.
QUICK = RadioPace(
    connect_s=3,
    subscribe_s=1,
    call_s=1,
    pair_s=3,
    leave_s=1,
    settle_s=0.3,
    between_records_s=0.4,
    look_s=0.3,
    backoff_first_s=0.02,
    backoff_max_s=0.1,
    adapter_look_s=0.1,
    power_off_s=0.02,
    scan_start_s=1,
    stretch=0.05,
)


class Heard:
    """Keeps each frame as a reading of its own, so that a test can count what the radio brought.

    What a home makes of a stream is tried in tests/gateway. `full`: nothing more is taken.
    """

    def __init__(self, home: Home) -> None:
        self.home, self.full = home, False
        self.captures: list[Capture] = []
        self.partings: list[str] = []

    def take(self, device: Paired, captures: Sequence[Capture]) -> None:
        if self.full:
            raise SpoolFullError("the spool takes nothing more; what it holds is safe")
        take_frames(self.home, captures)
        self.captures.extend(captures)

    def parted(self, device: Paired, at: Any) -> None:
        self.partings.append(device.family)

    @property
    def readings(self) -> list[dict[str, Any]]:
        return [json.loads(held.payload) for held in self.home.spool.after(0, 10_000)]

    def values(self, vital: str = "spo2") -> list[float]:
        return [
            observation["value"]
            for reading in self.readings
            for observation in reading["observations"]
            if observation["vital"] == vital
        ]


class Room:
    """What a test has in its hands."""

    def __init__(self, bluez: FakeBluez, heard: Heard, state: RadioState) -> None:
        self.bluez, self.heard, self.state = bluez, heard, state
        self.stop = asyncio.Event()
        self.radio: asyncio.Task[None] | None = None

    def of(self, peripheral: Peripheral) -> DeviceState:
        return self.state.snapshot().devices[peripheral.address]

    def device(self, peripheral: Peripheral) -> FakeDevice:
        return self.bluez.adapter.devices[peripheral.address]

    @property
    def codes(self) -> list[str]:
        return [trouble.code.value for trouble in self.state.troubles()]


def paired(peripheral: Peripheral, family: str, slot: int = 1) -> Paired:
    return Paired(
        address=peripheral.address,
        family=family,
        name=peripheral.name,
        slots=(slot,),
        model=f"Model {family}",
        serial=f"serial-{family}",
    )


def only(*devices: Paired) -> Devices:
    return Devices(devices=devices)


@pytest.fixture
def bus() -> Iterator[PrivateBus]:
    if not HAS_DBUS:
        missing("dbus-daemon", "install it, for example: apt-get install dbus")
    with private_bus() as one:
        yield one


@pytest.fixture
def heard(tmp_path: Path) -> Iterator[Heard]:
    broker = Broker(host="127.0.0.1", port=1)
    home = open_home(a_place(), broker, tmp_path / "spools", real_clock(), Event())
    yield Heard(home)
    home.spool.close()


OpenRoom = Callable[..., Any]


@pytest.fixture
def room(bus: PrivateBus, heard: Heard) -> OpenRoom:
    """Return what opens a room: `async with room({a_device: "plx"}) as one`."""

    @asynccontextmanager
    async def opened(
        devices: dict[Peripheral, str],
        *others: Peripheral,
        before: Callable[[FakeBluez], None] | None = None,
        state: RadioState | None = None,
        **pace: Any,
    ) -> AsyncIterator[Room]:
        clock = real_clock()
        enrolled = Devices(devices=tuple(paired(one, key) for one, key in devices.items()))
        async with fake_bluez(*devices, *others) as bluez:
            if before is not None:
                before(bluez)
            one = Room(bluez, heard, state or RadioState(clock))
            one.state.enrol(enrolled)
            quick = replace(QUICK, **pace)
            one.radio = asyncio.create_task(
                listen(enrolled, heard, clock, one.stop, one.state, quick)
            )
            try:
                yield one
                assert not one.radio.done(), "nothing ends listen but to be told"
            finally:
                one.stop.set()
                await asyncio.wait_for(one.radio, 10)

    return opened


async def until(condition: Callable[[], object], seconds: float = 8) -> None:
    """Wait until something holds."""
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "it never came to hold"
        await asyncio.sleep(0.01)


def run(story: Callable[[], Coroutine[Any, Any, None]]) -> None:
    async def whole() -> None:
        await story()
        await asyncio.sleep(0.05)  # sockets that were told to close do so in the loop's next turns

    asyncio.run(whole())
