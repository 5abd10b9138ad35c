"""From a frame to what the spool keeps: a reading for the ward, or a reason why it is none.

This is the one way in for a radio, a recording and an invented home alike. Pure: no clock, no disk.
"""

import hashlib
from dataclasses import dataclass
from datetime import UTC, datetime

from device_gateway.decode.frame import NEVER_LEAVES_HOME, Decoded, FrameError
from device_gateway.decode.registry import decode
from device_gateway.homes import Place
from device_gateway.spool import Outgoing, SetAside
from ward_service.contract.ids import new_id
from ward_service.contract.messages import Device, Observation, Reading
from ward_service.contract.vocabulary import Quality, Source


@dataclass(frozen=True, slots=True)
class Capture:
    """A frame as it was received: from which characteristic, when (aware), by which device."""

    characteristic: int
    frame: bytes
    at: datetime
    device: Device | None = None


def spooled(capture: Capture, place: Place) -> Outgoing | SetAside:
    """Return the reading to send, or the frame with the reason why nothing can be sent.

    A frame in which nothing was measured is a reading too, with its quality and no value: the ward
    must be able to tell a slipped sensor from a silent home. Demonstration and test data are not
    about a person and stay here.
    """
    try:
        decoded = decode(capture.characteristic, capture.frame)
    except FrameError as error:
        return SetAside(capture.at, capture.frame, str(error))
    if decoded.no_value in NEVER_LEAVES_HOME:
        return SetAside(capture.at, capture.frame, decoded.no_value.value)
    reading = _reading(capture, decoded, place)
    payload = reading.model_dump_json(exclude_defaults=True).encode()
    return Outgoing(reading.reading_id, capture.at, payload)


def _reading(capture: Capture, decoded: Decoded, place: Place) -> Reading:
    return Reading(
        reading_id=new_id(capture.at),
        measured_at=_measured_at(capture, decoded),
        source=Source.BLE,
        observations=tuple(
            Observation(vital=vital, value=value) for vital, value in decoded.observations.items()
        ),
        device=capture.device,
        quality=decoded.quality,
        source_key=_source_key(capture, decoded, place),
    )


def _measured_at(capture: Capture, decoded: Decoded) -> datetime:
    """Return the device's time for a stored measurement with a set clock, else our own.

    The device's clock has no zone: a gateway sets its devices to UTC (BLE.md 1.8).
    """
    if not _stored(decoded) or decoded.device_time is None:
        return capture.at
    if Quality.CLOCK_NOT_SET in decoded.quality:
        return capture.at
    return decoded.device_time.replace(tzinfo=UTC)


def _source_key(capture: Capture, decoded: Decoded, place: Place) -> str | None:
    """Name a stored measurement by its bytes, so that sending it again changes nothing.

    Only where the bytes carry a time: two measurements of one value have equal bytes otherwise,
    and the second would be lost. A device without a serial number is named by its home.
    """
    if not _stored(decoded) or decoded.device_time is None:
        return None
    serial = capture.device.serial if capture.device else ""
    device = serial or f"{place.gateway}/{place.slot}"
    named = f"{device}|{capture.characteristic:04X}|".encode() + capture.frame
    return hashlib.sha256(named).hexdigest()


def _stored(decoded: Decoded) -> bool:
    return Quality.STORED in decoded.quality
