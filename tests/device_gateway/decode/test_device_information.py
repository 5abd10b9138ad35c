from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from device_gateway.decode import device_clock, plx_features, plx_records
from device_gateway.decode.device_information import LONGEST
from device_gateway.decode.frame import FrameError
from device_gateway.decode.plx_features import Feature
from device_gateway.decode.plx_records import Answer, Request, Result
from device_gateway.decode.plx_status import Measurement, Sensor
from device_gateway.decode.registry import decode
from ward_service.contract.messages import Device

EIGHT = datetime(2026, 11, 22, 8, 0, 2, 500_000, tzinfo=UTC)  # a Sunday


# What it says of itself


@pytest.mark.parametrize("level", [101, 255])
def test_a_battery_level_over_100_is_reserved(level: int) -> None:
    with pytest.raises(FrameError, match="reserved"):
        decode(0x2A19, bytes([level]))


@pytest.mark.parametrize("frame", [b"", b"\x48\x48"])
def test_a_battery_level_is_one_byte(frame: bytes) -> None:
    with pytest.raises(FrameError, match="one byte"):
        decode(0x2A19, frame)


def test_text_of_a_device_is_what_people_can_read() -> None:
    assert decode(0x2A24, b" BM\x0054\x07\n\0\0").device == Device(model="BM54")
    assert decode(0x2A24, b"x" * 300).device == Device(model="x" * LONGEST)
    assert decode(0x2A24, b"\0\0").device == Device(model="")


def test_text_that_is_no_text_is_refused() -> None:
    with pytest.raises(FrameError, match="UTF-8"):
        decode(0x2A25, b"\xff\xfe")


# Its clock


def test_a_clock_is_set_to_utc_whatever_zone_we_are_in() -> None:
    in_berlin = EIGHT.astimezone(timezone(timedelta(hours=1)))
    current_time, date_time = device_clock.settings(in_berlin)
    assert (current_time.characteristic, current_time.value.hex()) == (
        0x2A2B,
        "ea070b16080002" + "07" + "80" + "02",
    )
    assert (date_time.characteristic, date_time.value.hex()) == (0x2A08, "ea070b16080002")


def test_what_was_set_is_read_again() -> None:
    current_time, date_time = device_clock.settings(EIGHT)
    shown = datetime(2026, 11, 22, 8, 0, 2)  # noqa: DTZ001 - as a device shows it
    assert decode(0x2A2B, current_time.value).device_time == shown
    assert decode(0x2A08, date_time.value).device_time == shown
    assert not decode(0x2A2B, current_time.value).measures


def test_how_far_a_clock_is_ahead() -> None:
    shown = datetime(2026, 11, 22, 9, 0, 2)  # noqa: DTZ001 - as a device shows it
    assert device_clock.ahead(shown, EIGHT) == timedelta(minutes=59, seconds=59.5)
    assert device_clock.ahead(shown.replace(year=2017), EIGHT) < timedelta(days=-3000)


# What it can do


def test_the_features_of_a_sloppy_server() -> None:
    found = plx_features.read(bytes.fromhex("47008001200000"))
    assert found.features & Feature.STORES_SPOT_CHECKS
    assert not found.features & Feature.TIME_OF_SPOT_CHECKS
    assert found.measurement == Measurement.VALIDATED | Measurement.FULLY_QUALIFIED
    assert found.sensor == Sensor.LOW_PERFUSION


def test_status_support_that_is_not_there_is_not_made_up() -> None:
    found = plx_features.read(bytes.fromhex("0c00"))
    assert (found.measurement, found.sensor) == (None, None)
    assert plx_features.read(bytes.fromhex("0200 200000")).sensor == Sensor.LOW_PERFUSION
    assert list(Feature) == [1 << n for n in range(8)]


# What it has stored


def test_the_requests_are_those_of_the_service() -> None:
    assert plx_records.COUNT_STORED.hex() == "0401"
    assert plx_records.REPORT_STORED.hex() == "0101"
    assert plx_records.ABORT.hex() == "0300"


@pytest.mark.parametrize(
    ("frame", "answer", "done"),
    [
        ("05000300", Answer(Request.COUNT, Result.SUCCESS, 3), True),
        ("05000000", Answer(Request.COUNT, Result.SUCCESS, 0), True),
        ("05002c01", Answer(Request.COUNT, Result.SUCCESS, 300), True),
        ("06000101", Answer(Request.REPORT, Result.SUCCESS), True),
        ("06000106", Answer(Request.REPORT, Result.NO_RECORDS_FOUND), True),
        ("06000108", Answer(Request.REPORT, Result.PROCEDURE_NOT_COMPLETED), False),
        ("06000402", Answer(Request.COUNT, Result.OP_CODE_NOT_SUPPORTED), False),
        ("06000301", Answer(Request.ABORT, Result.SUCCESS), True),
        ("06000307", Answer(Request.ABORT, Result.ABORT_UNSUCCESSFUL), False),
        ("06000201", Answer(Request.DELETE, Result.SUCCESS), True),
    ],
)
def test_an_answer_of_the_control_point(frame: str, answer: Answer, done: bool) -> None:
    read = plx_records.read(bytes.fromhex(frame))
    assert read == answer
    assert read.done is done


@pytest.mark.parametrize(
    "frame", ["06010101", "0101", "07000101", "0600010a", "06000501", "06000100", "050003", ""]
)
def test_what_is_no_answer_is_refused(frame: str) -> None:
    with pytest.raises(FrameError):
        plx_records.read(bytes.fromhex(frame))


@given(st.binary(max_size=6))
def test_any_bytes_are_an_answer_or_refused(frame: bytes) -> None:
    try:
        plx_records.read(frame)
    except FrameError:
        return
    assert frame[0] in (5, 6)
