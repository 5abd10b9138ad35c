import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from device_gateway.capture.capture import Capture, Measured, as_reading, in_bytes, measured
from device_gateway.decode import plx, uuids, viatom
from device_gateway.decode.plx import CONTINUOUS, SPOT_CHECK, Pair, PlxFrame
from device_gateway.decode.plx_status import Measurement, Sensor
from device_gateway.decode.sfloat import Special
from device_gateway.spool.records import SetAside
from tests.device_gateway.conftest import a_place
from ward_service.contract.ids import made_at
from ward_service.contract.messages import Device, Reading
from ward_service.contract.vocabulary import Quality, Source, Vital

NOON = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)
MORNING = datetime(2026, 11, 24, 8, 0)  # noqa: DTZ001 - as a device shows it
STORED = Measurement.FROM_STORAGE
# Captured: Beurer BM54 (docs/reference/device-layouts.md#frames, vector 12): 104/74,
# 2026-07-22T11:21, pulse 79.
CUFF = "1e68004a000000ea0707160b15004f00000000"
RING_LIVE = viatom.ANSWERS
RING = "5500ff00000d00624200000000006100920a01002f"


def capture(
    characteristic: int = SPOT_CHECK,
    pair: Pair | None = None,
    device: Device | None = None,
    at: datetime = NOON,
    **fields: Any,
) -> Capture:
    frame = PlxFrame(pair or Pair(97.4, 72), **fields)
    return Capture(characteristic, plx.encode(characteristic, frame), at, device)


def of_cuff(frame: str = CUFF, **circumstances: Any) -> Capture:
    return Capture(0x2A35, bytes.fromhex(frame), circumstances.pop("at", NOON), **circumstances)


def reading(one: Capture, n: int = 1) -> Reading:
    found = measured(one)
    assert isinstance(found, Measured)
    return as_reading(found, f"{a_place(n).gateway}/{n}")


def test_a_frame_becomes_a_reading_of_this_moment() -> None:
    read = reading(capture(CONTINUOUS, pulse_amplitude=5.23, device=Device(model="any")))
    assert {o.vital: o.value for o in read.observations} == {
        Vital.SPO2: 97.4,
        Vital.PULSE_RATE: 72,
        Vital.PERFUSION_INDEX: 5.23,
    }
    assert (read.measured_at, read.source, read.quality) == (NOON, Source.BLE, ())
    assert made_at(read.reading_id) == NOON
    assert read.device == Device(model="any")
    assert read.source_key is None


def test_two_frames_alike_are_two_readings() -> None:
    assert reading(capture()).reading_id != reading(capture()).reading_id


def test_the_payload_names_nobody_and_says_only_what_is_known() -> None:
    said = json.loads(in_bytes(reading(capture())))
    assert said.keys() == {"reading_id", "measured_at", "source", "observations"}


def test_a_slipped_finger_is_told_and_is_no_number() -> None:
    read = reading(capture(sensor=Sensor.UNCONNECTED_TO_USER))
    assert (read.observations, read.quality) == ((), (Quality.NO_FINGER,))
    read = reading(capture(pair=Pair(Special.NOT_A_NUMBER, Special.NOT_A_NUMBER)))
    assert read.observations == ()


def test_a_low_value_in_doubt_goes_out_with_its_doubt() -> None:
    read = reading(capture(pair=Pair(81, 120), sensor=Sensor.POOR_SIGNAL))
    assert read.observations[0].value == 81
    assert read.quality == (Quality.POOR_SIGNAL,)


@pytest.mark.parametrize("not_of_a_person", [Measurement.DEMONSTRATION, Measurement.TESTING])
def test_demonstration_and_test_data_stay_at_home(not_of_a_person: Measurement) -> None:
    one = capture(measurement=not_of_a_person)
    aside = measured(one)
    assert isinstance(aside, SetAside)
    assert (aside.at, aside.frame) == (NOON, one.frame)
    assert "data" in aside.reason


def test_what_cannot_be_read_is_set_aside_with_its_reason() -> None:
    aside = measured(Capture(SPOT_CHECK, b"\x01\x61", NOON))
    assert isinstance(aside, SetAside)
    assert aside.reason.startswith("too short: 2 bytes")


def test_a_live_measurement_has_our_time_whatever_the_device_shows() -> None:
    assert reading(capture(device_time=MORNING)).measured_at == NOON
    read = reading(capture(device_time=MORNING, clock_not_set=True))
    assert read.measured_at == NOON
    assert read.quality == (Quality.CLOCK_NOT_SET,)


def test_a_stored_measurement_has_its_own_time_if_the_clock_was_set() -> None:
    read = reading(capture(measurement=STORED, device_time=MORNING))
    assert read.measured_at == MORNING.replace(tzinfo=UTC)
    assert read.quality == (Quality.STORED,)
    read = reading(capture(measurement=STORED, device_time=MORNING, clock_not_set=True))
    assert read.measured_at == NOON
    assert set(read.quality) == {Quality.STORED, Quality.CLOCK_NOT_SET}


