"""What a decoder hands back, whatever the device: values, what speaks against them, and why not.

A decoder never guesses: what the sensor did not measure is absent, with its reason, and is never
zero, 127 or any other number that could be read as one.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from ward_service.contract.messages import Device
from ward_service.contract.vocabulary import Quality, Vital


class FrameError(ValueError):
    """A frame cannot be read. The text says why, and repeats no value."""


class NoValue(StrEnum):
    """Why a frame has no measurement in it, worst reason first.

    `DEMO` and `TEST` are not measurements of a person at all: such a frame never leaves the home.
    """

    DEMO = "demonstration data"
    TEST = "test data"
    FINGER_OFF = "sensor not on a finger"
    INVALID = "measurement invalid"
    UNAVAILABLE = "measurement unavailable"
    CALIBRATING = "calibration ongoing"
    NOT_MEASURED = "the sensor sent no number"


NEVER_LEAVES_HOME = frozenset({NoValue.DEMO, NoValue.TEST})


@dataclass(frozen=True, slots=True)
class Decoded:
    """What a frame says.

    `observations`: only what was measured, each in its vital's unit. `no_value` is None when all
    that a reading needs is there, else why not; what is still in `observations` then stands.
    `device_time` is the device's own claim, without a zone. `said` is every field of the frame in
    words, for support staff; it goes to a screen, never over the wire.

    `measures` is False where a frame is no measurement at all: a wave, an answer to a command, or
    about the device; no reading comes of it. `recorded`: the device keeps what it measured and may
    send it late or again, so that the frame, with its time, names it. `user`: who pressed at a
    shared device, as it counts its users. `device`: what the frame says of the device itself.
    """

    observations: Mapping[Vital, float]
    quality: tuple[Quality, ...] = ()
    no_value: NoValue | None = None
    device_time: datetime | None = None
    said: Mapping[str, object] = field(default_factory=dict)
    measures: bool = True
    recorded: bool = False
    user: int | None = None
    device: Device | None = None


Decoder = Callable[[bytes], Decoded]


def no_measurement(
    said: Mapping[str, object], device: Device | None = None, device_time: datetime | None = None
) -> Decoded:
    """Return a frame that is no measurement: a wave, an answer, or about the device."""
    return Decoded({}, said=said, measures=False, device=device, device_time=device_time)


def in_order(flags: Iterable[Quality]) -> tuple[Quality, ...]:
    """Return the flags once each, in the order of `Quality`."""
    found = set(flags)
    return tuple(flag for flag in Quality if flag in found)
