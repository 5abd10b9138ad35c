"""BerryMed's finger oximeters (BM1000 and its variants). Published only: unproven on a device.

Source: the maker's "BCI Protocol V1.2" (zh2x/BCI_Protocol) [BCI-PROTOCOL]. Frames of five bytes,
100 a second, four to a notification, sometimes out of step with it:

    1 + beep, unplugged, no signal, strength | wave | pulse bit 7, searching, no finger, bar
    | pulse, 7 bits | SpO2

Only the first byte of a frame has its highest bit set; there is no checksum, so a frame alone
proves nothing. The stream begins with the subscription. Many unrelated devices have the service.
"""

from typing import Final

from device_gateway.decode import uuids
from device_gateway.decode.family import Evidence, Family, Marks, Profile
from device_gateway.decode.frame import Decoded, NoValue
from device_gateway.decode.oximetry import measured, reading
from device_gateway.decode.stream import BEGINS_INSIDE, Framing, refuse_broken
from ward_service.contract.vocabulary import Quality

SERVICE: Final = uuids.number("49535343-fe7d-4ae5-8fa9-9fafd205e455")
FRAMES: Final = uuids.number("49535343-1e4d-4bd9-ba61-23c647249616")

_LENGTH: Final = 5
_FIRST: Final = 1 << 7
_NO_SIGNAL, _UNPLUGGED = 1 << 4, 1 << 5
_NO_FINGER, _SEARCHING, _PULSE_BIT_7 = 1 << 4, 1 << 5, 1 << 6


def _length(held: bytes) -> int | None:
    return _LENGTH if held[0] & _FIRST else 0


def _fault(frame: bytes) -> str:
    return BEGINS_INSIDE if any(b & _FIRST for b in frame[1:]) else ""


FRAMING: Final = Framing(_length, _fault)


def decode(frame: bytes) -> Decoded:
    """Return what a whole frame says.

    Raises:
        FrameError: it is not whole.
    """
    refuse_broken(FRAMING, frame)
    signal, wave, state, pulse, spo2 = frame
    pulse |= (state & _PULSE_BIT_7) << 1
    off = signal & _UNPLUGGED or state & _NO_FINGER
    doubts = [Quality.POOR_SIGNAL] if signal & _NO_SIGNAL else []
    if state & _SEARCHING:
        doubts.append(Quality.EARLY_ESTIMATE)
    return reading(
        measured(spo2, 127),
        measured(pulse, 255),
        withheld=NoValue.FINGER_OFF if off else None,
        doubts=doubts,
        said={"signal_strength": signal & 0x0F, "wave": wave, "bar": state & 0x0F},
    )


FAMILY: Final = Family(
    key="berrymed",
    label="BerryMed (BM1000)",
    evidence=Evidence.PUBLISHED,
    marks=Marks(services=frozenset({SERVICE}), names=("BerryMed",), names_needed=True),
    profile=Profile(
        subscribe=(FRAMES,),
        decoders={FRAMES: decode},
        silence_s=10,
        framing=FRAMING,
        live=frozenset({FRAMES}),
    ),
)
