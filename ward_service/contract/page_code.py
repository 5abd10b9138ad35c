"""The code of a door to the patient's page: how it looks, how it is read, and its slow hash.

The ward makes a code and its hash; the page at home takes the hash again of what is typed. Both do
it here. The first four characters find the door and are no secret; the other six, 30 bits, are, and
so is the year of birth that goes with them.
Source: docs/reference/brokers-and-databases.md#controls, C8.
"""

import hashlib
from base64 import b64decode
from collections.abc import Mapping
from typing import Final

ALPHABET: Final = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"  # Crockford: no letter looks like a digit
MISREAD: Final = str.maketrans("OIL", "011")
DOOR_LENGTH: Final = 4
SECRET_LENGTH: Final = 6
CODE_LENGTH: Final = DOOR_LENGTH + SECRET_LENGTH
CHARACTER_BITS: Final = 5
SALT_BYTES: Final = 16
SCRYPT: Final = "scrypt"
# What a new door costs: 32 MB, and on a core of a Raspberry Pi 4 about half a second (reckoned from
# 75 ms on a server's core). More would make a person wait who has typed everything right; the
# guesses over the page are counted, so the cost is only against whoever steals a box.
PARAMETERS: Final[Mapping[str, int]] = {"n": 2**15, "r": 8, "p": 1}
# What a page computes at most, whatever a plan says: 128 * n * r bytes, p times.
MOST: Final[Mapping[str, int]] = {"n": 2**17, "r": 16, "p": 4}


def cleaned(code: str) -> str:
    """Return a code as it was meant: no spaces or hyphens, capitals, O for 0 and I or L for 1."""
    return "".join(code.split()).replace("-", "").upper().translate(MISREAD)


def grouped(code: str) -> str:
    """Return a code as it is printed and read out: `K7QM-4XW-9TR`."""
    middle = DOOR_LENGTH + SECRET_LENGTH // 2
    return "-".join((code[:DOOR_LENGTH], code[DOOR_LENGTH:middle], code[middle:]))


def characters(bits: int, length: int) -> str:
    """Return the last bits of a number as so many characters, five to each."""
    shifts = range(CHARACTER_BITS * (length - 1), -1, -CHARACTER_BITS)
    return "".join(ALPHABET[(bits >> shift) & 31] for shift in shifts)


def slow_hash(
    code: str, year: int, *, algorithm: str, parameters: Mapping[str, int], salt: str
) -> bytes:
    """Return the hash of a code and a year of birth (scrypt, RFC 7914). `salt` is base64.

    Raises:
        KeyError: a parameter is missing.
        ValueError: the algorithm is not known here, or its parameters are absurd.
    """
    if algorithm != SCRYPT:
        raise ValueError(f"no such algorithm: {algorithm}")
    n, r, p = (parameters[name] for name in MOST)
    if any(parameters[name] > most for name, most in MOST.items()):
        raise ValueError("this door would cost too much")
    secret = f"{cleaned(code)}|{year:04d}".encode()
    return hashlib.scrypt(secret, salt=b64decode(salt), n=n, r=r, p=p, maxmem=256 * n * r, dklen=32)
