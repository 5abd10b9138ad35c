"""Pulse oximeter frames (GATT 0x2A5E spot check, 0x2A5F continuous) to values, and back.

What the oximeter can do is in `plx_features.py`, how it is asked for stored spot checks in
`plx_records.py`, what its status bits mean in `plx_status.py`.

Source: Bluetooth SIG, Pulse Oximeter Service 1.0 [BT-PLXS]; SFLOAT numbers: IEEE 11073-20601
[IEEE-11073-20601].
Pure and synchronous: bytes in, values out. `encode` is what replay and simulate speak with, so
that an invented or recorded home goes through this decoder like a real one.

The two characteristics have different flag bits. Reserved bits, and bytes after the last announced
field, are ignored as the service asks; a frame shorter than its own flags announce is refused.
"""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Final

from device_gateway.decode import device_clock, plx_features, plx_records, plx_status, sfloat
from device_gateway.decode.family import Evidence, Family, Marks, Profile, Write
from device_gateway.decode.fields import Fields, date_time_bytes, numbers, value_said, words
from device_gateway.decode.frame import Decoded, NoValue
from device_gateway.decode.plx_status import Measurement, Sensor
from device_gateway.decode.sfloat import Sfloat
from ward_service.contract.vocabulary import Quality, Vital

SERVICE: Final = 0x1822
SPOT_CHECK: Final = 0x2A5E
CONTINUOUS: Final = 0x2A5F

Value = Decimal | Sfloat


@dataclass(frozen=True, slots=True)
class Pair:
    """SpO2 in per cent and pulse rate per minute, as one frame carries them together."""

    spo2: Value
    pulse_rate: Value


@dataclass(frozen=True, slots=True)
class PlxFrame:
    """Every field of a frame. None: the frame does not have the field.

    `device_time` is what the device's clock shows, no zone; None also when its date is unknown
    or no date at all, and then `clock_not_set` is true.
    """

    normal: Pair
    measurement: Measurement | None = None
    sensor: Sensor | None = None
    pulse_amplitude: Value | None = None
    device_time: datetime | None = None
    clock_not_set: bool = False
    fast: Pair | None = None
    slow: Pair | None = None


def decode_spot_check(frame: bytes) -> Decoded:
    """Return what a 0x2A5E frame says.

    Raises:
        FrameError: the frame is shorter than its own flags announce.
    """
    return _meaning(read_spot_check(frame))


def decode_continuous(frame: bytes) -> Decoded:
    """Return what a 0x2A5F frame says.

    Raises:
        FrameError: the frame is shorter than its own flags announce.
    """
    return _meaning(read_continuous(frame))


def read_spot_check(frame: bytes) -> PlxFrame:
    """Split a 0x2A5E frame into its fields.

    Raises:
        FrameError: the frame is shorter than its own flags announce.
    """
    fields = Fields(frame)
    flags = fields.uint(1)
    normal = _read_pair(fields)
    clock_not_set = bool(flags & 1 << 4)
    device_time = None
    if flags & 1 << 0:
        device_time = fields.date_time()
        clock_not_set = clock_not_set or device_time is None
    return PlxFrame(
        normal=normal,
        device_time=device_time,
        clock_not_set=clock_not_set,
        measurement=Measurement(fields.uint(2)) if flags & 1 << 1 else None,
        sensor=Sensor(fields.uint(3)) if flags & 1 << 2 else None,
        pulse_amplitude=fields.sfloat() if flags & 1 << 3 else None,
    )


def read_continuous(frame: bytes) -> PlxFrame:
    """Split a 0x2A5F frame into its fields.

    Raises:
        FrameError: the frame is shorter than its own flags announce.
    """
    fields = Fields(frame)
    flags = fields.uint(1)
    return PlxFrame(
        normal=_read_pair(fields),
        fast=_read_pair(fields) if flags & 1 << 0 else None,
        slow=_read_pair(fields) if flags & 1 << 1 else None,
        measurement=Measurement(fields.uint(2)) if flags & 1 << 2 else None,
        sensor=Sensor(fields.uint(3)) if flags & 1 << 3 else None,
        pulse_amplitude=fields.sfloat() if flags & 1 << 4 else None,
    )


def encode(characteristic: int, frame: PlxFrame) -> bytes:
    """Return the bytes that an oximeter sends for these fields; decoding gives them back exactly.

    Raises:
        ValueError: a number that no SFLOAT says exactly, or a field that this characteristic lacks.
    """
    if characteristic == SPOT_CHECK:
        return _encode_spot_check(frame)
    if characteristic == CONTINUOUS:
        return _encode_continuous(frame)
    raise ValueError(f"{characteristic:04X} is not a characteristic of the pulse oximeter service")


