"""The doctor asks the bus how the radio is, says what to do in plain words, and changes nothing."""

import asyncio
from collections.abc import Callable
from pathlib import Path

import pytest
from typer.testing import CliRunner

from device_gateway.cli.main import app
from device_gateway.config.devices_file import FILE_NAME, Devices, write_devices
from device_gateway.doctor.check import Check, Verdict
from device_gateway.doctor.radio import check_radio
from tests.conftest import missing
from tests.device_gateway.radio.conftest import QUICK, only, paired, run
from tests.fakes.bluez import HAS_DBUS, VARIABLE, FakeBluez, PrivateBus, fake_bluez, private_bus
from tests.fakes.peripherals import SpotCheckOximeter, cuff, thermometer_in_the_ear

OXIMETER, CUFF, EAR = SpotCheckOximeter(), cuff(), thermometer_in_the_ear()
THREE = only(paired(OXIMETER, "plx"), paired(CUFF, "blood_pressure"), paired(EAR, "thermometer"))


def looked(devices: Devices = THREE) -> list[Check]:
    return list(check_radio(devices, QUICK))


def looked_where(prepared: Callable[[FakeBluez], object], devices: Devices = THREE) -> list[Check]:
    found: list[Check] = []

    async def story() -> None:
        async with fake_bluez(OXIMETER, CUFF, EAR) as bluez:
            prepared(bluez)
            found.extend(await asyncio.to_thread(looked, devices))

    run(story)
    return found


def test_a_radio_that_is_well_says_how_many_devices_it_knows(bus: PrivateBus) -> None:
    def two_are_about(bluez: FakeBluez) -> None:
        bluez.adapter.devices[OXIMETER.address].advertise()
        bluez.adapter.devices[CUFF.address].advertise()
        bluez.adapter.devices[CUFF.address].link_up()

    radio, devices = looked_where(two_are_about)
    assert (radio.verdict, radio.todo) == (Verdict.FINE, "")
    assert (devices.verdict, devices.words) == (
        Verdict.FINE,
        "3 paired; Bluetooth has lately heard 2, and is connected to 1.",
    )
    assert OXIMETER.address not in f"{radio}{devices}"


def test_an_adapter_that_is_off_is_to_be_unblocked_and_stays_as_it_is(bus: PrivateBus) -> None:
    cycles: list[int] = []

    def off(bluez: FakeBluez) -> None:
        bluez.adapter.power(on=False)
        cycles.append(bluez.adapter.power_cycles)

    radio, _ = looked_where(off)
    assert (radio.verdict, radio.words) == (Verdict.BAD, "The adapter hci0 is switched off.")
    assert "sudo rfkill unblock bluetooth" in radio.todo
    assert cycles == [0]


def test_an_adapter_that_is_not_here_is_told_from_none_at_all(bus: PrivateBus) -> None:
    radio, _ = looked_where(lambda bluez: bluez.adapter.unplug())
    assert (radio.verdict, radio.words) == (
        Verdict.BAD,
        "The adapter hci0 is not here; there is hci1.",
    )

    def none(bluez: FakeBluez) -> None:
        bluez.adapter.unplug()
        bluez.other_adapter.unplug()

    radio, _ = looked_where(none)
    assert (radio.verdict, radio.words) == (Verdict.BAD, "This machine has no Bluetooth adapter.")
    assert "rfkill" in radio.todo


def test_a_bluetoothd_that_is_away_is_to_be_started(bus: PrivateBus) -> None:
    [radio] = looked()
    assert (radio.verdict, radio.words) == (
        Verdict.BAD,
        "Bluetooth is not running on this machine.",
    )
    assert "sudo systemctl start bluetooth" in radio.todo


def test_a_bluetoothd_that_hangs_is_to_be_restarted(bus: PrivateBus) -> None:
    [radio] = looked_where(lambda bluez: setattr(bluez, "frozen", True))
    assert (radio.verdict, "does not answer" in radio.words) == (Verdict.BAD, True)
    assert "restart bluetooth" in radio.todo


def test_a_machine_without_a_bus_is_told_so(bus: PrivateBus) -> None:
    bus.kill()
    [radio] = looked()
    assert (radio.verdict, "no system bus" in radio.words) == (Verdict.BAD, True)


def test_a_user_who_may_not_use_bluetooth_is_told_which_group(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    if not HAS_DBUS:
        missing("dbus-daemon", "install it, for example: apt-get install dbus")
    with private_bus(deny_bluez=True):
        [radio] = looked_where(lambda _: None)
    assert (radio.verdict, radio.words) == (Verdict.BAD, "This user may not use Bluetooth.")
    assert radio.todo.startswith("sudo usermod -aG bluetooth ")


def test_where_no_device_is_paired_a_radio_that_is_away_is_only_to_be_known(
    bus: PrivateBus,
) -> None:
    assert [check.verdict for check in looked(Devices())] == [Verdict.MIND]
    radio, devices = looked_where(lambda _: None, Devices())
    assert (radio.verdict, devices.verdict) == (Verdict.FINE, Verdict.MIND)
    assert "device-gateway pair" in devices.todo


def test_the_command_looks_at_the_radio_and_at_the_devices_file(
    bus: PrivateBus, tmp_path: Path
) -> None:
    (tmp_path / "homes.json").write_text(
        '{"broker": {"host": "127.0.0.1", "port": 1},'
        ' "homes": [{"gateway": "home-01", "key": "%s", "slot": 1}]}' % ("ab" * 32)
    )
    (tmp_path / "homes.json").chmod(0o600)
    write_devices(tmp_path / FILE_NAME, THREE)
    command = ["doctor", "--homes", str(tmp_path / "homes.json")]
    command += ["--spool-dir", str(tmp_path / "spools")]
    said = CliRunner(env={VARIABLE: bus.address}).invoke(app, command)
    assert said.exit_code == 1
    assert "NOT WELL  radio: Bluetooth is not running on this machine." in said.output
    assert "-> sudo systemctl start bluetooth" in said.output
    assert "plan of home-01: No plan: only the plain safety words are told." in said.output
    (tmp_path / FILE_NAME).write_text("nothing of ours")
    broken = CliRunner(env={VARIABLE: bus.address}).invoke(app, command)
    assert f"NOT WELL  radio: {tmp_path / FILE_NAME} is not JSON." in broken.output
