"""What a pulse oximeter can do (GATT 0x2A60, PLX Features).

Source: Bluetooth SIG, Pulse Oximeter Service 1.0 [BT-PLXS].
"""

from dataclasses import dataclass
from enum import IntFlag
from typing import Final

from device_gateway.decode.fields import Fields, words
from device_gateway.decode.frame import Decoded, no_measurement
from device_gateway.decode.plx_status import Measurement, Sensor

FEATURES: Final = 0x2A60


class Feature(IntFlag):
    """Supported Features, 16 bits; 8 to 15 are reserved."""

    MEASUREMENT_STATUS_SUPPORT = 1 << 0
    SENSOR_STATUS_SUPPORT = 1 << 1
    STORES_SPOT_CHECKS = 1 << 2
    TIME_OF_SPOT_CHECKS = 1 << 3
    FAST = 1 << 4
    SLOW = 1 << 5
    PULSE_AMPLITUDE = 1 << 6
    MULTIPLE_BONDS = 1 << 7


@dataclass(frozen=True, slots=True)
class Features:
    """What it can do. None: it does not say which status bits it uses."""

    features: Feature
    measurement: Measurement | None = None
    sensor: Sensor | None = None


def read(frame: bytes) -> Features:
    """Split a 0x2A60 value into its fields.

    Raises:
        FrameError: it is shorter than its own flags announce.
    """
    fields = Fields(frame)
    features = Feature(fields.uint(2))
    measured = features & Feature.MEASUREMENT_STATUS_SUPPORT
    sensed = features & Feature.SENSOR_STATUS_SUPPORT
    return Features(
        features,
        Measurement(fields.uint(2)) if measured else None,
        Sensor(fields.uint(3)) if sensed else None,
    )


def decode(frame: bytes) -> Decoded:
    """Return what a 0x2A60 value says.

    Raises:
        FrameError: it is shorter than its own flags announce.
    """
    found = read(frame)
    said: dict[str, object] = {"features": words(found.features)}
    if found.measurement is not None:
        said["measurement_status"] = words(found.measurement)
    if found.sensor is not None:
        said["sensor_status"] = words(found.sensor)
    return no_measurement(said)
