"""Each fault of the radio: what was sent is in the spool once, or its gap is told.

The faults: docs/reference/device-layouts.md#radio-faults, #what-users-report.
"""

import asyncio
import random

import pytest

from device_gateway.decode import plx, plx_features, plx_records, viatom
from device_gateway.radio.radio import listen
from device_gateway.radio.state import Adapter, Doing, Limits, RadioState
from tests.device_gateway.radio.conftest import (
    QUICK,
    Heard,
    OpenRoom,
    Room,
    only,
    paired,
    run,
    until,
)
from tests.fakes.bluez import (
    ABORTED,
    IN_PROGRESS,
    FakeBluez,
    PrivateBus,
    att,
    error,
    fake_bluez,
    private_bus,
)
from tests.fakes.peripherals import (
    NOT_PAIRED,
    SpotCheckOximeter,
    ViatomRing,
    continuous_oximeter,
    cuff,
    spot_checks,
)
from ward_service.contract.clock import real_clock
from ward_service.contract.vocabulary import TroubleCode

AT_ONCE = Limits(radio_off=Limits().radio_off * 0)


def impatient() -> RadioState:
    return RadioState(real_clock(), AT_ONCE)


@pytest.mark.parametrize(
    "errors",
    [
        [ABORTED, ABORTED],
        [IN_PROGRESS] * 3,
        [error("Failed", "br-connection-unknown")] * 4,
        [error("NotReady", "Resource Not Ready")] * 4,
    ],
    ids=["aborted", "in progress", "unknown", "not ready"],
)
def test_a_connect_that_fails_is_tried_again(room: OpenRoom, errors: list[object]) -> None:
    oximeter = SpotCheckOximeter(records=spot_checks(96, 95))

    async def story() -> None:
        def break_it(bluez: FakeBluez) -> None:
            bluez.adapter.devices[oximeter.address].connect_errors = list(errors)  # type: ignore[arg-type]

        async with room({oximeter: "plx"}, before=break_it) as one:
            await until(lambda: one.heard.values() == [96, 95])
            assert one.device(oximeter).connects == len(errors) + 1
            assert one.heard.partings == []
            assert one.of(oximeter).possibly_missed == 0

    run(story)


def test_a_connect_that_hangs_ends_in_time_and_hinders_no_other(room: OpenRoom) -> None:
    hanging, well = SpotCheckOximeter(records=spot_checks(91)), ViatomRing()

    async def story() -> None:
        def break_it(bluez: FakeBluez) -> None:
            bluez.adapter.devices[hanging.address].hang_connect = True

        async with room({hanging: "plx", well: "viatom"}, before=break_it, connect_s=0.3) as one:
            await until(lambda: one.of(hanging).failures >= 2 and one.heard.values())
            assert 91 not in one.heard.values()
            one.device(hanging).hang_connect = False
            await until(lambda: 91 in one.heard.values())
            assert one.of(hanging).failures == 0

    run(story)


def test_services_that_never_resolve_end_in_time(room: OpenRoom) -> None:
    oximeter = SpotCheckOximeter(records=spot_checks(96))

    async def story() -> None:
        def break_it(bluez: FakeBluez) -> None:
            bluez.adapter.devices[oximeter.address].no_resolve = True

        async with room({oximeter: "plx"}, before=break_it, connect_s=0.3) as one:
            await until(lambda: one.of(oximeter).failures >= 2)
            one.device(oximeter).no_resolve = False
            await until(lambda: one.heard.values() == [96])

    run(story)


def test_five_failures_in_a_row_and_bluez_forgets_the_device_but_never_a_bond(
    room: OpenRoom,
) -> None:
    plain, bonded = SpotCheckOximeter(records=spot_checks(96)), cuff(passkey=123456)

    async def story() -> None:
        def break_it(bluez: FakeBluez) -> None:
            for device in bluez.adapter.devices.values():
                device.connect_errors = [error("Failed", "br-connection-unknown")] * 60
            bluez.adapter.devices[bonded.address].paired = True

        devices = {plain: "plx", bonded: "blood_pressure"}
        async with room(devices, before=break_it, connect_s=0.05, power_cycle_after=99) as one:
            await until(lambda: all(one.of(d).failures >= 6 for d in devices))
            assert one.bluez.adapter.removed == [plain.address]
            assert "device_failing" in one.codes

    run(story)


