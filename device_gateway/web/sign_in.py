"""Who may come in: a code on a letter, and the year of birth. The home knows only a slow hash.

The first four characters of a code find its door and are no secret; the other six, with the year,
are. A stolen box gives away neither: each guess costs a slow hash. Over the page a guesser has a
small budget for each door, and for each address that guesses come from (`book.Budget`).
"""

import hmac
from base64 import b64decode
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from device_gateway.web.visits import Book, Budget, Refused
from ward_service.contract.page_code import (
    CODE_LENGTH,
    DOOR_LENGTH,
    PARAMETERS,
    SCRYPT,
    cleaned,
    slow_hash,
)
from ward_service.contract.plan import Door

# A code that opens nothing costs as much time as one that nearly did.
_NOBODYS: Final = Door(
    id="0000",
    who="patient",
    algorithm=SCRYPT,
    parameters=dict(PARAMETERS),
    salt="AAAAAAAAAAAAAAAAAAAAAA==",
    hash="AAAA",
)


class NotLetInError(Exception):
    """Nobody is let in. `why` is the same for every wrong code and year."""

    def __init__(self, why: Refused) -> None:
        """Remember why."""
        super().__init__(why)
        self.why = why


@dataclass(frozen=True, slots=True)
class Place:
    """Where a door leads: a slot of a gateway."""

    gateway: str
    slot: int


def come_in(
    code: str,
    year: str,
    source: str,
    doors: Mapping[str, tuple[Door, Place]],
    book: Book,
    now: datetime,
    budget: Budget | None = None,
) -> tuple[Door, Place]:
    """Return the door that a code and a year of birth open, and where it leads.

    `source` is the address that the try comes from; `doors` are all there are, by their id.

    Raises:
        NotLetInError: they open none, or there were too many wrong tries.
    """
    meant = cleaned(code)
    id_ = meant[:DOOR_LENGTH]
    if refused := book.take_try(id_, source, now, budget or Budget()):
        raise NotLetInError(refused)
    door, place = doors.get(id_, (_NOBODYS, None))
    born = int(year) if year.isascii() and year.isdigit() and len(year) == 4 else 0
    try:
        right = hmac.compare_digest(_hash(meant, born, door), b64decode(door.hash))
    except (KeyError, ValueError):
        right = False
    if not right or place is None or len(meant) != CODE_LENGTH:
        raise NotLetInError(Refused.WRONG)
    book.forgive(id_, source)
    return door, place


def _hash(code: str, year: int, door: Door) -> bytes:
    return slow_hash(
        code, year, algorithm=door.algorithm, parameters=door.parameters, salt=door.salt
    )
