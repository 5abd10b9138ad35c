"""Meeting a device, in one process with the fake BlueZ."""

import pytest
from bleak.backends.device import BLEDevice

from device_gateway.decode import plx, thermometer, viatom
from device_gateway.decode.family import Write
from device_gateway.radio.gatt import GattError, connect
from device_gateway.radio.pace import RadioPace
from device_gateway.radio.pairing import Met, NotMetError, adverts, meet
from device_gateway.radio.scan import Scan, close_bleak
from tests.device_gateway.radio.conftest import QUICK, run, until
from tests.fakes.bluez import IN_PROGRESS, PrivateBus, fake_bluez
from tests.fakes.peripherals import (
    Peripheral,
    SpotCheckOximeter,
    ViatomRing,
    continuous_oximeter,
    cuff,
    spot_checks,
    thermometer_in_the_ear,
    unread_ring,
)


async def nobody_asks() -> int | None:
    raise AssertionError("nobody may be asked")


async def met(peripheral: Peripheral, *, bond: bool = False, pace: RadioPace = QUICK) -> Met:
    return await meet(peripheral.address, "hci0", nobody_asks, print, bond=bond, pace=pace)


@pytest.mark.usefixtures("bus")
@pytest.mark.parametrize(
    ("peripheral", "once"),
    [
        (SpotCheckOximeter(live=spot_checks(91)), plx.SPOT_CHECK),
        (thermometer_in_the_ear(), thermometer.MEASUREMENT),
    ],
    ids=["spot check", "thermometer"],
)
def test_what_is_sent_once_is_not_asked_for_while_nobody_keeps_it(
    peripheral: Peripheral, once: int
) -> None:
    async def story() -> None:
        async with fake_bluez(peripheral) as bluez:
            assert not (await met(peripheral)).bonded
            device = bluez.adapter.devices[peripheral.address]
            assert not device.characteristics[once].notifying
            assert not device.connected
            if isinstance(peripheral, SpotCheckOximeter):
                assert len(peripheral.live) == 1

    run(story)


def test_a_device_is_bonded_only_if_it_or_a_person_demands_it(bus: PrivateBus) -> None:
    plain, strict = continuous_oximeter(), SpotCheckOximeter(encrypted=True)

    async def story() -> None:
        async with fake_bluez(plain, strict):
            assert not (await met(plain)).bonded
            assert (await met(plain, bond=True)).bonded
            assert (await met(strict)).bonded

    run(story)


def test_a_device_that_another_program_has_is_not_torn_away(bus: PrivateBus) -> None:
    oximeter = continuous_oximeter()

    async def story() -> None:
        async with fake_bluez(oximeter) as bluez:
            device = bluez.adapter.devices[oximeter.address]
            device.advertise()
            device.link_up()
            with pytest.raises(NotMetError, match="connected already"):
                await met(oximeter)
            assert device.connected

    run(story)


def test_one_that_is_not_about_or_not_reached_is_said_to_be_so(bus: PrivateBus) -> None:
    away, hanging = continuous_oximeter(), cuff()
    away.advertising = False
    quick = RadioPace(connect_s=0.2, find_s=0.3, settle_s=0.1)

    async def story() -> None:
        async with fake_bluez(away, hanging) as bluez:
            with pytest.raises(NotMetError, match="was not heard in"):
                await met(away, pace=quick)
            bluez.adapter.devices[hanging.address].hang_connect = True
            with pytest.raises(NotMetError, match="heard, but not reached"):
                await met(hanging, pace=quick)

    run(story)


def test_adverts_are_those_of_all_and_the_radio_away_is_said(bus: PrivateBus) -> None:
    ring = unread_ring()

    async def story() -> None:
        async with fake_bluez(ring) as bluez:
            found = await adverts("hci0", 0.3, QUICK)
            assert found[ring.address].manufacturers == {0xF34E: b"\x00"}
            bluez.adapter.power(on=False)
            with pytest.raises(NotMetError, match="off"):
                await adverts("hci0", 0.3, QUICK)
            bluez.adapter.power(on=True)
            bluez.adapter.scan_forever = IN_PROGRESS
            with pytest.raises(NotMetError, match="InProgress"):
                await adverts("hci0", 0.3, QUICK)

    run(story)


def test_a_long_write_goes_in_pieces_that_every_device_takes(bus: PrivateBus) -> None:
    ring = ViatomRing()
    value = bytes(range(45))

    async def story() -> None:
        async with fake_bluez(ring) as bluez:
            device = bluez.adapter.devices[ring.address]
            scan = Scan("hci0", lambda found, _: there.append(found), QUICK)
            there: list[BLEDevice] = []
            await scan.on()
            await until(lambda: there)
            await scan.off()
            gatt = await connect(there[0], "", lambda: None, QUICK)
            ring.deaf = True
            with pytest.raises(GattError, match="no characteristic 2A52"):
                await gatt.write(Write(0x2A52, b"", response=True))
            await gatt.write(Write(viatom.QUESTIONS, value))
            written = device.characteristics[viatom.QUESTIONS].written
            assert b"".join(piece for piece, _ in written) == value
            assert [len(piece) for piece, _ in written] == [20, 20, 5]
            await gatt.leave()
            await close_bleak(QUICK)

    run(story)
