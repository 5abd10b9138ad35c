"""Bluetooth UUIDs as numbers: 0x2A5F is 0x2A5F, and the 128 bits of a vendor are one number too.

Source: Bluetooth Core Specification, Vol 3, Part B, 2.5.1 (the Bluetooth Base UUID) [BT-CORE].
"""

from typing import Final
from uuid import UUID

_BASE: Final = UUID("00000000-0000-1000-8000-00805f9b34fb").int
_SHORT_AT: Final = 96


def number(written: str) -> int:
    """Return the number of a UUID as it is written: `2A5F`, `0x2a5f`, or all 36 characters.

    Raises:
        ValueError: it is no UUID.
    """
    if len(written) < len("00000000-"):
        short = int(written.removeprefix("0x"), 16)
        if not 0 <= short < 1 << 32:
            raise ValueError("a short UUID has at most eight digits")
        return short
    whole = UUID(written).int
    short = whole >> _SHORT_AT
    return short if whole == short << _SHORT_AT | _BASE else whole


def text(uuid: int) -> str:
    """Return a UUID in full, as bleak and BlueZ write it."""
    return str(UUID(int=uuid if uuid >> 32 else uuid << _SHORT_AT | _BASE))


def said(uuid: int) -> str:
    """Return a UUID as people write it: four digits where the Bluetooth SIG gave it four."""
    return text(uuid) if uuid >> 16 else f"{uuid:04X}"
