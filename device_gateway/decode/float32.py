"""FLOAT, the 32-bit number of medical devices: seven decimal digits and a wide exponent.

Source: IEEE 11073-20601 [IEEE-11073-20601]; Bluetooth SIG, Personal Health Devices Transcoding
[BT-PHDT]. A word is a signed 8-bit exponent of ten above a signed 24-bit mantissa. Five words are
not numbers, the same five meanings as those of the 16-bit SFLOAT; they are told by the whole word,
before it is split.
"""

from typing import Final

from device_gateway.decode.sfloat import Sfloat, Special, scaled

_SPECIAL: Final = {
    0x007FFFFE: Special.POSITIVE_INFINITY,
    0x007FFFFF: Special.NOT_A_NUMBER,
    0x00800000: Special.NOT_AT_THIS_RESOLUTION,
    0x00800001: Special.RESERVED,
    0x00800002: Special.NEGATIVE_INFINITY,
}


def read(word: int) -> Sfloat:
    """Return the number of a word, or the special value that it is. Every other word is finite.

    The float is the one nearest to the decimal number, so 36.6 is `36.6` and not its neighbour.
    """
    special = _SPECIAL.get(word)
    if special is not None:
        return special
    mantissa, exponent = word & 0xFFFFFF, word >> 24
    mantissa -= 0x1000000 * (mantissa >= 0x800000)
    exponent -= 0x100 * (exponent >= 0x80)
    return scaled(mantissa, exponent)
