"""What people type into a box, and what is made of it: a number, or a reason, and never a guess."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ward_service.contract.typed_numbers import (
    AWAKE,
    CALLED,
    SPOKEN,
    question_about,
    read_back,
    read_number,
    say,
)
from ward_service.contract.vocabulary import ACVPU, UNITS, Vital

SPO2, PULSE, TEMPERATURE = Vital.SPO2, Vital.PULSE_RATE, Vital.TEMPERATURE


@pytest.mark.parametrize(
    ("vital", "text", "value"),
    [
        (SPO2, "97", 97),
        (SPO2, " 97 % ", 97),
        (SPO2, "97%", 97),
        (SPO2, "97 per cent", 97),
        (SPO2, "97percent", 97),
        (SPO2, "SpO2: 97", 97),
        (SPO2, "sats 91%", 91),
        (SPO2, "oxygen is 91", 91),
        (SPO2, "٩٧", 97),  # Arabic-Indic
        (SPO2, "٩٧٪", 97),
        (SPO2, "\u200f\u06f9\u06f7\u200e", 97),  # Persian, between marks of direction
        (SPO2, "९७", 97),  # Devanagari
        (SPO2, "\uff19\uff17\uff05", 97),  # full width
        (SPO2, "97\u00a0%", 97),
        (SPO2, "92.5", 92.5),
        (SPO2, "092", 92),
        (SPO2, "100", 100),
        (SPO2, "0", 0),
        (PULSE, "104 bpm", 104),
        (PULSE, "72/min", 72),
        (PULSE, "72 beats per minute", 72),
        (PULSE, "HR=72", 72),
        (TEMPERATURE, "37,2", 37.2),
        (TEMPERATURE, "37.2", 37.2),
        (TEMPERATURE, "٣٧\u066b٢", 37.2),
        (TEMPERATURE, "37.2°C", 37.2),
        (TEMPERATURE, "37.2 ℃", 37.2),
        (TEMPERATURE, "37 degrees", 37),
        (TEMPERATURE, "Temp 38,5 c", 38.5),
        (Vital.RESPIRATORY_RATE, "18 breaths a minute", 18),
        (Vital.SYSTOLIC_BP, "128 mmHg", 128),
        (Vital.SUPPLEMENTAL_OXYGEN, "2 l/min", 2),
        (Vital.SUPPLEMENTAL_OXYGEN, "1,5 litres", 1.5),
        (Vital.WEIGHT, "72,4kg", 72.4),
        (Vital.CONSCIOUSNESS, "a", 0),
        (Vital.CONSCIOUSNESS, " U", 4),
        (Vital.CONSCIOUSNESS, "Newly confused", 1),
    ],
)
def test_a_number_is_read_as_people_type_it(vital: Vital, text: str, value: float) -> None:
    assert read_number(text, vital).value == value
    assert read_number(text, vital).problem == ""


@pytest.mark.parametrize(
    ("vital", "text", "said"),
    [
        (SPO2, "104", "it cannot be 104. Is it the pulse?"),
        (SPO2, "100.1", "it cannot be 100.1"),
        (SPO2, "97/72", "two numbers"),
        (SPO2, "97-98", "two numbers"),
        (SPO2, "97 72", "two numbers"),
        (SPO2, "97% 72", "two numbers"),
        (SPO2, "1.2.3", "two numbers"),
        (SPO2, "-97", "without the minus"),
        (SPO2, "<90", "without signs"),
        (SPO2, "about 95", "without signs"),
        (SPO2, "ninety seven", "in digits"),
        (SPO2, "97 mmHg", "in digits"),  # the unit of something else is no oxygen
        (SPO2, "9O", "in digits"),
        (SPO2, "-", "leave the box empty"),
        (SPO2, "1e2", "two numbers"),
        (SPO2, "nan", "in digits"),
        (SPO2, "inf", "in digits"),
        (SPO2, "9" * 400, "in digits"),
        (PULSE, "1,000", "two digits after the point"),
        (TEMPERATURE, "98.6 F", "In Celsius it would be 37.0"),
        (TEMPERATURE, "98,6°F", "In Celsius it would be 37.0"),
        (Vital.SYSTOLIC_BP, "128/76", "two numbers"),
        (Vital.CONSCIOUSNESS, "x", "one letter of A, C, V, P, U"),
        (Vital.CONSCIOUSNESS, "0", "one letter"),
    ],
)
def test_what_is_no_number_is_explained(vital: Vital, text: str, said: str) -> None:
    typed = read_number(text, vital)
    assert typed.value is None
    assert said in typed.problem


@pytest.mark.parametrize("text", ["", "  ", "\u00a0", "\u200f"])
def test_an_empty_box_was_not_measured(text: str) -> None:
    assert (read_number(text, SPO2).value, read_number(text, SPO2).problem) == (None, "")


@pytest.mark.parametrize(
    ("vital", "value", "believable", "asked"),
    [
        (SPO2, 50, (50, 100), ""),
        (SPO2, 49, (50, 100), "Oxygen 49: is that what the device showed? It is nearly always "),
        (SPO2, 9.7, (50, 100), "Oxygen 9.7: is that what the device showed? Or was it 97?"),
        (TEMPERATURE, 372, (30, 43), "Or was it 37.2?"),
        (TEMPERATURE, 43, (30, 43), ""),
        (TEMPERATURE, 98.6, (30, 43), "between 30 and 43"),
        (PULSE, 251, (25, 250), "Or was it 25.1?"),
    ],
)
def test_the_unlikely_is_asked_about(
    vital: Vital, value: float, believable: tuple[float, float], asked: str
) -> None:
    question = question_about(vital, value, believable)
    assert asked in question
    assert bool(question) is bool(asked)


def test_the_read_back_is_a_sentence_in_the_order_of_the_form() -> None:
    values = {TEMPERATURE: 37.2, SPO2: 91.0, PULSE: 104.0}
    assert read_back(values) == "Oxygen 91 per cent, pulse 104, temperature 37.2."
    assert read_back({}) == "No number was measured."
    assert say(Vital.CONSCIOUSNESS, 1) == "consciousness: newly confused"


def test_every_vital_has_its_words() -> None:
    assert set(SPOKEN) == set(CALLED) == set(UNITS) == set(Vital)
    assert len(AWAKE) == len(ACVPU)


@given(st.text(max_size=40), st.sampled_from(list(Vital)))
def test_anything_typed_is_read_or_explained(text: str, vital: Vital) -> None:
    typed = read_number(text, vital)
    assert typed.value is None or (typed.value >= 0 and not typed.problem)


@given(st.integers(0, 100), st.sampled_from("\u0660\u06f0\u0966\uff10"))
def test_digits_of_any_script_are_the_same_number(value: int, zero: str) -> None:
    written = "".join(chr(ord(zero) + int(digit)) for digit in str(value))
    assert read_number(written, SPO2).value == value
