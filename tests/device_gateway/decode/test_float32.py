import math
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from device_gateway.decode import float32
from device_gateway.decode.sfloat import Special

SPECIALS = {
    0x007FFFFE: Special.POSITIVE_INFINITY,
    0x007FFFFF: Special.NOT_A_NUMBER,
    0x00800000: Special.NOT_AT_THIS_RESOLUTION,
    0x00800001: Special.RESERVED,
    0x00800002: Special.NEGATIVE_INFINITY,
}


@pytest.mark.parametrize(("word", "special"), SPECIALS.items())
def test_the_five_special_words(word: int, special: Special) -> None:
    assert float32.read(word) is special


@pytest.mark.parametrize("word", [0x007FFFFD, 0x00800003])
def test_the_neighbours_of_the_special_words_are_numbers(word: int) -> None:
    assert abs(float(Decimal(str(float32.read(word))))) == 8388605


@pytest.mark.parametrize("exponent", [0x01, 0x7F, 0x80, 0xFF])
@pytest.mark.parametrize("mantissa", [word & 0xFFFFFF for word in SPECIALS])
def test_a_special_mantissa_with_an_exponent_is_an_ordinary_number(
    mantissa: int, exponent: int
) -> None:
    assert isinstance(float32.read(exponent << 24 | mantissa), float)


@pytest.mark.parametrize(
    ("little_endian", "value"),
    [("680100ff", 36.0), ("da0300ff", 98.6), ("b00e00fe", 37.6), ("9cffff00", -100.0)],
)
def test_known_words(little_endian: str, value: float) -> None:
    assert float32.read(int.from_bytes(bytes.fromhex(little_endian), "little")) == value


@given(st.integers(0, 0xFFFFFFFF))
def test_every_word_is_special_or_the_decimal_number_that_the_standard_says(word: int) -> None:
    value = float32.read(word)
    if isinstance(value, Special):
        assert SPECIALS[word] is value
        return
    mantissa = word % 2**24 - (2**24 if word % 2**24 >= 2**23 else 0)
    exponent = word // 2**24 - (256 if word // 2**24 >= 128 else 0)
    assert math.isfinite(value)
    assert value == float(Decimal(mantissa).scaleb(exponent))


def test_the_corners_are_special_or_the_decimal_number() -> None:
    for exponent in range(256):
        for mantissa in (0, 1, 0x7FFFFF, 0x800000, 0xFFFFFF):
            value = float32.read(exponent << 24 | mantissa)
            if not isinstance(value, Special):
                signed = Decimal(mantissa - (mantissa >> 23 << 24))
                assert value == float(signed.scaleb(exponent - (exponent >> 7 << 8)))
