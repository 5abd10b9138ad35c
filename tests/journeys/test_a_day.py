"""A whole day in one home, faster than life: every part real, but for the air and the clocks.

Hours in which nothing happens pass in seconds; what happens, happens at its own pace (`hours.py`).
What each device sent is noted by the device: that is what the ward must have in the end, once.
"""

import asyncio
import json
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from pathlib import Path
from threading import Event, Thread
from typing import Any, TypeVar

import pytest
from typer.testing import CliRunner

from device_gateway.cli import advice
from device_gateway.cli.main import app
from device_gateway.config.devices_file import FILE_NAME, Devices, Paired, write_devices
from device_gateway.decode import blood_pressure, device_information, plx, thermometer
from device_gateway.decode.fields import date_time_bytes
from device_gateway.spool.file import SpoolError
from device_gateway.spool.spool import Spool
from tests.conftest import missing
from tests.factories import NOON
from tests.fakes.bluez import HAS_DBUS, VARIABLE, FakeBluez, fake_bluez, private_bus
from tests.fakes.peripherals import (
    Characteristic,
    Peripheral,
    about,
    continuous_oximeter,
    spot_checks,
)
from tests.journeys.hours import Day, hours, program
from tests.journeys.house import House
from tests.journeys.test_plans import Nurse, until

T = TypeVar("T")
HOUR = timedelta(hours=1)
STREAM_S = 20  # real seconds with a finger in it


def at(hour: int, minute: int = 0, *, day: int = 0) -> datetime:
    """A moment of this day, or of the next: London is at UTC in winter."""
    return NOON.replace(hour=hour, minute=minute) + timedelta(days=day)


class Handheld(Peripheral):
    """A device that is on while it is used: it says what it has, and switches itself off.

    `memory`: what it says, every time; `used_up`: each is said once, and `said` notes all of it.
    """

    def __init__(self, address: str, model: str, service: int, measurement: int) -> None:
        services = {service: [Characteristic(measurement, ("indicate",))], **about(model, model)}
        super().__init__(address, model, services, [service], advertising=False)
        self.measurement, self.memory, self.said = measurement, list[bytes](), list[bytes]()
        self.keeps = False
        self.device_off: Callable[[], None] = lambda: None
        self._battery_read = asyncio.Event()

    def read(self, uuid: int) -> bytes:
        if uuid == device_information.BATTERY_LEVEL:
            self._battery_read.set()
        return super().read(uuid)

    def subscribed(self, uuid: int) -> None:
        if uuid == self.measurement:
            self.run(self._say())

    async def _say(self) -> None:
        self._battery_read.clear()
        for frame in tuple(self.memory):
            if not self.send(self.measurement, frame):
                return
            self.said.append(frame)
            if not self.keeps:
                self.memory.remove(frame)
            # Apart, as a real one's are (106 ms: docs/reference/device-layouts.md#other-services)
            await asyncio.sleep(0.06)
        await self._battery_read.wait()
        self.advertising = False
        self.device_off()


class Air:
    """The room with its devices, in a thread of its own, so that the story can wait."""

    def __init__(self, *there: Peripheral) -> None:
        self._there, self._open = there, Event()
        self._loop = asyncio.new_event_loop()
        self._closed = asyncio.Event()
        self.bluez: FakeBluez
        self._thread = Thread(
            target=self._loop.run_until_complete, args=(self._stay(),), daemon=True
        )

    @contextmanager
    def breathes(self) -> Iterator["Air"]:
        self._thread.start()
        assert self._open.wait(10)
        try:
            yield self
        finally:
            self._loop.call_soon_threadsafe(self._closed.set)
            self._thread.join(10)
            self._loop.close()

    def do(self, what: Callable[[], T]) -> T:
        async def there() -> T:
            return what()

        return asyncio.run_coroutine_threadsafe(there(), self._loop).result(10)

    def on(self, device: Peripheral, *frames: bytes) -> None:
        """Somebody takes a device, which measures, and wants to tell somebody."""

        def used() -> None:
            if isinstance(device, Handheld):
                device.memory.extend(frames)
                device.device_off = self.bluez.adapter.devices[device.address].drop
            device.advertising = True

        self.do(used)

    def off(self, device: Peripheral) -> None:
        def switched_off() -> None:
            device.advertising = False
            self.bluez.adapter.devices[device.address].drop()

        self.do(switched_off)

    async def _stay(self) -> None:
        async with fake_bluez(*self._there) as self.bluez:
            self._open.set()
            await self._closed.wait()


