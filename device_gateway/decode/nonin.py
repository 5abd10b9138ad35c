"""Nonin's oximeters with its own service (3230, 3150 BLE). Published only: unproven on a device.

Source: Nonin's sample of 2013 and a decoder after its document 113142-000-02, which agree
[NONIN-SAMPLE-2013]. Each notification is one frame of ten bytes, once a second, the greater byte
first:

    0A | status | battery, 0.1 V | perfusion, 0.01 % | seconds counted | SpO2 | pulse
"""

from enum import IntFlag
from typing import Final

from device_gateway.decode import uuids
from device_gateway.decode.family import Evidence, Family, Marks, Profile
from device_gateway.decode.fields import words
from device_gateway.decode.frame import Decoded, FrameError
from device_gateway.decode.oximetry import measured, reading
from ward_service.contract.vocabulary import Quality

SERVICE: Final = uuids.number("46a970e0-0d5f-11e2-8b5e-0002a5d5c51b")
FRAMES: Final = uuids.number("0aad7ea0-0d60-11e2-8e3c-0002a5d5c51b")

_LENGTH: Final = 10


class Status(IntFlag):
    """The status byte; bit 7 is reserved.

    `QUALIFIED` ("SmartPoint"): good enough for a spot check. `WELL_FITTED` ("CorrectCheck"): the
    finger is where it should be.
    """

    DISPLAY_SYNC = 1 << 0
    WEAK_SIGNAL = 1 << 1
    QUALIFIED = 1 << 2
    SEARCHING = 1 << 3
    WELL_FITTED = 1 << 4
    LOW_BATTERY = 1 << 5
    ENCRYPTED = 1 << 6


def decode(frame: bytes) -> Decoded:
    """Return what a notification says.

    Raises:
        FrameError: it is not ten bytes that begin with their number.
    """
    if len(frame) != _LENGTH or frame[0] != _LENGTH:
        raise FrameError(f"not a frame of {_LENGTH} bytes: {len(frame)}")
    status, battery = Status(frame[1]), frame[2]
    perfusion, counted = (int.from_bytes(frame[at : at + 2], "big") for at in (3, 5))
    doubts = []
    if status & Status.WEAK_SIGNAL:
        doubts.append(Quality.POOR_SIGNAL)
    if status & Status.SEARCHING or not status & Status.QUALIFIED:
        doubts.append(Quality.EARLY_ESTIMATE)
    if not status & Status.WELL_FITTED:
        doubts.append(Quality.QUESTIONABLE)
    return reading(
        measured(frame[7], 127),
        measured(int.from_bytes(frame[8:10], "big"), 511),
        perfusion / 100,
        doubts=doubts,
        said={"status": words(status), "battery_volt": battery / 10, "counted_s": counted},
    )


FAMILY: Final = Family(
    key="nonin",
    label="Nonin (3230, 3150 BLE)",
    evidence=Evidence.PUBLISHED,
    marks=Marks(services=frozenset({SERVICE}), names=("Nonin3230_",)),
    profile=Profile(
        subscribe=(FRAMES,),
        decoders={FRAMES: decode},
        silence_s=10,
        live=frozenset({FRAMES}),
    ),
)