def test_a_stored_measurement_sent_again_has_the_same_key_and_no_other_has() -> None:
    one = reading(capture(measurement=STORED, device_time=MORNING)).source_key
    later = NOON + timedelta(hours=3)
    assert one == reading(capture(measurement=STORED, device_time=MORNING, at=later)).source_key
    others = [
        reading(capture(measurement=STORED, device_time=MORNING), n=2),  # in another home
        reading(capture(measurement=STORED, device_time=MORNING, pair=Pair(96, 72))),
        reading(capture(measurement=STORED, device_time=MORNING + timedelta(seconds=1))),
        reading(
            capture(measurement=STORED, device_time=MORNING, device=Device(serial="A1")),
        ),
    ]
    assert len({one, *(read.source_key for read in others)}) == 5


def test_stored_measurements_without_a_time_are_not_taken_for_one() -> None:
    assert reading(capture(measurement=STORED)).source_key is None


def test_what_is_no_measurement_is_no_reading() -> None:
    for characteristic, frame in (
        (0x2A19, "48"),
        (0x2A60, "47008001200000"),
        (0x2A52, "06000101"),
        (0x2A2B, "ea070b16080002078002"),
    ):
        assert measured(Capture(characteristic, bytes.fromhex(frame), NOON)) is None
    wave = Capture(uuids.number("FF02"), bytes.fromhex("eb000348093f"), NOON, family="contec")
    assert measured(wave) is None


def test_a_vendors_frame_is_read_under_its_family() -> None:
    read = reading(Capture(RING_LIVE, bytes.fromhex(RING), NOON, family="viatom"))
    assert {o.vital: o.value for o in read.observations} == {
        Vital.SPO2: 98,
        Vital.PULSE_RATE: 66,
        Vital.PERFUSION_INDEX: 1.0,
    }
    aside = measured(Capture(RING_LIVE, bytes.fromhex(RING), NOON))
    assert isinstance(aside, SetAside)
    assert aside.reason.startswith("no decoder for characteristic")


def test_what_a_frame_says_of_its_device_is_added_to_what_was_known() -> None:
    known = Device(model="O2Ring", serial="A1", battery=99)
    one = Capture(RING_LIVE, bytes.fromhex(RING), NOON, known, family="viatom")
    assert reading(one).device == Device(model="O2Ring", serial="A1", battery=97)
    one = Capture(RING_LIVE, bytes.fromhex(RING), NOON, family="viatom")
    assert reading(one).device == Device(battery=97)


def test_what_came_in_a_report_of_stored_records_is_stored_even_if_it_does_not_say_so() -> None:
    one = capture(device_time=MORNING)
    live, stored = reading(one), reading(replace(one, stored=True))
    assert (live.measured_at, live.quality, live.source_key) == (NOON, (), None)
    assert (stored.measured_at, stored.quality) == (
        MORNING.replace(tzinfo=UTC),
        (Quality.STORED,),
    )
    assert stored.source_key is not None


def test_a_cuff_that_sends_its_memory_again_changes_nothing() -> None:
    first = reading(of_cuff())
    again = reading(of_cuff(at=NOON + timedelta(days=1)))
    assert first.measured_at == datetime(2026, 7, 22, 11, 21, tzinfo=UTC)
    assert again.measured_at == first.measured_at
    assert first.source_key == again.source_key is not None


def test_a_cuff_without_a_time_is_believed_to_be_of_now() -> None:
    read = reading(of_cuff("00 7800 5000 0000"))
    assert (read.measured_at, read.source_key) == (NOON, None)


def test_how_far_a_clock_is_ahead_corrects_what_the_device_kept() -> None:
    hour = timedelta(hours=1)
    read = reading(of_cuff(clock_ahead=hour))
    assert read.measured_at == datetime(2026, 7, 22, 10, 21, tzinfo=UTC)
    assert read.source_key == reading(of_cuff()).source_key  # the same record, however dated
    one = capture(measurement=STORED, device_time=MORNING, clock_not_set=True)
    assert reading(one).measured_at == NOON
    assert reading(replace(one, clock_ahead=hour)).measured_at == datetime(
        2026, 11, 24, 7, 0, tzinfo=UTC
    )
    assert reading(replace(capture(device_time=MORNING), clock_ahead=hour)).measured_at == NOON


def test_a_date_at_the_edge_of_the_calendar_is_no_date() -> None:
    last_day = "1e68004a0000000f270c1f173b3b4f00000000"  # 9999-12-31T23:59:59
    read = reading(of_cuff(last_day, clock_ahead=timedelta(hours=-1)))
    assert read.measured_at == NOON