def _encode_spot_check(frame: PlxFrame) -> bytes:
    if frame.fast is not None or frame.slow is not None:
        raise ValueError("a spot check has no fast or slow pair")
    present = (frame.device_time, frame.measurement, frame.sensor, frame.pulse_amplitude)
    flags = _flags(present) | frame.clock_not_set << 4
    return b"".join(
        (
            bytes([flags]),
            _pair(frame.normal),
            b"" if frame.device_time is None else date_time_bytes(frame.device_time),
            _status(frame),
        )
    )


def _encode_continuous(frame: PlxFrame) -> bytes:
    if frame.device_time is not None or frame.clock_not_set:
        raise ValueError("a continuous frame has no time")
    present = (frame.fast, frame.slow, frame.measurement, frame.sensor, frame.pulse_amplitude)
    return b"".join(
        (
            bytes([_flags(present)]),
            _pair(frame.normal),
            b"" if frame.fast is None else _pair(frame.fast),
            b"" if frame.slow is None else _pair(frame.slow),
            _status(frame),
        )
    )


def _flags(present: tuple[object, ...]) -> int:
    return sum((field_ is not None) << n for n, field_ in enumerate(present))


def _word(value: Value) -> bytes:
    return sfloat.write(value).to_bytes(2, "little")


def _pair(pair: Pair) -> bytes:
    return _word(pair.spo2) + _word(pair.pulse_rate)


def _status(frame: PlxFrame) -> bytes:
    measurement = b"" if frame.measurement is None else frame.measurement.to_bytes(2, "little")
    sensor = b"" if frame.sensor is None else frame.sensor.to_bytes(3, "little")
    amplitude = b"" if frame.pulse_amplitude is None else _word(frame.pulse_amplitude)
    return measurement + sensor + amplitude


def _read_pair(fields: Fields) -> Pair:
    return Pair(fields.sfloat(), fields.sfloat())


def _meaning(frame: PlxFrame) -> Decoded:
    measurement = frame.measurement or Measurement(0)
    sensor = frame.sensor or Sensor(0)
    no_value = plx_status.withheld(measurement, sensor)
    sent = {
        Vital.SPO2: frame.normal.spo2,
        Vital.PULSE_RATE: frame.normal.pulse_rate,
        Vital.PERFUSION_INDEX: frame.pulse_amplitude,
    }
    observations = {} if no_value else numbers(sent)
    if no_value is None and not {Vital.SPO2, Vital.PULSE_RATE} <= observations.keys():
        no_value = NoValue.NOT_MEASURED
    quality = plx_status.quality(measurement, sensor)
    if frame.clock_not_set:
        quality = (*quality, Quality.CLOCK_NOT_SET)
    return Decoded(observations, quality, no_value, frame.device_time, _said(frame))


def _said(frame: PlxFrame) -> dict[str, object]:
    said: dict[str, object] = _pair_said(frame.normal)
    if frame.fast is not None:
        said["fast"] = _pair_said(frame.fast)
    if frame.slow is not None:
        said["slow"] = _pair_said(frame.slow)
    if frame.measurement is not None:
        said["measurement_status"] = words(frame.measurement)
    if frame.sensor is not None:
        said["sensor_status"] = words(frame.sensor)
    if frame.pulse_amplitude is not None:
        said["pulse_amplitude"] = value_said(frame.pulse_amplitude)
    if frame.device_time is not None:
        said["device_time"] = frame.device_time.isoformat()
    said["clock_not_set"] = frame.clock_not_set
    return said


def _pair_said(pair: Pair) -> dict[str, object]:
    return {"spo2": value_said(pair.spo2), "pulse_rate": value_said(pair.pulse_rate)}


FAMILY: Final = Family(
    key="plx",
    label="Pulse oximeter (0x1822)",
    evidence=Evidence.CAPTURED,
    marks=Marks(services=frozenset({SERVICE})),
    profile=Profile(
        # Spot checks first: those sent before the subscription are confirmed by BlueZ, and lost.
        subscribe=(SPOT_CHECK, plx_records.CONTROL_POINT, CONTINUOUS),
        decoders={
            SPOT_CHECK: decode_spot_check,
            CONTINUOUS: decode_continuous,
            plx_features.FEATURES: plx_features.decode,
            plx_records.CONTROL_POINT: plx_records.decode,
        },
        clock=device_clock.settings,
        stored=(
            Write(plx_records.CONTROL_POINT, plx_records.COUNT_STORED, response=True),
            Write(plx_records.CONTROL_POINT, plx_records.REPORT_STORED, response=True),
        ),
        read=(plx_features.FEATURES,),
        silence_s=10,
        live=frozenset({CONTINUOUS}),
    ),
)
