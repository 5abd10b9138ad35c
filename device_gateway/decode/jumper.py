"""Jumper's finger oximeters (JPD-500F, JPD-500G). Published only: unproven on a device.

Source: KookKookKool/smarttelemed-v4 [JUMPER-SMARTTELEMED]; SensorsIot/Oximeters-BLE-Hack-ESP32
[JUMPER-OXIMETERS-BLE]. Each notification is one frame: a wave, which begins with 80, or values:

    81 | pulse | SpO2 | ten times the perfusion index

There is no checksum: a frame is told by its first byte and its length alone.
"""

from typing import Final

from device_gateway.decode import uuids
from device_gateway.decode.family import Evidence, Family, Marks, Profile
from device_gateway.decode.frame import Decoded, FrameError, no_measurement
from device_gateway.decode.oximetry import measured, reading

SERVICE: Final = uuids.number("cdeacb80-5235-4c07-8846-93a37ee6b86d")
FRAMES: Final = uuids.number("cdeacb81-5235-4c07-8846-93a37ee6b86d")

_WAVE, _VALUES = 0x80, 0x81
_LENGTH: Final = 4


def decode(frame: bytes) -> Decoded:
    """Return what a notification says.

    Raises:
        FrameError: it is neither values nor a wave.
    """
    if frame[:1] == bytes([_WAVE]):
        return no_measurement({"wave": frame[1:].hex()})
    if frame[:1] != bytes([_VALUES]):
        raise FrameError("neither values nor a wave")
    if len(frame) != _LENGTH:
        raise FrameError(f"values have {_LENGTH} bytes, not {len(frame)}")
    _, pulse, spo2, perfusion = frame
    return reading(measured(spo2, 127), measured(pulse, 255), perfusion / 10, said={})


FAMILY: Final = Family(
    key="jumper",
    label="Jumper (JPD-500F, JPD-500G)",
    evidence=Evidence.PUBLISHED,
    marks=Marks(services=frozenset({SERVICE})),
    profile=Profile(
        subscribe=(FRAMES,),
        decoders={FRAMES: decode},
        silence_s=10,
        live=frozenset({FRAMES}),
    ),
)
