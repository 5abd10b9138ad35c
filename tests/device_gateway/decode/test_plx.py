import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from device_gateway.decode import plx, sfloat
from device_gateway.decode.frame import FrameError, NoValue
from device_gateway.decode.plx import CONTINUOUS, SPOT_CHECK, Pair, PlxFrame
from device_gateway.decode.plx_status import Measurement, Sensor
from device_gateway.decode.registry import decode
from device_gateway.decode.sfloat import Special
from ward_service.contract.vocabulary import Quality, Vital

CAPTURED = json.loads((Path(__file__).parents[2] / "frames" / "plx.json").read_text())

values = st.one_of(st.sampled_from(Special), st.integers(0, 0xFFFF).map(sfloat.read))
pairs = st.builds(Pair, values, values)
statuses = st.none() | st.integers(0, 0xFFFF).map(Measurement)
sensors = st.none() | st.integers(0, 0xFFFFFF).map(Sensor)
whole_seconds = st.datetimes().map(lambda at: at.replace(microsecond=0))
spot_checks = st.builds(
    PlxFrame,
    normal=pairs,
    measurement=statuses,
    sensor=sensors,
    pulse_amplitude=st.none() | values,
    device_time=st.none() | whole_seconds,
    clock_not_set=st.booleans(),
)
continuous = st.builds(
    PlxFrame,
    normal=pairs,
    measurement=statuses,
    sensor=sensors,
    pulse_amplitude=st.none() | values,
    fast=st.none() | pairs,
    slow=st.none() | pairs,
)


def a_frame(**fields: Any) -> bytes:
    return plx.encode(CONTINUOUS, PlxFrame(normal=Pair(97, 72), **fields))


@pytest.mark.parametrize("captured", CAPTURED, ids=lambda captured: captured["hex"])
def test_a_frame_says_what_the_screen_said(captured: dict[str, Any]) -> None:
    decoded = decode(int(captured["characteristic"], 16), bytes.fromhex(captured["hex"]))
    assert decoded.observations == captured["observations"]
    assert list(decoded.quality) == captured["quality"]
    assert decoded.no_value == captured["no_value"]
    shown = decoded.device_time and decoded.device_time.isoformat()
    assert shown == captured["device_time"]
    assert decoded.said.get("measurement_status") == captured["measurement_status"]
    assert decoded.said.get("sensor_status") == captured["sensor_status"]


def test_fast_and_slow_are_told_apart_from_the_normal_pair() -> None:
    frame = plx.read_continuous(bytes.fromhex("1f61004800620049006000470080000008000be2"))
    assert (frame.normal, frame.fast, frame.slow) == (Pair(97, 72), Pair(98, 73), Pair(96, 71))
    assert frame.pulse_amplitude == 5.23


@pytest.mark.parametrize("captured", CAPTURED, ids=lambda captured: captured["hex"])
def test_every_truncation_is_refused(captured: dict[str, Any]) -> None:
    whole = bytes.fromhex(captured["hex"])
    for length in range(len(whole)):
        with pytest.raises(FrameError, match=f"too short: {length} bytes"):
            decode(int(captured["characteristic"], 16), whole[:length])


@pytest.mark.parametrize("characteristic", [SPOT_CHECK, CONTINUOUS])
def test_reserved_flags_and_bytes_after_the_end_are_ignored(characteristic: int) -> None:
    plain = decode(characteristic, bytes.fromhex("0061004800"))
    assert decode(characteristic, bytes.fromhex("e061004800")) == plain
    assert decode(characteristic, bytes.fromhex("0061004800ffff")) == plain


def test_all_flags_with_a_short_body_are_refused() -> None:
    for characteristic in (SPOT_CHECK, CONTINUOUS):
        with pytest.raises(FrameError, match="too short"):
            decode(characteristic, bytes.fromhex("ff61004800"))


@pytest.mark.parametrize(
    ("measurement", "no_value", "quality"),
    [
        (Measurement.ONGOING, None, ()),
        (Measurement.VALIDATED, None, ()),
        (Measurement.FULLY_QUALIFIED, None, ()),
        (Measurement.EARLY_ESTIMATE, None, (Quality.EARLY_ESTIMATE,)),
        (Measurement.QUESTIONABLE, None, (Quality.QUESTIONABLE,)),
        (Measurement.FROM_STORAGE, None, (Quality.STORED,)),
        (Measurement.DEMONSTRATION, NoValue.DEMO, ()),
        (Measurement.TESTING, NoValue.TEST, ()),
        (Measurement.CALIBRATION_ONGOING, NoValue.CALIBRATING, ()),
        (Measurement.UNAVAILABLE, NoValue.UNAVAILABLE, ()),
        (Measurement.INVALID, NoValue.INVALID, (Quality.QUESTIONABLE,)),
    ],
)
def test_measurement_status(
    measurement: Measurement, no_value: NoValue | None, quality: tuple[Quality, ...]
) -> None:
    decoded = decode(CONTINUOUS, a_frame(measurement=measurement))
    assert decoded.no_value is no_value
    assert decoded.quality == quality
    assert bool(decoded.observations) is (no_value is None)