def spo2(value: int) -> bytes:
    [frame] = spot_checks(value, at=None)
    return frame


def temperature(celsius: float) -> bytes:
    return b"\0" + round(celsius * 10).to_bytes(3, "little") + b"\xff"


def pressure(systolic: int, diastolic: int, when: datetime) -> bytes:
    """A record as a cuff keeps it, with the time on its own clock."""
    values = b"".join(n.to_bytes(2, "little") for n in (systolic, diastolic, 0))
    return b"\x06" + values + date_time_bytes(when) + (70).to_bytes(2, "little")


class Story:
    """A home with its devices, its ward, and the day over both."""

    def __init__(self, house: House, air: Air, day: Day, devices: dict[str, Peripheral]) -> None:
        self.house, self.air, self.day = house, air, day
        self.oximeter, self.cuff, self.ear, self.finger = devices.values()
        assert house.ward
        self.nurse = Nurse(house.ward.port)

    # --- the home -----------------------------------------------------------------------------

    def measures(self, device: Peripheral, *frames: bytes) -> None:
        """Use a device; return when it has switched itself off again."""
        self.air.on(device, *frames)
        until(lambda: not (device.advertising or device.linked))

    def starts(self) -> None:
        self.house.start_homes("run")

    def killed(self) -> None:
        self.house.kill_homes()
        self.air.do(self.air.bluez.adapter.stop_scan)  # BlueZ ends the scan of one who died

    def spool(self) -> Spool:
        return Spool(self.house.folder / "spools" / "home-01.spool", look_only=True)

    def waits(self) -> list[dict[str, Any]]:
        """What the home has not yet been given a receipt for, oldest first."""
        with self.spool() as spool:
            return [json.loads(held.payload) for held in spool.after(0, 100)]

    def on_the_screen(self, monkeypatch: pytest.MonkeyPatch) -> str:
        """What `device-gateway advice` prints."""
        monkeypatch.setattr(advice, "read_clock", lambda: hours(self.day.home_file))
        folder = self.house.folder
        places = ["--homes", str(folder / "homes.json"), "--spool-dir", str(folder / "spools")]
        printed = CliRunner().invoke(app, ["advice", *places])
        assert printed.exit_code == 0, printed.output
        return printed.output

    # --- what the devices say that they sent ----------------------------------------------------

    def said(self) -> Counter[bytes]:
        """Every measurement that a device has sent; of the cuff's memory each record once."""
        assert isinstance(self.oximeter, Handheld)
        assert isinstance(self.ear, Handheld)
        assert isinstance(self.cuff, Handheld)
        return Counter([*self.oximeter.said, *self.ear.said, *set(self.cuff.said)])

    # --- the ward -------------------------------------------------------------------------------

    def all_arrived(self) -> list[dict[str, Any]]:
        """Wait for all that was sent; return the spot readings at the ward, in order of receipt."""
        count = self.said().total()
        until(lambda: len(self.spots()) >= count, 60)
        assert len(self.spots()) == count
        return self.spots()

    def spots(self) -> list[dict[str, Any]]:
        traces = {json.loads(p)["reading_id"] for (p,) in self._payloads() if "samples" in p}
        return [one for one in self.nurse.readings() if one["reading_id"] not in traces]

    def seconds(self) -> list[datetime]:
        """Every second of a stream at the ward in which something was seen."""
        found = []
        for (payload,) in self._payloads():
            trace = json.loads(payload)
            if "samples" in trace:
                began, values = (
                    datetime.fromisoformat(trace["started_at"]),
                    trace["samples"]["spo2"],
                )
                found += [began + timedelta(seconds=n) for n, v in enumerate(values) if v]
        return found

    def line(self) -> dict[str, Any]:
        [line] = self.asks("/triage")["patients"]
        assert isinstance(line, dict)
        return line

    def home(self) -> dict[str, Any]:
        [home] = self.asks("/gateways")["homes"]
        assert isinstance(home, dict)
        return home

    def technical(self) -> list[str]:
        """The reasons, in words, why somebody must look at this home."""
        alerts = [a for a in self.line()["alerts"] if a["alert_class"] == "technical"]
        return [finding["words"] for alert in alerts for finding in alert["findings"]]

    def missing(self) -> list[dict[str, Any]]:
        return [alert for alert in self.line()["alerts"] if alert["alert_class"] == "missing"]

    def asks(self, path: str) -> Any:
        return self.nurse.asks(path)

    def _payloads(self) -> list[tuple[Any, ...]]:
        return self.house.ask("SELECT payload FROM reading")


