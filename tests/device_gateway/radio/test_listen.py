"""What a home hears when all is well, family by family."""

from datetime import UTC, datetime

from device_gateway.decode import device_clock, plx_records, viatom
from device_gateway.radio.state import Adapter, Doing
from tests.device_gateway.radio.conftest import OpenRoom, Room, run, until
from tests.fakes.bluez import FakeCharacteristic
from tests.fakes.peripherals import (
    Peripheral,
    SpotCheckOximeter,
    ViatomRing,
    continuous_oximeter,
    cuff,
    frames_of,
    nonin_stream,
    of_a_neighbour,
    spot_checks,
    thermometer_in_the_ear,
)


def test_stored_spot_checks_arrive_once_each_and_are_said_to_be_stored(room: OpenRoom) -> None:
    oximeter = SpotCheckOximeter(records=spot_checks(96, 93, 88))

    async def story() -> None:
        async with room({oximeter: "plx"}) as one:
            await until(lambda: len(one.heard.readings) == 3)
            await until(lambda: one.of(oximeter).battery == 80)
            asked = [value for value, _ in _control_point(one, oximeter).written]
            assert asked == [plx_records.COUNT_STORED, plx_records.REPORT_STORED]
            assert one.heard.values() == [96, 93, 88]
            assert all("stored" in reading["quality"] for reading in one.heard.readings)
            assert [r["measured_at"] for r in one.heard.readings] == [
                f"2026-11-20T08:{n:02}:00Z" for n in range(3)
            ]
            assert one.of(oximeter).possibly_missed == 0
            assert one.state.troubles() == ()
            assert one.of(oximeter).doing is Doing.CONNECTED

    run(story)


def _control_point(one: Room, oximeter: Peripheral) -> FakeCharacteristic:
    return one.device(oximeter).characteristics[plx_records.CONTROL_POINT]


def test_a_wrong_clock_is_read_before_it_is_set_and_its_records_are_put_right(
    room: OpenRoom,
) -> None:
    shows = datetime.fromisoformat("2017-01-01T09:00")
    records = spot_checks(95, at=datetime.fromisoformat("2017-01-01T08:00"))
    oximeter = SpotCheckOximeter(records=records, shows=shows)

    async def story() -> None:
        async with room({oximeter: "plx"}) as one:
            await until(lambda: len(one.heard.readings) == 1)
            now = datetime.now(UTC)  # noqa: TID251
            measured = datetime.fromisoformat(one.heard.readings[0]["measured_at"])
            assert abs((now - measured).total_seconds() - 3600) < 30
            clock = one.device(oximeter).characteristics[device_clock.CURRENT_TIME]
            assert len(clock.written) == 1
            set_to = device_clock.decode_current_time(clock.written[0][0]).device_time
            assert set_to is not None
            assert abs((set_to.replace(tzinfo=UTC) - now).total_seconds()) < 30

    run(story)


def test_a_stream_is_heard_until_we_end_and_then_parted_from(room: OpenRoom) -> None:
    oximeter = continuous_oximeter(every_s=0.1)

    async def story() -> None:
        async with room({oximeter: "plx"}) as one:
            await until(lambda: len(one.heard.readings) >= 20)
            assert set(one.heard.values()) == {97, 96, 95}
            assert one.heard.partings == []
            assert one.of(oximeter).last_frame_at is not None
        assert one.heard.partings == ["plx"]
        assert oximeter.sent - len(one.heard.readings) <= 1  # one may come while we say goodbye
        assert not one.device(oximeter).connected

    run(story)


def test_a_ring_is_asked_and_its_split_answers_are_put_together(room: OpenRoom) -> None:
    ring = ViatomRing()

    async def story() -> None:
        async with room({ring: "viatom"}) as one:
            await until(lambda: len(one.heard.readings) >= 3)
            assert ring.asked[0] == viatom.ASK_DESCRIPTION
            assert set(ring.asked[1:]) == {viatom.ASK_LIVE}
            assert set(one.heard.values()) == {96}
            assert one.of(ring).battery == 60
            device = one.heard.readings[0]["device"]
            assert (device["model"], device["firmware"]) == ("O2Ring", "2.1")

    run(story)


def test_a_vendors_stream(room: OpenRoom) -> None:
    nonin = nonin_stream(every_s=0.06)

    async def story() -> None:
        async with room({nonin: "nonin"}) as one:
            await until(lambda: len(one.heard.readings) >= len(frames_of("nonin")))
            assert 97 in one.heard.values()

    run(story)


def test_a_cuff_dumps_its_memory_at_every_connection_and_each_record_has_its_key(
    room: OpenRoom,
) -> None:
    one_cuff = cuff(how_many=5)

    async def story() -> None:
        async with room({one_cuff: "blood_pressure"}) as one:
            one_cuff.leave = lambda: one.device(one_cuff).drop()
            await until(lambda: len(one.heard.partings) >= 2)
            one_cuff.advertising = False
            keys = [reading["source_key"] for reading in one.heard.readings]
            assert len(set(keys)) == 5
            assert len(keys) >= 10
            assert one.of(one_cuff).failures == 0

    run(story)


def test_several_devices_are_heard_at_once_and_a_neighbours_never(room: OpenRoom) -> None:
    oximeter, ring, ear = continuous_oximeter(), ViatomRing(), thermometer_in_the_ear()
    neighbour = of_a_neighbour()
    theirs = continuous_oximeter("B0:00:00:00:00:09")

    async def story() -> None:
        devices = {oximeter: "plx", ring: "viatom", ear: "thermometer"}
        async with room(devices, neighbour, theirs) as one:
            await until(lambda: len(one.state.snapshot().devices) == len(devices))
            await until(lambda: all(s.last_frame_at for s in one.state.snapshot().devices.values()))
            assert one.state.snapshot().adapter is Adapter.ON
            assert one.device(neighbour).connects == one.device(theirs).connects == 0
            assert set(one.state.snapshot().devices) == {d.address for d in devices}

    run(story)
