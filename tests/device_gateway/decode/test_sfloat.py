import math
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from device_gateway.decode import sfloat
from device_gateway.decode.sfloat import Special

EVERY_WORD = range(0x10000)  # why sample what you can list?


def test_every_word_is_a_finite_number_or_one_of_five_specials() -> None:
    values = [sfloat.read(word) for word in EVERY_WORD]
    assert all(isinstance(value, Special) or math.isfinite(value) for value in values)
    assert sum(isinstance(value, Special) for value in values) == 5


def test_every_word_is_the_decimal_number_that_the_standard_says() -> None:
    for word in EVERY_WORD:
        value = sfloat.read(word)
        if isinstance(value, Special):
            continue
        mantissa = word % 4096 - (4096 if word % 4096 > 2047 else 0)
        exponent = word // 4096 - (16 if word // 4096 > 7 else 0)
        assert value == float(Decimal(mantissa).scaleb(exponent)), f"{word:04x}"


def test_every_word_survives_writing_and_reading() -> None:
    for word in EVERY_WORD:
        value = sfloat.read(word)
        assert sfloat.read(sfloat.write(value)) == value, f"{word:04x}"


@pytest.mark.parametrize(
    ("little_endian", "value"),
    [("6100", 97.0), ("caf3", 97.0), ("0be2", 5.23), ("ff1f", -10.0), ("0520", 500.0)],
)
def test_the_published_words(little_endian: str, value: float) -> None:
    assert sfloat.read(int.from_bytes(bytes.fromhex(little_endian), "little")) == value


@pytest.mark.parametrize(
    ("word", "special"),
    [
        (0x07FE, Special.POSITIVE_INFINITY),
        (0x07FF, Special.NOT_A_NUMBER),
        (0x0800, Special.NOT_AT_THIS_RESOLUTION),
        (0x0801, Special.RESERVED),
        (0x0802, Special.NEGATIVE_INFINITY),
    ],
)
def test_the_five_special_words(word: int, special: Special) -> None:
    assert sfloat.read(word) is special
    assert sfloat.write(special) == word


def test_97_4_is_974_tenths() -> None:
    word = sfloat.write(97.4)
    assert word == 0xF << 12 | 974
    assert sfloat.read(word) == 97.4


def test_a_special_mantissa_with_an_exponent_is_an_ordinary_number() -> None:
    assert sfloat.read(0xF7FF) == 204.7
    assert sfloat.write(204.7) == 0xF7FF


@pytest.mark.parametrize(
    "value", [2046, 2047, -2046, 20.48, 97.123, 1e12, 1e-9, Decimal("1e999999")]
)
def test_what_no_word_says_exactly_is_refused(value: float | Decimal) -> None:
    with pytest.raises(ValueError, match="exactly"):
        sfloat.write(value)


@pytest.mark.parametrize("value", [math.nan, math.inf, Decimal("NaN")])
def test_what_is_no_number_is_not_written_as_one(value: float | Decimal) -> None:
    with pytest.raises(ValueError, match="finite"):
        sfloat.write(value)


@given(st.decimals(allow_nan=False, allow_infinity=False))
def test_written_means_exactly_the_same_or_refused(value: Decimal) -> None:
    try:
        word = sfloat.write(value)
    except ValueError:
        return
    assert sfloat.read(word) == float(value)
