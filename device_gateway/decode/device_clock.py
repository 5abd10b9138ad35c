"""A device's clock (GATT 0x2A2B Current Time, 0x2A08 Date Time): to read, to set, how far ahead.

Source: Bluetooth SIG, Current Time Service 1.1 [BT-CTS]; GATT Specification Supplement, Date Time
[BT-GSS].
Neither has a zone. A gateway sets its devices to UTC; where a device cannot be set, how far it is
ahead of us says what its times mean.
"""

from datetime import UTC, datetime, timedelta
from typing import Final

from device_gateway.decode.family import Write
from device_gateway.decode.fields import Fields, date_time_bytes
from device_gateway.decode.frame import Decoded, no_measurement

CURRENT_TIME: Final = 0x2A2B
DATE_TIME: Final = 0x2A08

_EXTERNAL_REFERENCE: Final = 1 << 1  # adjust reason: the time comes from somewhere better


def decode_current_time(frame: bytes) -> Decoded:
    """Return what a 0x2A2B value says.

    Raises:
        FrameError: it is shorter than ten bytes.
    """
    fields = Fields(frame)
    shown = fields.date_time()
    weekday, fraction, reason = fields.uint(1), fields.uint(1), fields.uint(1)
    said = {"weekday": weekday, "fraction_256": fraction, "adjust_reason": reason}
    return no_measurement(_time_said(shown) | said, device_time=shown)


def decode_date_time(frame: bytes) -> Decoded:
    """Return what a 0x2A08 value says.

    Raises:
        FrameError: it is shorter than seven bytes.
    """
    shown = Fields(frame).date_time()
    return no_measurement(_time_said(shown), device_time=shown)


def settings(now: datetime) -> tuple[Write, Write]:
    """Return the writes that set a device's clock to UTC; it has one characteristic or the other.

    Some thermometers and cuffs take it only within a second of the connection
    (docs/reference/device-layouts.md#other-services).
    """
    utc = now.astimezone(UTC)
    shown = date_time_bytes(utc)
    fraction = utc.microsecond * 256 // 1_000_000
    rest = bytes([utc.isoweekday(), fraction, _EXTERNAL_REFERENCE])
    return Write(CURRENT_TIME, shown + rest, response=True), Write(DATE_TIME, shown, response=True)


def ahead(shown: datetime, now: datetime) -> timedelta:
    """Return how far a device's clock, read just now, is ahead of UTC: below zero, behind."""
    return shown.replace(tzinfo=UTC) - now


def _time_said(shown: datetime | None) -> dict[str, object]:
    return {"device_time": shown.isoformat() if shown else "unknown"}
