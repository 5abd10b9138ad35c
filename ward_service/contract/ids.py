"""UUIDv7 (RFC 9562) from a given moment: ids that sort by when they were made.

Python 3.11 has none of its own. `derived_id` makes the same id from the same facts, so that live
and replay call one alert by one name.
"""

import hashlib
import secrets
from datetime import UTC, datetime
from uuid import UUID

_VERSION = 0x7 << 76
_VARIANT = 0b10 << 62
_RANDOM_BITS = (0xFFF << 64) | ((1 << 62) - 1)  # everything but the moment, version and variant


def new_id(now: datetime) -> UUID:
    """Return a fresh id made at `now` (aware; milliseconds are kept)."""
    return _uuid7(now, secrets.randbits(128))


def derived_id(moment: datetime, *facts: object) -> UUID:
    """Return the id that belongs to these facts: same moment, same facts, same id."""
    text = "\x1f".join(str(fact) for fact in facts)
    return _uuid7(moment, int.from_bytes(hashlib.sha256(text.encode()).digest()[:16], "big"))


def made_at(id_: UUID) -> datetime:
    """Return the moment that a UUIDv7 carries, to the millisecond."""
    return datetime.fromtimestamp((id_.int >> 80) / 1000, UTC)


def short_reference(id_: UUID) -> str:
    """Return how people call a thing over the phone: the last six digits of its id.

    It names nobody; among the alerts that wait at one time two will hardly share one.
    """
    return str(id_)[-6:].upper()


def _uuid7(moment: datetime, noise: int) -> UUID:
    if moment.tzinfo is None:
        raise ValueError("naive datetime")
    milliseconds = int(moment.timestamp() * 1000) & ((1 << 48) - 1)
    return UUID(int=(milliseconds << 80) | _VERSION | _VARIANT | (noise & _RANDOM_BITS))
