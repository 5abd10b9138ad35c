"""Which decoder reads which characteristic. A device family adds its file and one line here."""

from collections.abc import Mapping
from typing import Final

from device_gateway.decode import plx
from device_gateway.decode.frame import Decoded, Decoder, FrameError

DECODERS: Final[Mapping[int, Decoder]] = {
    plx.SPOT_CHECK: plx.decode_spot_check,
    plx.CONTINUOUS: plx.decode_continuous,
}


def decode(characteristic: int, frame: bytes) -> Decoded:
    """Return what a frame of this characteristic (16-bit UUID) says.

    Raises:
        FrameError: nobody here reads this characteristic, or the frame cannot be read.
    """
    decoder = DECODERS.get(characteristic)
    if decoder is None:
        known = ", ".join(f"{uuid:04X}" for uuid in sorted(DECODERS))
        raise FrameError(f"no decoder for characteristic {characteristic:04X}; known: {known}")
    return decoder(frame)
