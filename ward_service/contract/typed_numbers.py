"""Numbers as people type them, into numbers or into a reason in words. Never a guess.

For every door at which a person types: the page, the telephone, the paper diary. What can be read
but is unlikely is asked about (`question_about`), and what cannot be is explained.
"""

import re
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from ward_service.contract.vocabulary import ACVPU, Vital

LONGEST: Final = 30  # characters: a number with its unit is never longer

# How a vital is called and said aloud to whoever measured it: `SPOKEN[vital].format("91")`.
SPOKEN: Final[dict[Vital, str]] = {
    Vital.SPO2: "oxygen {} per cent",
    Vital.PULSE_RATE: "pulse {}",
    Vital.TEMPERATURE: "temperature {}",
    Vital.RESPIRATORY_RATE: "{} breaths a minute",
    Vital.SYSTOLIC_BP: "blood pressure, the upper number, {}",
    Vital.DIASTOLIC_BP: "blood pressure, the lower number, {}",
    Vital.CONSCIOUSNESS: "consciousness: {}",
    Vital.SUPPLEMENTAL_OXYGEN: "oxygen given, {} litres a minute",
    Vital.PERFUSION_INDEX: "perfusion index {}",
    Vital.WEIGHT: "weight {} kilograms",
}
CALLED: Final[dict[Vital, str]] = {
    Vital.SPO2: "Oxygen",
    Vital.PULSE_RATE: "Pulse",
    Vital.TEMPERATURE: "Temperature",
    Vital.RESPIRATORY_RATE: "Breaths in a minute",
    Vital.SYSTOLIC_BP: "Blood pressure, upper number",
    Vital.DIASTOLIC_BP: "Blood pressure, lower number",
    Vital.CONSCIOUSNESS: "Consciousness",
    Vital.SUPPLEMENTAL_OXYGEN: "Oxygen given, litres a minute",
    Vital.PERFUSION_INDEX: "Perfusion index",
    Vital.WEIGHT: "Weight, kilograms",
}
AWAKE: Final = ("alert", "newly confused", "answers to voice", "answers to pain", "unresponsive")

_PER_CENT: Final = r"%|per ?cent"
_A_MINUTE: Final = r"bpm|(beats|breaths)?( ?/ ?| per | a )min(ute)?|beats|breaths"
_UNITS: Final[dict[Vital, str]] = {
    Vital.SPO2: _PER_CENT,
    Vital.PULSE_RATE: _A_MINUTE,
    Vital.TEMPERATURE: r"(°|º|degrees?)? ?(c|celsius|centigrade)|°|º|degrees?",
    Vital.RESPIRATORY_RATE: _A_MINUTE,
    Vital.SYSTOLIC_BP: r"mm ?\[?hg\]?",
    Vital.DIASTOLIC_BP: r"mm ?\[?hg\]?",
    Vital.SUPPLEMENTAL_OXYGEN: r"(l|litres?|liters?)(( ?/ ?| per | a )min(ute)?)?|lpm",
    Vital.PERFUSION_INDEX: _PER_CENT,
    Vital.WEIGHT: r"kg|kilos?|kilograms?",
}
_LABEL: Final = re.compile(
    r"(spo2|o2|oxygen|sats?|pulse|heart rate|hr|pr|bp|temp(erature)?|weight)( is)? ?[:=]? ?"
)
_NUMBER: Final = re.compile(r"\d+(\.\d{1,2})?")
_TWO: Final = re.compile(r"\d\D+\d+\D*$")
_FAHRENHEIT: Final = re.compile(r"(\d+(?:\.\d+)?) ?(?:°|º|degrees?)? ?(?:f|fahrenheit)")


@dataclass(frozen=True, slots=True)
class Typed:
    """What was read: a number, or why there is none. Both empty: nothing was typed."""

    value: float | None = None
    problem: str = ""


