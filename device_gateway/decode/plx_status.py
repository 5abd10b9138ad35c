"""The status bits of a pulse oximeter, and what each means for its numbers.

Source: Bluetooth SIG, Pulse Oximeter Service 1.0 [BT-PLXS], Measurement Status and Device and
Sensor Status.
What to do with each bit: a number is withheld only where the device says that it is none (or none
of a person); everything weaker is kept and flagged, so that a low value is never set aside.
"""

from enum import IntFlag
from typing import Final

from device_gateway.decode.frame import NoValue, in_order
from ward_service.contract.vocabulary import Quality


class Measurement(IntFlag):
    """Measurement Status, 16 bits; 0 to 4 are reserved."""

    ONGOING = 1 << 5
    EARLY_ESTIMATE = 1 << 6
    VALIDATED = 1 << 7
    FULLY_QUALIFIED = 1 << 8
    FROM_STORAGE = 1 << 9
    DEMONSTRATION = 1 << 10
    TESTING = 1 << 11
    CALIBRATION_ONGOING = 1 << 12
    UNAVAILABLE = 1 << 13
    QUESTIONABLE = 1 << 14
    INVALID = 1 << 15


class Sensor(IntFlag):
    """Device and Sensor Status, 24 bits; 16 to 23 are reserved."""

    EXTENDED_DISPLAY_UPDATE = 1 << 0
    EQUIPMENT_MALFUNCTION = 1 << 1
    SIGNAL_PROCESSING_IRREGULARITY = 1 << 2
    INADEQUATE_SIGNAL = 1 << 3
    POOR_SIGNAL = 1 << 4
    LOW_PERFUSION = 1 << 5
    ERRATIC_SIGNAL = 1 << 6
    NON_PULSATILE_SIGNAL = 1 << 7
    QUESTIONABLE_PULSE = 1 << 8
    SIGNAL_ANALYSIS_ONGOING = 1 << 9
    INTERFERENCE = 1 << 10
    UNCONNECTED_TO_USER = 1 << 11
    UNKNOWN_SENSOR = 1 << 12
    DISPLACED = 1 << 13
    MALFUNCTIONING = 1 << 14
    DISCONNECTED = 1 << 15


# Worst first: the reason that is told when several hold.
_WITHHELD_BY_MEASUREMENT: Final = (
    (Measurement.DEMONSTRATION, NoValue.DEMO),
    (Measurement.TESTING, NoValue.TEST),
    (Measurement.INVALID, NoValue.INVALID),
    (Measurement.UNAVAILABLE, NoValue.UNAVAILABLE),
    (Measurement.CALIBRATION_ONGOING, NoValue.CALIBRATING),
)
_OFF_FINGER: Final = Sensor.UNCONNECTED_TO_USER | Sensor.DISPLACED | Sensor.DISCONNECTED

_QUALITY_OF_MEASUREMENT: Final = (
    (Measurement.QUESTIONABLE | Measurement.INVALID, Quality.QUESTIONABLE),
    (Measurement.EARLY_ESTIMATE, Quality.EARLY_ESTIMATE),
    (Measurement.FROM_STORAGE, Quality.STORED),
)
_QUALITY_OF_SENSOR: Final = (
    (_OFF_FINGER, Quality.NO_FINGER),
    (
        # A display that has not been updated for long shows an old number (ISO 80601-2-61).
        Sensor.EXTENDED_DISPLAY_UPDATE
        | Sensor.SIGNAL_PROCESSING_IRREGULARITY
        | Sensor.INADEQUATE_SIGNAL
        | Sensor.POOR_SIGNAL
        | Sensor.ERRATIC_SIGNAL
        | Sensor.NON_PULSATILE_SIGNAL
        | Sensor.INTERFERENCE,
        Quality.POOR_SIGNAL,
    ),
    (Sensor.LOW_PERFUSION, Quality.LOW_PERFUSION),
    (
        Sensor.QUESTIONABLE_PULSE
        | Sensor.EQUIPMENT_MALFUNCTION
        | Sensor.UNKNOWN_SENSOR
        | Sensor.MALFUNCTIONING,
        Quality.QUESTIONABLE,
    ),
    (Sensor.SIGNAL_ANALYSIS_ONGOING, Quality.EARLY_ESTIMATE),
)


def withheld(measurement: Measurement, sensor: Sensor) -> NoValue | None:
    """Return why the numbers beside these bits are no measurement, or None when they are one."""
    reasons = [reason for bit, reason in _WITHHELD_BY_MEASUREMENT if measurement & bit]
    if sensor & _OFF_FINGER:
        reasons.append(NoValue.FINGER_OFF)
    worst_first = list(NoValue)
    return min(reasons, key=worst_first.index, default=None)


def quality(measurement: Measurement, sensor: Sensor) -> tuple[Quality, ...]:
    """Return what these bits say against the numbers, in the order of `Quality`."""
    said = {flag for bits, flag in _QUALITY_OF_MEASUREMENT if measurement & bits}
    said |= {flag for bits, flag in _QUALITY_OF_SENSOR if sensor & bits}
    return in_order(said)