@pytest.fixture
def story(house: House) -> Iterator[Story]:
    if not HAS_DBUS:
        missing("dbus-daemon", "install it, for example: apt-get install dbus")
    devices: dict[str, Peripheral] = {
        "plx": Handheld("A0:00:00:00:00:01", "Spot 100", plx.SERVICE, plx.SPOT_CHECK),
        "blood_pressure": Handheld(
            "A0:00:00:00:00:02", "BM54", blood_pressure.SERVICE, blood_pressure.MEASUREMENT
        ),
        "thermometer": Handheld(
            "A0:00:00:00:00:03", "Ear 3", thermometer.SERVICE, thermometer.MEASUREMENT
        ),
        "plx of a finger": continuous_oximeter("A0:00:00:00:00:04", every_s=1),
    }
    _, cuff, _, finger = devices.values()
    assert isinstance(cuff, Handheld)
    cuff.keeps, finger.advertising = True, False
    paired = [
        Paired(address=d.address, family=key.split()[0], name=d.name, slots=(1,), model=d.name)
        for key, d in devices.items()
    ]
    write_devices(house.folder / FILE_NAME, Devices(devices=tuple(paired)))
    day, air = Day(house.folder), Air(*devices.values())
    day.begins(at(7, 30))
    house.ward_program = program("ward", day.ward_file)
    house.gateway_program = program("home", day.home_file)
    root = str(Path(__file__).parents[2])
    house.more |= {"PYTHONPATH": root, "HOMEWARD_RECONNECT_MAX_S": "1"}
    house.more["HOMEWARD_RESEND_AFTER_S"] = "3"
    with private_bus() as bus, air.breathes():
        house.more[VARIABLE] = bus.address
        house.admit(["home-01"], at(7, 30))
        house.start_ward()
        made = Story(house, air, day, devices)
        made.starts()
        yield made
        house.end()  # before its bus


def test_a_whole_day_in_one_home(story: Story, monkeypatch: pytest.MonkeyPatch) -> None:
    _the_morning(story)
    _the_network_drops(story)
    _the_network_comes_back(story)
    _the_clock_jumps(story)
    _the_clock_is_put_right(story, monkeypatch)
    _the_battery_runs_down(story)
    _nothing_comes_any_more(story)
    _every_reading_is_there_once(story)


def _the_morning(story: Story) -> None:
    until(lambda: _plans(story))
    story.day.comes_to(at(8, 30))
    story.measures(story.oximeter, spo2(97))
    story.measures(story.ear, temperature(36.8))
    story.measures(story.cuff, pressure(132, 84, at(8, 29)))
    readings = story.all_arrived()
    assert [one["values"] for one in readings] == [
        {"spo2": 97.0, "pulse_rate": 70.0},
        {"temperature": 36.8},
        {"systolic_bp": 132.0, "diastolic_bp": 84.0, "pulse_rate": 70.0},
    ]
    assert [one["level"] for one in readings] == ["green", None, None]
    assert not any(one["late"] or one["time_doubtful"] for one in readings)
    story.air.on(story.finger)  # at its own pace: a stream has no other
    until(lambda: story.finger.sent >= STREAM_S, 60)
    story.air.off(story.finger)
    # A second is the one in which it was heard: on a busy machine two may be heard in one.
    until(lambda: len(story.seconds()) >= STREAM_S / 2)
    assert story.line()["overdue_since"] is None


