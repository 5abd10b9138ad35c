"""How long a text message may be, and as how many it is paid for."""

from math import ceil
from typing import Final

LONGEST: Final = 918  # characters that GOV.UK Notify takes: six times 153
# What counts as one character of 160; the second row as two.
# Source: 3GPP TS 23.038, 6.2.1 [GSM-23038].
_GSM: Final = frozenset(
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?¡"
    "ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà"
)
_GSM_TWICE: Final = frozenset("^{}\\[~]|€")


def parts_of(text: str) -> int:
    """Return as how many text messages a text is paid for.

    Source: GOV.UK Notify, text message pricing [GOVUK-NOTIFY]: 160 characters, or 153 for each of
    several; 70 or 67 where a character is outside the GSM alphabet.
    """
    if set(text) <= _GSM | _GSM_TWICE:
        length, one, many = len(text) + sum(c in _GSM_TWICE for c in text), 160, 153
    else:
        length, one, many = len(text), 70, 67
    return 1 if length <= one else ceil(length / many)