@pytest.mark.parametrize(
    ("sensor", "no_value", "quality"),
    [
        (Sensor.EXTENDED_DISPLAY_UPDATE, None, Quality.POOR_SIGNAL),
        (Sensor.EQUIPMENT_MALFUNCTION, None, Quality.QUESTIONABLE),
        (Sensor.SIGNAL_PROCESSING_IRREGULARITY, None, Quality.POOR_SIGNAL),
        (Sensor.INADEQUATE_SIGNAL, None, Quality.POOR_SIGNAL),
        (Sensor.POOR_SIGNAL, None, Quality.POOR_SIGNAL),
        (Sensor.LOW_PERFUSION, None, Quality.LOW_PERFUSION),
        (Sensor.ERRATIC_SIGNAL, None, Quality.POOR_SIGNAL),
        (Sensor.NON_PULSATILE_SIGNAL, None, Quality.POOR_SIGNAL),
        (Sensor.QUESTIONABLE_PULSE, None, Quality.QUESTIONABLE),
        (Sensor.SIGNAL_ANALYSIS_ONGOING, None, Quality.EARLY_ESTIMATE),
        (Sensor.INTERFERENCE, None, Quality.POOR_SIGNAL),
        (Sensor.UNCONNECTED_TO_USER, NoValue.FINGER_OFF, Quality.NO_FINGER),
        (Sensor.UNKNOWN_SENSOR, None, Quality.QUESTIONABLE),
        (Sensor.DISPLACED, NoValue.FINGER_OFF, Quality.NO_FINGER),
        (Sensor.MALFUNCTIONING, None, Quality.QUESTIONABLE),
        (Sensor.DISCONNECTED, NoValue.FINGER_OFF, Quality.NO_FINGER),
    ],
)
def test_device_and_sensor_status(
    sensor: Sensor, no_value: NoValue | None, quality: Quality
) -> None:
    decoded = decode(CONTINUOUS, a_frame(sensor=sensor))
    assert decoded.no_value is no_value
    assert decoded.quality == (quality,)
    assert bool(decoded.observations) is (no_value is None)


def test_every_status_bit_has_its_row_above() -> None:
    assert [1 << n for n in range(5, 16)] == list(Measurement)
    assert [1 << n for n in range(16)] == list(Sensor)


@given(st.integers(0, 0xFFFF).map(Measurement), st.integers(0, 0xFFFFFF).map(Sensor))
def test_a_doubt_never_takes_a_low_value_away_and_demo_data_never_looks_real(
    measurement: Measurement, sensor: Sensor
) -> None:
    decoded = decode(
        CONTINUOUS,
        plx.encode(CONTINUOUS, PlxFrame(Pair(81, 72), measurement=measurement, sensor=sensor)),
    )
    off = Sensor.UNCONNECTED_TO_USER | Sensor.DISPLACED | Sensor.DISCONNECTED
    withheld = measurement & 0b1011_1100_0000_0000 or sensor & off
    assert decoded.observations.get(Vital.SPO2) == (None if withheld else 81)
    assert (decoded.no_value is None) is not bool(withheld)


def test_demo_is_told_before_finger_off() -> None:
    frame = a_frame(measurement=Measurement.DEMONSTRATION, sensor=Sensor.UNCONNECTED_TO_USER)
    assert decode(CONTINUOUS, frame).no_value is NoValue.DEMO


@pytest.mark.parametrize(
    "no_date", ["0000 01 01 000000", "e107 00 01 000000", "e107 0d 01 000000", "e107 0101 180000"]
)
def test_a_device_time_that_is_no_date_costs_no_value(no_date: str) -> None:
    decoded = decode(SPOT_CHECK, bytes.fromhex("01 5a00 4800" + no_date))
    assert decoded.observations[Vital.SPO2] == 90
    assert decoded.device_time is None
    assert decoded.quality == (Quality.CLOCK_NOT_SET,)


@pytest.mark.parametrize("characteristic", [SPOT_CHECK, CONTINUOUS])
@given(frame=st.binary(max_size=32))
def test_any_bytes_are_decoded_or_refused(characteristic: int, frame: bytes) -> None:
    try:
        decoded = decode(characteristic, frame)
    except FrameError:
        assert len(frame) < 20  # the longest announcement: nothing longer is too short
        return
    json.dumps([decoded.observations, decoded.said], allow_nan=False)


@given(spot_checks)
def test_a_spot_check_survives_encoding(frame: PlxFrame) -> None:
    assert plx.read_spot_check(plx.encode(SPOT_CHECK, frame)) == frame


@given(continuous)
def test_a_continuous_frame_survives_encoding(frame: PlxFrame) -> None:
    encoded = plx.encode(CONTINUOUS, frame)
    assert plx.read_continuous(encoded) == frame
    assert 5 <= len(encoded) <= 20


def test_what_a_characteristic_lacks_is_not_encoded() -> None:
    pair = Pair(97, 72)
    with pytest.raises(ValueError, match="no time"):
        plx.encode(CONTINUOUS, PlxFrame(pair, clock_not_set=True))
    with pytest.raises(ValueError, match="no fast or slow"):
        plx.encode(SPOT_CHECK, PlxFrame(pair, fast=pair))
    with pytest.raises(ValueError, match="2A37 is not"):
        plx.encode(0x2A37, PlxFrame(pair))