def _plans(story: Story) -> list[int]:
    try:
        with story.spool() as spool:
            return [plan.number for plan in spool.plans()]
    except SpoolError:  # the home is about to make it
        return []


def _the_network_drops(story: Story) -> None:
    story.day.comes_to(at(11))
    until(lambda: not story.waits())
    story.house.broker.kill()
    before = len(story.nurse.readings())
    story.day.comes_to(at(12))
    story.measures(story.oximeter, spo2(91))
    [first] = story.waits()
    assert first["advice"]["level"] == "red"
    assert first["advice"]["text_ids"] == ["repeat.red"]
    story.killed()
    story.starts()
    story.day.comes_to(at(12, 2))
    story.measures(story.oximeter, spo2(91))
    _, second = story.waits()
    # By the reading that it took before it was killed.
    assert (second["advice"]["level"], second["advice"]["text_ids"]) == ("red", ["advice.red"])
    story.measures(story.ear, temperature(37.4))
    assert len(story.waits()) == 3
    assert len(story.nurse.readings()) == before
    # The last that came was a temperature, which this pathway does not judge: that is not green.
    assert (story.line()["level"], story.line()["place"]) == (None, "not_judged")


def _the_network_comes_back(story: Story) -> None:
    story.day.comes_to(at(14))
    story.house.broker.start()
    *_, first, second, ear = story.all_arrived()
    assert [one["late"] for one in (first, second, ear)] == [True] * 3
    assert not any(one["time_doubtful"] for one in (first, second, ear))
    told = [(one["told"]["level"], one["told"]["text_ids"]) for one in (first, second)]
    assert told == [("red", ["repeat.red"]), ("red", ["advice.red"])]
    assert "go to A&E at once or call 999" in second["told"]["words"][0]
    line = story.line()
    assert line["level"] == "red"
    [alert] = [a for a in line["alerts"] if a["alert_class"] == "physiological"]
    assert (alert["level"], alert["late"]) == ("red", True)
    assert alert["state"] == "open"
    assert any(words.startswith("SpO2 91 % <= 92 %") for words in line["why"])
    assert line["overdue_since"] is None  # 12:00 fills 13:00, however late it came


def _the_clock_jumps(story: Story) -> None:
    story.day.comes_to(at(14, 30))
    story.day.home_is_ahead(HOUR)
    for device, frame in (
        (story.oximeter, spo2(96)),
        (story.ear, temperature(37.0)),
        (story.oximeter, spo2(95)),
    ):
        story.measures(device, frame)
        newest = story.all_arrived()[-1]
        assert newest["time_doubtful"]
        assert "time_doubtful" in newest["doubts"]
        measured = datetime.fromisoformat(newest["measured_at"])
        received = datetime.fromisoformat(newest["received_at"])
        assert HOUR - timedelta(minutes=2) < measured - received <= HOUR
    judged = "SELECT count(*) FROM reading WHERE time_doubtful AND judged_at <> received_at"
    assert story.house.ask(judged) == [(0,)]
    wrong = "the clock of the box at home is wrong: the times of its readings cannot be trusted"
    until(lambda: wrong in story.technical())
    assert wrong in [trouble["words"] for trouble in story.home()["troubles"]]
    assert story.line()["level"] == "red"  # what is doubtful withdraws nothing


def _the_clock_is_put_right(story: Story, monkeypatch: pytest.MonkeyPatch) -> None:
    story.day.comes_to(at(14, 50))
    story.day.home_is_ahead(timedelta(0))
    story.measures(story.oximeter, spo2(93))
    newest = story.all_arrived()[-1]
    assert (newest["time_doubtful"], newest["late"]) == (False, False)
    assert (newest["level"], newest["told"]["level"]) == ("amber", "amber")
    # The one before has a later time: nobody is shown it in place of this one.
    assert "93 %" in story.on_the_screen(monkeypatch)
    story.day.comes_to(at(16, 30))
    assert isinstance(story.cuff, Handheld)
    story.measures(story.cuff, pressure(128, 82, at(16, 29)))
    assert len(story.cuff.said) == 3  # its memory, again, and one more
    assert story.all_arrived()[-1]["values"]["systolic_bp"] == 128.0
    story.measures(story.ear, temperature(37.1))
    story.all_arrived()
    until(lambda: not story.home()["troubles"])