def test_fifteen_failures_switch_the_adapter_off_and_on_and_many_more_ask_for_a_restart(
    room: OpenRoom,
) -> None:
    oximeter = SpotCheckOximeter(records=spot_checks(96))

    async def story() -> None:
        def break_it(bluez: FakeBluez) -> None:
            bluez.adapter.devices[oximeter.address].hang_connect = True

        pace = {"connect_s": 0.02, "forget_after": 2, "power_cycle_after": 3, "restart_after": 5}
        async with room({oximeter: "plx"}, before=break_it, **pace) as one:
            await until(lambda: one.bluez.adapter.power_cycles >= 1)
            assert not one.state.snapshot().restart_wanted
            await until(lambda: one.state.snapshot().restart_wanted)
            assert "radio_off" in one.codes
            one.device(oximeter).hang_connect = False
            await until(lambda: one.heard.values() == [96], 15)
            await until(lambda: not one.state.snapshot().restart_wanted)
            assert one.codes == []

    run(story)


@pytest.mark.parametrize("times", [3, 10_000])
def test_in_progress_while_subscribing_is_waited_for_but_not_for_ever(
    room: OpenRoom, times: int
) -> None:
    oximeter = SpotCheckOximeter(records=spot_checks(96))

    async def story() -> None:
        def break_it(bluez: FakeBluez) -> None:
            features = bluez.adapter.devices[oximeter.address].characteristics
            features[plx_features.FEATURES].read_errors = [IN_PROGRESS] * times
            features[plx_records.CONTROL_POINT].write_errors = [IN_PROGRESS] * 3

        async with room({oximeter: "plx"}, before=break_it, call_s=0.3) as one:
            await until(lambda: one.heard.values() == [96])
            assert one.of(oximeter).possibly_missed == 0

    run(story)


def test_what_cannot_be_subscribed_in_time_is_tried_anew(room: OpenRoom) -> None:
    oximeter = SpotCheckOximeter(records=spot_checks(96))

    async def story() -> None:
        def break_it(bluez: FakeBluez) -> None:
            device = bluez.adapter.devices[oximeter.address]
            device.characteristics[plx.SPOT_CHECK].notify_errors = [att(0x0E), IN_PROGRESS]

        async with room({oximeter: "plx"}, before=break_it) as one:
            await until(lambda: one.heard.values() == [96])
            assert one.device(oximeter).connects >= 2

    run(story)


@pytest.mark.parametrize("code", [0xFD, 0xFE, 0x80])
def test_a_report_that_is_refused_ends_neither_the_session_nor_the_radio(
    room: OpenRoom, code: int
) -> None:
    oximeter = SpotCheckOximeter(records=spot_checks(96), live=spot_checks(93, at=None))

    async def story() -> None:
        def break_it(bluez: FakeBluez) -> None:
            device = bluez.adapter.devices[oximeter.address]
            device.characteristics[plx_records.CONTROL_POINT].write_errors = [att(code)]

        async with room({oximeter: "plx"}, before=break_it) as one:
            await until(lambda: one.heard.values() == [93, 96])
            assert one.device(oximeter).connects == 1
            assert one.of(oximeter).possibly_missed == 0

    run(story)


def test_a_link_that_drops_in_the_middle_of_a_report_loses_nothing(room: OpenRoom) -> None:
    values = list(range(80, 100))
    oximeter = SpotCheckOximeter(records=spot_checks(*values))

    async def story() -> None:
        async with room({oximeter: "plx"}) as one:
            await until(lambda: len(one.heard.values()) >= 5)
            one.device(oximeter).drop()
            await until(lambda: len(one.heard.values()) >= len(values))
            assert one.heard.values() == values
            assert one.heard.partings[0] == "plx"
            assert one.of(oximeter).possibly_missed == 0

    run(story)


def test_a_record_that_was_counted_and_did_not_come_is_told(room: OpenRoom) -> None:
    oximeter = SpotCheckOximeter(records=spot_checks(96, 95, 94), lose=1)

    async def story() -> None:
        async with room({oximeter: "plx"}) as one:
            await until(lambda: one.of(oximeter).possibly_missed == 1)
            assert one.heard.values() == [95, 94]
            (trouble,) = one.state.troubles()
            assert trouble.code is TroubleCode.POSSIBLY_MISSED
            assert trouble.slots == (1,)
            assert "Model plx" in trouble.words
            assert oximeter.address not in trouble.words

    run(story)


