"""What a decoder hands back, whatever the device: values, what speaks against them, and why not.

A decoder never guesses: what the sensor did not measure is absent, with its reason, and is never
zero, 127 or any other number that could be read as one.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

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
    """

    observations: Mapping[Vital, float]
    quality: tuple[Quality, ...] = ()
    no_value: NoValue | None = None
    device_time: datetime | None = None
    said: Mapping[str, object] = field(default_factory=dict)


Decoder = Callable[[bytes], Decoded]
