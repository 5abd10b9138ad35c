"""From a frame to what the spool keeps: a reading for the ward, or a reason why it is none.

This is the one way in for a radio, a recording and an invented home alike. Pure: no clock, no disk.
"""

import hashlib
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

from device_gateway.decode.frame import NEVER_LEAVES_HOME, Decoded, FrameError, in_order
from device_gateway.decode.registry import decode
from device_gateway.spool.records import SetAside
from ward_service.contract.ids import new_id
from ward_service.contract.messages import Device, Observation, Reading, Trace
from ward_service.contract.vocabulary import Quality, Source


@dataclass(frozen=True, slots=True)
class Capture:
    """A frame as it was received: from which characteristic, when (aware), by which device.

    `family` is the key in the registry for a vendor's characteristic, "" for one of the Bluetooth
    SIG. `stored`: it came while the device reported what it has stored, so it is not of this
    moment even if the frame does not say so. `clock_ahead`: how far the device's clock is ahead of
    ours, where it could be read in the same connection. `decoded`: what the frame says, or why it
    cannot be read; it is decoded when it is captured, and never again.
    """

    characteristic: int
    frame: bytes
    at: datetime
    device: Device | None = None
    family: str = ""
    stored: bool = False
    clock_ahead: timedelta | None = None
    decoded: Decoded | FrameError | None = None

    def __post_init__(self) -> None:
        if self.decoded is None:
            decoded = decode_frame(self.characteristic, self.frame, self.family)
            object.__setattr__(self, "decoded", decoded)


@dataclass(frozen=True, slots=True)
class Measured:
    """A frame in which something was measured, or could have been, and what it says."""

    capture: Capture
    decoded: Decoded


def decode_frame(characteristic: int, frame: bytes, family: str) -> Decoded | FrameError:
    """Return what a frame says, or why it cannot be read."""
    try:
        return decode(characteristic, frame, family)
    except FrameError as error:
        return error


def measured(capture: Capture) -> Measured | SetAside | None:
    """Return what a frame says of a person, or the frame with the reason why it says nothing.

    None: the frame is no measurement, but a wave, an answer, or about the device itself.
    Demonstration and test data are not about a person and stay here.
    """
    decoded = capture.decoded
    if not isinstance(decoded, Decoded):
        return SetAside(capture.at, capture.frame, str(decoded))
    if not decoded.measures:
        return None
    if capture.stored:
        decoded = replace(decoded, quality=in_order((*decoded.quality, Quality.STORED)))
    if decoded.no_value in NEVER_LEAVES_HOME:
        return SetAside(capture.at, capture.frame, decoded.no_value.value)
    return Measured(capture, decoded)


def in_bytes(message: Reading | Trace) -> bytes:
    """Return a message as it travels: what is not known is not in it."""
    return message.model_dump_json(exclude_defaults=True).encode()


def as_reading(one: Measured, device: str) -> Reading:
    """Return what was measured as a reading; `device` names one that has no serial number."""
    capture, decoded = one.capture, one.decoded
    return Reading(
        reading_id=new_id(capture.at),
        measured_at=_measured_at(capture, decoded),
        source=Source.BLE,
        observations=tuple(
            Observation(vital=vital, value=value) for vital, value in decoded.observations.items()
        ),
        device=device_of(one),
        quality=decoded.quality,
        source_key=_source_key(capture, decoded, device),
    )


def _measured_at(capture: Capture, decoded: Decoded) -> datetime:
    """Return when the device says that it measured what it kept, else our own time.

    The device's clock has no zone: a gateway sets its devices to UTC
    (docs/reference/device-layouts.md#device-clock). How far it is ahead, where that is known,
    corrects it, and makes even a clock that was never set of use.
    """
    if not _kept(decoded) or decoded.device_time is None:
        return capture.at
    shown = decoded.device_time.replace(tzinfo=UTC)
    if capture.clock_ahead is not None:
        try:
            return shown - capture.clock_ahead
        except OverflowError:  # a date at the very edge of the calendar is no date
            return capture.at
    return capture.at if Quality.CLOCK_NOT_SET in decoded.quality else shown


def _source_key(capture: Capture, decoded: Decoded, device: str) -> str | None:
    """Name a measurement that was kept by its bytes, so that sending it again changes nothing.

    Only where the bytes carry a time: two measurements of one value have equal bytes otherwise,
    and the second would be lost.
    """
    if not _kept(decoded) or decoded.device_time is None:
        return None
    serial = capture.device.serial if capture.device else ""
    named = f"{serial or device}|{capture.characteristic:04X}|".encode() + capture.frame
    return hashlib.sha256(named).hexdigest()


def _kept(decoded: Decoded) -> bool:
    return decoded.recorded or Quality.STORED in decoded.quality


def device_of(one: Measured) -> Device | None:
    """Put what the frame says of its device over what was known of it."""
    known, said = one.capture.device, one.decoded.device
    if known is None or said is None:
        return known or said
    return known.model_copy(update=said.model_dump(exclude_defaults=True))