def read_number(text: str, vital: Vital) -> Typed:
    """Read what somebody typed for a vital, in any digits, with a point or a comma.

    Only the form is judged here, and what can be no value of this unit at all.
    """
    plain = _plain(text)
    if not plain:
        return Typed()
    if vital is Vital.CONSCIOUSNESS:
        return _consciousness(plain)
    name = CALLED[vital]
    if vital is Vital.TEMPERATURE and (found := _FAHRENHEIT.fullmatch(plain)):
        celsius = (float(found[1]) - 32) * 5 / 9
        return Typed(None, f"{name}: that is in Fahrenheit. In Celsius it would be {celsius:.1f}.")
    plain = _LABEL.sub("", plain, count=1) if _LABEL.match(plain) else plain
    plain = re.sub(rf" ?({_UNITS[vital]})$", "", plain)
    if _NUMBER.fullmatch(plain) and len(plain) <= LONGEST:
        return _possible(float(plain), vital)
    if plain.startswith("-") and _NUMBER.fullmatch(plain[1:].strip()):
        return Typed(None, f"{name}: a number below nothing cannot be. Type it without the minus.")
    if plain[:1] in "<>~" or plain.startswith(("about ", "over ", "under ")):
        return Typed(None, f"{name}: type the one number that the device showed, without signs.")
    if re.fullmatch(r"\d+\.\d{3,}", plain):
        return Typed(None, f"{name}: type at most two digits after the point.")
    if _TWO.search(plain):
        return Typed(None, f"{name}: these are two numbers. Type one number in each box.")
    return Typed(None, f"{name}: type it in digits, or leave the box empty if it was not measured.")


def question_about(vital: Vital, value: float, believable: tuple[float, float]) -> str:
    """Return what to ask about a number that is hardly ever right, or "" for one that may be.

    `believable` is the pathway's own range, both edges in it. What is then said to be right is
    kept as it was said: a low number is never set aside.
    """
    low, high = believable
    if low <= value <= high:
        return ""
    asked = f"{CALLED[vital]} {value:g}: is that what the device showed?"
    meant = [v for v in (value / 10, value * 10) if low <= v <= high]
    if meant and vital is not Vital.CONSCIOUSNESS:
        return f"{asked} Or was it {meant[0]:g}?"
    return f"{asked} It is nearly always between {low:g} and {high:g}."


def say(vital: Vital, value: float) -> str:
    """Return a value as one says it to the person who measured it: `oxygen 91 per cent`."""
    if vital is Vital.CONSCIOUSNESS:
        known = value in range(len(AWAKE))
        return SPOKEN[vital].format(AWAKE[int(value)] if known else f"{value:g}")
    return SPOKEN[vital].format(f"{value:g}")


def read_back(values: Mapping[Vital, float]) -> str:
    """Return the sentence that is read back before anything is kept, in the order of the form."""
    said = ", ".join(say(vital, values[vital]) for vital in Vital if vital in values)
    return f"{said[0].upper()}{said[1:]}." if said else "No number was measured."


def _plain(text: str) -> str:
    """Return what was typed in western digits, a point, single spaces and small letters."""
    out = []
    for character in unicodedata.normalize("NFKC", text):
        digit = unicodedata.digit(character, None)
        category = unicodedata.category(character)
        if digit is not None:
            out.append(str(digit))
        elif character in ",\N{ARABIC DECIMAL SEPARATOR}\N{ARABIC COMMA}\N{IDEOGRAPHIC COMMA}":
            out.append(".")
        elif character == "\N{ARABIC PERCENT SIGN}":
            out.append("%")
        elif character in "\N{MINUS SIGN}\N{EN DASH}\N{EM DASH}":
            out.append("-")
        elif category == "Cf":
            continue  # marks of direction, which nobody sees
        else:
            out.append(" " if category.startswith(("Z", "C")) else character)
    return " ".join("".join(out).lower().split())


def _possible(value: float, vital: Vital) -> Typed:
    if vital in (Vital.SPO2, Vital.PERFUSION_INDEX) and value > 100:
        words = f"{CALLED[vital]} is a per cent: it cannot be {value:g}."
        if vital is Vital.SPO2:
            words += " Is it the pulse? Look again which of the two numbers is which."
        return Typed(None, words)
    return Typed(value)


def _consciousness(plain: str) -> Typed:
    if len(plain) == 1 and plain in ACVPU.lower():
        return Typed(float(ACVPU.lower().index(plain)))
    if plain in AWAKE:
        return Typed(float(AWAKE.index(plain)))
    return Typed(None, f"Consciousness: type one letter of {', '.join(ACVPU)}.")