def _the_battery_runs_down(story: Story) -> None:
    story.day.comes_to(at(17, 10))
    battery = story.oximeter.every[device_information.BATTERY_LEVEL]
    story.air.do(lambda: setattr(battery, "value", bytes([5])))
    story.measures(story.oximeter, spo2(94))
    story.all_arrived()
    low = "the battery of Spot 100 at home is low: ask for a new one"
    until(lambda: low in story.technical())
    [oximeter] = [d for d in story.home()["devices"] if d["model"] == "Spot 100"]
    assert oximeter["battery"] == 5


def _nothing_comes_any_more(story: Story) -> None:
    assert story.line()["overdue_since"] is None
    story.day.comes_to(at(10, 55, day=1))
    assert story.line()["overdue_since"] is None  # agreed was 9:00, and it may be two hours late
    story.day.comes_to(at(11, 1, day=1))
    until(lambda: story.line()["overdue_since"])
    assert datetime.fromisoformat(story.line()["overdue_since"]) == at(11, day=1)
    story.day.comes_to(at(15, 1, day=1))  # six hours late: somebody is to ring
    until(lambda: story.missing())
    line, [alert] = story.line(), story.missing()
    assert (line["level"], line["place"]) == ("red", "red_and_overdue")  # silence clears nothing
    assert datetime.fromisoformat(alert["opened_at"]) == at(15, day=1)
    assert line["reason"] == "red alert in play, and no reading when one was due"
    assert [f["words"] for f in alert["findings"]] == ["no reading for 09:00 on 25 Nov"]


def _every_reading_is_there_once(story: Story) -> None:
    readings = story.all_arrived()
    values = Counter(tuple(sorted(one["values"].items())) for one in readings)
    assert values == Counter(map(_values_of, story.said().elements()))
    seconds = story.seconds()
    assert len(seconds) == len(set(seconds))
    assert STREAM_S / 2 <= len(seconds) <= story.finger.sent
    until(lambda: not story.waits())
    home = story.home()
    assert (home["missing"], home["depth"], home["unclaimed"]) == (0, 0, 0)
    assert story.house.ask("SELECT count(*) FROM quarantine") == [(0,)]
    [(upto, made, given_up)] = story.house.ask("SELECT upto, made, given_up FROM stream")
    with story.spool() as spool:
        assert (spool.depth(), upto, given_up) == (0, spool.last_seq, 0)
    assert isinstance(story.cuff, Handheld)
    again = len(story.cuff.said) - len(set(story.cuff.said))  # numbers of which nothing was new
    [(kept,)] = story.house.ask("SELECT count(DISTINCT seq) FROM reading")
    assert (kept + again, again) == (upto, 1)
    assert made <= upto


def _values_of(frame: bytes) -> tuple[tuple[str, float], ...]:
    """The numbers that were put into a frame; its length says of which device it is."""
    first, second = (int.from_bytes(frame[n : n + 2], "little") for n in (1, 3))
    if len(frame) == len(temperature(37)) and frame.endswith(b"\xff"):
        return (("temperature", first / 10),)
    if len(frame) == len(pressure(120, 80, NOON)):
        return (("diastolic_bp", second), ("pulse_rate", 70), ("systolic_bp", first))
    return (("pulse_rate", _sfloat(second)), ("spo2", _sfloat(first)))


def _sfloat(word: int) -> float:
    """An IEEE 11073 SFLOAT above zero: a signed exponent in four bits, twelve of mantissa."""
    exponent = (word >> 12 ^ 8) - 8
    return float((word & 0xFFF) * 10.0**exponent)
