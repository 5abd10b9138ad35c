"""SFLOAT, the 16-bit number of medical devices: four decimal digits at most, and no drift.

Source: IEEE 11073-20601 [IEEE-11073-20601]; Bluetooth SIG, Personal Health Devices Transcoding
[BT-PHDT]. A word is a signed 4-bit exponent of ten above a signed 12-bit mantissa. Five words are
not numbers; they are told by the whole word, before it is split.
"""

from decimal import Decimal
from enum import Enum
from typing import Final

_MANTISSA_MIN, _MANTISSA_MAX = -2048, 2047
_EXPONENT_MIN, _EXPONENT_MAX = -8, 7


class Special(Enum):
    """The words that carry no number, as they stand on the wire. All five mean: no value."""

    POSITIVE_INFINITY = 0x07FE
    NOT_A_NUMBER = 0x07FF
    NOT_AT_THIS_RESOLUTION = 0x0800
    RESERVED = 0x0801
    NEGATIVE_INFINITY = 0x0802


Sfloat = float | Special

_SPECIAL: Final = {special.value: special for special in Special}


def read(word: int) -> Sfloat:
    """Return the number of a word, or the special value that it is.

    The float is the one nearest to the decimal number, so 97.4 is `97.4` and not its neighbour.
    """
    special = _SPECIAL.get(word)
    if special is not None:
        return special
    mantissa, exponent = word & 0xFFF, word >> 12
    mantissa -= 0x1000 * (mantissa >= 0x800)
    exponent -= 0x10 * (exponent >= 8)
    return scaled(mantissa, exponent)


def scaled(mantissa: int, exponent: int) -> float:
    """Return the float nearest to a mantissa times a power of ten."""
    power: int = 10 ** abs(exponent)
    # A product is exact, and one division of two whole numbers is rounded once.
    return float(mantissa * power) if exponent >= 0 else mantissa / power


def write(value: Decimal | float | Special) -> int:
    """Return the word that reads back as exactly this value.

    Raises:
        ValueError: no word does: too many digits (2047 is the largest mantissa), or out of reach.
    """
    if isinstance(value, Special):
        return value.value
    number = value if isinstance(value, Decimal) else Decimal(str(value))
    if not number.is_finite():
        raise ValueError("only a finite number has an SFLOAT; send a Special instead")
    sign, digits, exponent = number.normalize().as_tuple()
    assert isinstance(exponent, int)  # noqa: S101 - finite, so not the letter of a NaN
    if exponent > _EXPONENT_MAX + len(
        str(_MANTISSA_MAX)
    ):  # so far out of reach that it is not worth scaling
        raise ValueError("an SFLOAT cannot say this number exactly")
    mantissa = int("".join(map(str, digits))) * (-1 if sign else 1)
    for word_exponent in range(min(exponent, _EXPONENT_MAX), _EXPONENT_MIN - 1, -1):
        scaled: int = mantissa * 10 ** (exponent - word_exponent)
        if not _MANTISSA_MIN <= scaled <= _MANTISSA_MAX:
            break
        word = (word_exponent & 0xF) << 12 | scaled & 0xFFF
        if word not in _SPECIAL:
            return word
    raise ValueError("an SFLOAT cannot say this number exactly")