@pytest.mark.parametrize("counts", [True, False])
def test_a_report_that_stalls_ends_in_time_and_is_told(room: OpenRoom, counts: bool) -> None:
    oximeter = SpotCheckOximeter(records=spot_checks(96, 95, 94), stall=2, counts=counts)

    async def story() -> None:
        async with room({oximeter: "plx"}, between_records_s=0.2) as one:
            await until(lambda: one.of(oximeter).possibly_missed == 1)
            assert one.heard.values() == [96, 95]
            one.device(oximeter).drop()
            await until(lambda: one.heard.values() == [96, 95, 94])

    run(story)


def test_what_a_bonded_device_sends_before_we_can_subscribe_is_lost_and_told(
    room: OpenRoom,
) -> None:
    """BlueZ confirms it and nobody gets it: only saying so is left.

    See docs/reference/device-layouts.md#silent-loss.
    """
    oximeter = SpotCheckOximeter()

    async def story() -> None:
        def bond_it(bluez: FakeBluez) -> None:
            bluez.adapter.devices[oximeter.address].paired = oximeter.bonded = True

        async with room({oximeter: "plx"}, before=bond_it) as one:
            await until(lambda: one.of(oximeter).battery == 80)
            told = one.of(oximeter).possibly_missed
            one.device(oximeter).drop()  # it switched itself off: it goes on thinking we listen
            oximeter.live = spot_checks(88)
            await until(lambda: one.of(oximeter).possibly_missed == told + 1)
            assert oximeter.live == []  # it believes that we have it
            assert one.heard.values() == []
            assert one.codes == ["possibly_missed"]

    run(story)


def test_after_a_parting_of_ours_a_bonded_device_sends_nothing_too_early(
    bus: PrivateBus, heard: Heard
) -> None:
    oximeter = SpotCheckOximeter()

    async def story() -> None:
        async with fake_bluez(oximeter) as bluez:
            device = bluez.adapter.devices[oximeter.address]
            device.paired = oximeter.bonded = True
            for _ in range(2):
                stop, state = asyncio.Event(), RadioState(real_clock())
                devices = only(paired(oximeter, "plx"))
                radio = asyncio.create_task(
                    listen(devices, heard, real_clock(), stop, state, QUICK)
                )
                await until(lambda: device.connected and len(oximeter._subscribed) == 2)
                await asyncio.sleep(0.1)
                stop.set()
                await radio
                assert oximeter._subscribed == set()
                oximeter.live = spot_checks(90)
            assert heard.values() == [90]

    run(story)


def test_a_stream_that_falls_silent_is_parted_from_and_found_again(room: OpenRoom) -> None:
    oximeter = continuous_oximeter()

    async def story() -> None:
        async with room({oximeter: "plx"}) as one:
            await until(lambda: len(one.heard.readings) >= 5)
            one.device(oximeter).mute = True
            await until(lambda: one.heard.partings)
            one.device(oximeter).mute = False
            before = len(one.heard.readings)
            await until(lambda: len(one.heard.readings) > before + 5)

    run(story)


def test_a_ring_that_answers_no_more_is_parted_from(room: OpenRoom) -> None:
    ring = ViatomRing()

    async def story() -> None:
        async with room({ring: "viatom"}) as one:
            await until(lambda: len(one.heard.readings) >= 3)
            ring.deaf = True
            await until(lambda: one.heard.partings)
            ring.deaf = False
            before = len(one.heard.readings)
            await until(lambda: len(one.heard.readings) > before)

    run(story)


def test_a_device_that_is_forgotten_without_a_word_is_found_again(room: OpenRoom) -> None:
    """No stream whose silence could tell: BlueZ is asked whether the link is still there."""
    oximeter = SpotCheckOximeter(records=spot_checks(96))

    async def story() -> None:
        async with room({oximeter: "plx"}) as one:
            await until(lambda: one.heard.values() == [96])
            await until(lambda: one.of(oximeter).battery == 80)
            one.device(oximeter).forget()
            oximeter.records = spot_checks(95)
            await until(lambda: one.heard.values() == [96, 95])

    run(story)


