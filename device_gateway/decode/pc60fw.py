"""The finger oximeter PC-60FW. Published only: unproven on a device.

Source: sza2/viatom_pc60fw [PC60FW-SZA2] for framing, layout and examples; the maker's Android
library (viatom-develop/LepuDemo) [VIATOM-LEPU] for the status bits, the pulse of two bytes and 0 as
"invalid".

    AA 55 | token | length | function | body | CRC-8/MAXIM over all before

The length counts function, body and checksum. The service is the Nordic UART, which hundreds of
unrelated devices have: the name must fit too.
"""

from typing import Final

from device_gateway.decode import uuids
from device_gateway.decode.checksum import crc8_maxim
from device_gateway.decode.family import Evidence, Family, Marks, Profile
from device_gateway.decode.frame import Decoded, FrameError, NoValue, no_measurement
from device_gateway.decode.oximetry import measured, reading
from device_gateway.decode.stream import (
    BEGINS_INSIDE,
    WRONG_CHECKSUM,
    Framing,
    refuse_broken,
)
from ward_service.contract.vocabulary import Quality

SERVICE: Final = uuids.number("6e400001-b5a3-f393-e0a9-e50e24dcca9e")
FRAMES: Final = uuids.number("6e400003-b5a3-f393-e0a9-e50e24dcca9e")

_FIRST: Final = bytes([0xAA, 0x55])
_HEAD: Final = 4
_LONGEST: Final = 64  # the longest published is 8; bounds what a broken length holds back
_OXIMETER, _EQUIPMENT = 0x0F, 0xF0
_VALUES, _WAVE, _WORKING = (_OXIMETER, 0x01), (_OXIMETER, 0x02), (_OXIMETER, 0x21)
_BATTERY: Final = (_EQUIPMENT, 0x03)
_BODY_LENGTHS: Final = {_VALUES: 6, _WAVE: 5, _WORKING: 4, _BATTERY: 1}
_PROBE_OFF, _SEARCHING = 1 << 1, 1 << 2


def _length(held: bytes) -> int | None:
    if not held.startswith(_FIRST[: len(held)]):
        return 0
    if len(held) < _HEAD:
        return None
    return _HEAD + held[3] if 2 <= held[3] <= _LONGEST else 0


def _fault(frame: bytes) -> str:
    if crc8_maxim(frame[:-1]) != frame[-1]:
        return WRONG_CHECKSUM
    # Eight bits of checksum let one cut in 256 pass.
    return BEGINS_INSIDE if _FIRST in frame[1:] else ""


FRAMING: Final = Framing(_length, _fault)


def decode(frame: bytes) -> Decoded:
    """Return what a whole frame says.

    Raises:
        FrameError: it is not whole, or of a kind that is not published.
    """
    refuse_broken(FRAMING, frame)
    token, function, body = frame[2], frame[4], frame[5:-1]
    kind = (token, function)
    if _BODY_LENGTHS.get(kind) != len(body):
        raise FrameError(f"no published kind: {token:02x} {function:02x}, {len(body)} bytes")
    if kind == _VALUES:
        return _values(body)
    if kind == _WAVE:
        return no_measurement({"wave": body.hex()})
    if kind == _WORKING:
        return no_measurement({"mode": body[0], "step": body[1]})
    return no_measurement({"battery_of_3": body[0]})


def _values(body: bytes) -> Decoded:
    spo2, pulse, perfusion = body[0], int.from_bytes(body[1:3], "little"), body[3]
    status, battery = body[4], body[5] >> 6
    return reading(
        measured(spo2),
        measured(pulse),
        perfusion / 10,
        withheld=NoValue.FINGER_OFF if status & _PROBE_OFF else None,
        doubts=[Quality.EARLY_ESTIMATE] if status & _SEARCHING else [],
        said={"status": status, "battery_of_3": battery},
    )


FAMILY: Final = Family(
    key="pc60fw",
    label="PC-60FW",
    evidence=Evidence.PUBLISHED,
    marks=Marks(services=frozenset({SERVICE}), names=("PC-60F",), names_needed=True),
    profile=Profile(
        subscribe=(FRAMES,),
        decoders={FRAMES: decode},
        silence_s=10,
        framing=FRAMING,
        live=frozenset({FRAMES}),
    ),
)
