"""How numbers are asked for and said on the page, by vital."""

from collections.abc import Mapping
from typing import Final

from device_gateway.web.translations import Language, to_say
from ward_service.contract.vocabulary import UNITS, Vital

# How a number is asked for: the words on the device, an example, and the unit beside the field.
ASKED: Final[Mapping[Vital, tuple[str, str, str]]] = {
    Vital.SPO2: (
        to_say("Oxygen"),
        to_say("The number beside SpO2 or %. For example, 97"),
        to_say("%"),
    ),
    Vital.PULSE_RATE: (
        to_say("Pulse"),
        to_say("The number beside PR, bpm or a heart. For example, 72"),
        to_say("beats a minute"),
    ),
    Vital.TEMPERATURE: (to_say("Temperature"), to_say("For example, 37.2"), to_say("°C")),
    Vital.RESPIRATORY_RATE: (
        to_say("Breaths in one minute"),
        to_say("For example, 16"),
        to_say("breaths"),
    ),
    Vital.SYSTOLIC_BP: (
        to_say("Upper blood pressure"),
        to_say("Beside SYS. For example, 125"),
        to_say("mmHg"),
    ),
    Vital.DIASTOLIC_BP: (
        to_say("Lower blood pressure"),
        to_say("Beside DIA. For example, 75"),
        to_say("mmHg"),
    ),
    Vital.SUPPLEMENTAL_OXYGEN: (
        to_say("Oxygen that you are given"),
        to_say("For example, 2"),
        to_say("litres a minute"),
    ),
    Vital.WEIGHT: (to_say("Weight"), to_say("For example, 74.5"), to_say("kg")),
}


def said(vital: Vital, value: float, language: Language) -> str:
    """Return a value with its name and unit, in a language: no number without them."""
    if vital not in ASKED:
        return UNITS[vital].say(value)
    called, _, unit = ASKED[vital]
    return f"{language.say(called)} {value:g} {language.say(unit)}"