def test_bluetoothd_that_is_killed_and_comes_back_costs_nothing_that_was_stored(
    room: OpenRoom,
) -> None:
    oximeter, stream = SpotCheckOximeter(records=spot_checks(96)), continuous_oximeter()

    async def story() -> None:
        devices = {oximeter: "plx", stream: "plx"}
        async with room(devices, state=impatient()) as one:
            await until(lambda: 96 in one.heard.values() and stream.sent > 5)
            await until(lambda: one.of(oximeter).battery == 80)
            await one.bluez.kill()
            await until(lambda: one.state.snapshot().adapter is Adapter.AWAY)
            assert len(one.heard.partings) == 2
            assert one.codes == ["radio_off"]
            assert one.state.troubles()[0].slots == (1,)
            oximeter.records, before = spot_checks(95), stream.sent
            await one.bluez.start()
            await until(lambda: one.heard.values().count(96) and stream.sent > before + 5)
            await until(lambda: len([v for v in _stored(one.heard) if v == 95]) == 1)
            assert one.codes == []

    run(story)


def _stored(heard: Heard) -> list[float]:
    return [
        observation["value"]
        for reading in heard.readings
        if "stored" in reading.get("quality", ())
        for observation in reading["observations"]
        if observation["vital"] == "spo2"
    ]


def test_a_bluetoothd_that_answers_nothing_any_more_hangs_nobody(room: OpenRoom) -> None:
    oximeter, stream = SpotCheckOximeter(records=spot_checks(96)), continuous_oximeter()
    pace = {"call_s": 0.1, "leave_s": 0.1, "scan_start_s": 0.1, "settle_s": 0.05, "scan_tries": 2}

    async def story() -> None:
        devices = {oximeter: "plx", stream: "plx"}
        async with room(devices, state=impatient(), **pace) as one:
            await until(lambda: 96 in one.heard.values() and stream.sent > 5)
            await until(lambda: one.of(oximeter).battery == 80)
            one.bluez.frozen = True
            await until(lambda: one.state.snapshot().adapter is Adapter.STUCK, 15)
            assert sorted(one.heard.partings) == ["plx", "plx"]
            # The links may outlive their sessions: what comes now, nobody gets.
            assert one.codes == ["radio_off", "possibly_missed", "possibly_missed"]
            oximeter.records, before = spot_checks(95), len(one.heard.readings)
            one.bluez.frozen = False
            await until(lambda: 95 in one.heard.values(), 15)
            await until(lambda: len(one.heard.readings) > before + 5)
            assert one.codes == ["possibly_missed", "possibly_missed"]

            def missed() -> list[int]:
                return [one.of(device).possibly_missed for device in devices]

            assert missed() == [1, 1]
            one.bluez.frozen = True  # again: another occasion
            await until(lambda: missed() == [2, 2], 15)
            one.bluez.frozen = False

    run(story)


def test_a_bluetoothd_that_answers_nothing_from_the_start_is_waited_for(room: OpenRoom) -> None:
    oximeter = SpotCheckOximeter(records=spot_checks(96))

    async def story() -> None:
        def freeze(bluez: FakeBluez) -> None:
            bluez.frozen = True

        devices = {oximeter: "plx"}
        async with room(devices, before=freeze, state=impatient(), call_s=0.1) as one:
            await until(lambda: one.state.snapshot().adapter is Adapter.STUCK)
            assert one.codes == ["radio_off"]
            one.bluez.frozen = False
            await until(lambda: one.heard.values() == [96])
            assert one.codes == []

    run(story)


def test_the_end_comes_soon_although_bluetoothd_answers_nothing(room: OpenRoom) -> None:
    oximeter = continuous_oximeter()

    async def story() -> None:
        async with room({oximeter: "plx"}, call_s=0.2, leave_s=0.2) as one:
            await until(lambda: oximeter.sent > 5)
            one.bluez.frozen = True
        assert one.heard.partings == ["plx"]
        assert len(one.heard.readings) >= 5

    run(story)


def test_the_whole_bus_dies_and_comes_back(room: OpenRoom, bus: PrivateBus) -> None:
    oximeter = continuous_oximeter()

    async def story() -> None:
        async with room({oximeter: "plx"}, state=impatient()) as one:
            await until(lambda: oximeter.sent > 5)
            bus.kill()
            await one.bluez.kill()
            await until(lambda: one.state.snapshot().adapter is Adapter.AWAY)
            bus.start()
            await one.bluez.start()
            before = len(one.heard.readings)
            await until(lambda: len(one.heard.readings) > before + 5)

    run(story)


def test_an_adapter_that_is_off_or_unplugged_is_waited_for_and_said(room: OpenRoom) -> None:
    oximeter = SpotCheckOximeter(records=spot_checks(96))

    async def story() -> None:
        def switch_off(bluez: FakeBluez) -> None:
            bluez.adapter.powered = False

        async with room({oximeter: "plx"}, before=switch_off, state=impatient()) as one:
            adapter = one.bluez.adapter
            await until(lambda: one.state.snapshot().adapter is Adapter.OFF)
            assert one.codes == ["radio_off"]
            assert "switched off" in one.state.troubles()[0].words
            adapter.power(on=True)
            await until(lambda: one.heard.values() == [96])
            assert one.codes == []
            adapter.power(on=False)
            await until(lambda: one.state.snapshot().adapter is Adapter.OFF)
            adapter.unplug()
            await until(lambda: one.state.snapshot().adapter is Adapter.ABSENT)
            oximeter.records = spot_checks(95)
            adapter.plug()
            adapter.power(on=True)
            await until(lambda: one.heard.values() == [96, 95])

    run(story)


def test_a_bus_that_denies_bluez_is_said_to_be_a_matter_of_permission(heard: Heard) -> None:
    async def story() -> None:
        with private_bus(deny_bluez=True):
            async with fake_bluez():
                stop, state = asyncio.Event(), impatient()
                oximeter = SpotCheckOximeter()
                devices = only(paired(oximeter, "plx"))
                radio = asyncio.create_task(
                    listen(devices, heard, real_clock(), stop, state, QUICK)
                )
                await until(lambda: state.snapshot().adapter is Adapter.NO_PERMISSION)
                stop.set()
                await radio

    run(story)


def test_without_any_bus_the_radio_waits(heard: Heard, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DBUS_SYSTEM_BUS_ADDRESS", "unix:path=/nowhere/at/all")

    async def story() -> None:
        stop, state = asyncio.Event(), impatient()
        devices = only(paired(SpotCheckOximeter(), "plx"))
        radio = asyncio.create_task(listen(devices, heard, real_clock(), stop, state, QUICK))
        await until(lambda: state.snapshot().adapter is Adapter.AWAY)
        assert not radio.done()
        stop.set()
        await radio

    run(story)


@pytest.mark.parametrize("for_ever", [False, True])
def test_a_scan_that_is_refused(room: OpenRoom, for_ever: bool) -> None:
    oximeter = SpotCheckOximeter(records=spot_checks(96))

    async def story() -> None:
        def break_it(bluez: FakeBluez) -> None:
            bluez.adapter.scan_errors = [IN_PROGRESS] * 3
            bluez.adapter.scan_forever = IN_PROGRESS if for_ever else None

        async with room({oximeter: "plx"}, before=break_it, state=impatient()) as one:
            if for_ever:
                await until(lambda: one.state.snapshot().restart_wanted)
                assert one.bluez.adapter.power_cycles >= 1
                assert one.codes == ["radio_off"]
                one.bluez.adapter.scan_forever = None
            await until(lambda: one.heard.values() == [96])
            await until(lambda: one.codes == [])

    run(story)


def test_a_scan_that_is_refused_does_not_cost_a_stream_that_is_heard(room: OpenRoom) -> None:
    stream, away = continuous_oximeter(), SpotCheckOximeter(records=spot_checks(96))
    away.advertising = False

    async def story() -> None:
        async with room({stream: "plx", away: "plx"}, scan_silence_s=0.3) as one:
            await until(lambda: stream.sent > 5)
            one.bluez.adapter.scan_forever = IN_PROGRESS
            await until(lambda: one.state.snapshot().restart_wanted)
            assert one.bluez.adapter.power_cycles == 0
            assert one.heard.partings == []
            one.bluez.adapter.scan_forever, away.advertising = None, True
            await until(lambda: 96 in _stored(one.heard))
            assert one.codes == []

    run(story)


def test_a_scan_in_which_nobody_is_heard_begins_anew(room: OpenRoom) -> None:
    oximeter = SpotCheckOximeter(records=spot_checks(96))
    oximeter.advertising = False

    async def story() -> None:
        async with room({oximeter: "plx"}, scan_silence_s=0.1) as one:
            await until(lambda: one.bluez.adapter.scans >= 3)

    run(story)


def test_a_link_that_an_earlier_process_left_behind_is_ended_first(room: OpenRoom) -> None:
    oximeter = SpotCheckOximeter(records=spot_checks(96))

    async def story() -> None:
        def leave_behind(bluez: FakeBluez) -> None:
            device = bluez.adapter.devices[oximeter.address]
            device.advertise()
            device.link_up()

        async with room({oximeter: "plx"}, before=leave_behind) as one:
            await until(lambda: one.heard.values() == [96])
            assert one.device(oximeter).connects == 1
            assert one.codes == ["possibly_missed"]  # what came meanwhile, nobody got

    run(story)


def test_what_bluez_says_twice_is_taken_once(room: OpenRoom) -> None:
    oximeter = SpotCheckOximeter(records=spot_checks(96, 95), live=spot_checks(93, at=None))

    async def story() -> None:
        def double(bluez: FakeBluez) -> None:
            bluez.adapter.devices[oximeter.address].copies = 2

        async with room({oximeter: "plx"}, before=double) as one:
            await until(lambda: len(one.heard.readings) >= 5)
            readings = one.heard.readings
            keys = {r.get("source_key") or r["reading_id"] for r in readings}
            assert len(keys) == 3  # the ward knows a stored record by its key
            assert one.of(oximeter).possibly_missed == 0

    run(story)


def test_a_full_spool_is_counted_and_ends_nothing(room: OpenRoom) -> None:
    oximeter = continuous_oximeter(every_s=0.05)

    async def story() -> None:
        async with room({oximeter: "plx"}) as one:
            await until(lambda: len(one.heard.readings) >= 3)
            one.heard.full, sent = True, oximeter.sent
            await until(lambda: oximeter.sent >= sent + 5)
            one.heard.full = False
            await until(lambda: oximeter.sent >= sent + 10)
            assert one.of(oximeter).possibly_missed >= 4
            oximeter.every_s = 60
            await until(
                lambda: len(one.heard.readings) + one.of(oximeter).possibly_missed == oximeter.sent
            )
            assert one.codes == ["possibly_missed"]
            assert one.heard.partings == []

    run(story)


def test_a_device_that_wants_to_be_paired_is_paired_without_a_person(room: OpenRoom) -> None:
    oximeter = SpotCheckOximeter(records=spot_checks(96), encrypted=True)

    async def story() -> None:
        async with room({oximeter: "plx"}) as one:
            await until(lambda: one.heard.values() == [96])
            assert one.device(oximeter).paired

    run(story)


def test_only_devices_of_this_home_are_let_in(room: OpenRoom) -> None:
    ours, theirs = SpotCheckOximeter(), continuous_oximeter("B0:00:00:00:00:09")

    async def story() -> None:
        async with room({ours: "plx"}, theirs) as one:
            await until(lambda: one.bluez.agents.agent)
            assert await one.bluez.ask_agent(one.device(ours))
            assert not await one.bluez.ask_agent(one.device(theirs))

    run(story)


@pytest.mark.parametrize("refusal", [NOT_PAIRED, error("NotPermitted", "Not paired"), att(0x0F)])
def test_a_device_with_a_code_says_that_a_person_must_pair_it(
    room: OpenRoom, refusal: object
) -> None:
    one_cuff = cuff(passkey=123456, how_many=3)
    one_cuff.refusal = refusal  # type: ignore[assignment]

    async def story() -> None:
        async with room({one_cuff: "blood_pressure"}) as one:
            await until(lambda: one.of(one_cuff).unread)
            assert one.codes == ["device_failing"]
            assert "pair it again" in one.state.troubles()[0].words
            one.device(one_cuff).paired = True  # by `device-gateway pair`, meanwhile
            await until(lambda: len(one.heard.readings) == 3)
            assert one.codes == []

    run(story)


def test_a_device_that_is_another_now_is_not_read(room: OpenRoom) -> None:
    oximeter = continuous_oximeter()

    async def story() -> None:
        async with room({oximeter: "blood_pressure"}) as one:
            await until(lambda: one.of(oximeter).unread)
            assert one.codes == ["device_failing"]
            assert one.heard.readings == []

    run(story)


def test_a_stream_that_cannot_be_started_is_a_failure_each_time_until_it_can(
    room: OpenRoom,
) -> None:
    ring = ViatomRing()

    async def story() -> None:
        def break_it(bluez: FakeBluez) -> None:
            device = bluez.adapter.devices[ring.address]
            device.characteristics[viatom.QUESTIONS].forever = att(0x0E)

        async with room({ring: "viatom"}, before=break_it, power_cycle_after=99) as one:
            await until(lambda: one.of(ring).failures >= 5)
            assert one.codes == ["device_failing"]
            one.device(ring).characteristics[viatom.QUESTIONS].forever = None
            await until(lambda: one.heard.values())
            assert one.codes == []

    run(story)


def test_one_device_that_fails_costs_the_others_nothing(room: OpenRoom) -> None:
    failing, coded, well = SpotCheckOximeter(), cuff(passkey=123456), continuous_oximeter()
    devices = {failing: "plx", coded: "blood_pressure", well: "plx"}
    pace = {"connect_s": 0.2, "power_cycle_after": 3, "restart_after": 4, "forget_after": 2}

    async def story() -> None:
        def break_it(bluez: FakeBluez) -> None:
            device = bluez.adapter.devices[failing.address]
            device.connect_errors = [error("NotReady", "Resource Not Ready")] * 99

        failing.advertising = coded.advertising = False
        async with room(devices, before=break_it, **pace) as one:
            await until(lambda: one.of(well).doing is Doing.CONNECTED)
            failing.advertising = coded.advertising = True
            await until(lambda: all(one.of(d).failures >= 5 for d in (failing, coded)), 20)
            assert one.bluez.adapter.power_cycles == 0
            assert not one.state.snapshot().restart_wanted
            assert set(one.bluez.adapter.removed) == {failing.address}
            assert one.of(well).doing is Doing.CONNECTED
            assert one.codes == ["device_failing"] * 2

    run(story)


def test_a_broken_answer_of_a_ring_does_not_hold_the_next_back(room: OpenRoom) -> None:
    ring = ViatomRing()

    async def story() -> None:
        async with room({ring: "viatom"}) as one:
            await until(lambda: len(one.heard.readings) >= 1)
            ring.send(viatom.ANSWERS, bytes([0x55, 0, 0xFF, 0, 0, 0xFF, 0x00]))
            before = len(one.heard.readings)
            await until(lambda: len(one.heard.readings) >= before + 3)
            assert len(one.heard.home.spool.drawer()) >= 1

    run(story)


@pytest.mark.parametrize("seed", range(6))
def test_whatever_happens_a_stored_record_arrives_or_its_gap_is_told(
    room: OpenRoom, seed: int
) -> None:
    chance = random.Random(seed)
    values = list(range(70, 100))
    oximeter = SpotCheckOximeter(records=spot_checks(*values))
    stream = continuous_oximeter()
    pace = {"call_s": 0.2, "leave_s": 0.2, "scan_start_s": 0.2, "settle_s": 0.1}

    async def story() -> None:
        async with room({oximeter: "plx", stream: "plx"}, **pace) as one:
            await until(lambda: one.heard.values())
            for _ in range(8):
                await _something_happens(one, oximeter, chance)
                await asyncio.sleep(chance.uniform(0, 0.15))
            await until(lambda: not oximeter.records, 20)
            await until(lambda: one.of(stream).doing is Doing.CONNECTED, 20)
            await until(
                lambda: (
                    len(set(values) - set(_stored(one.heard))) <= one.of(oximeter).possibly_missed
                )
            )

    run(story)


async def _something_happens(one: Room, oximeter: SpotCheckOximeter, chance: random.Random) -> None:
    device, bluez = one.device(oximeter), one.bluez
    match chance.choice(["drop", "forget", "power", "freeze", "kill", "errors", "refuse"]):
        case "drop":
            device.drop()
        case "forget" if device.path in bluez.adapter.visible:
            device.forget()
        case "power":
            bluez.adapter.power(on=False)
            await asyncio.sleep(chance.uniform(0, 0.2))
            bluez.adapter.power(on=True)
        case "freeze":
            bluez.frozen = True
            await asyncio.sleep(chance.uniform(0, 0.5))
            bluez.frozen = False
        case "kill":
            await bluez.kill()
            await asyncio.sleep(chance.uniform(0, 0.2))
            await bluez.start()
        case "errors":
            device.connect_errors = [IN_PROGRESS, ABORTED]
        case "refuse":
            control = device.characteristics[plx_records.CONTROL_POINT]
            control.write_errors = [att(0xFE)]
