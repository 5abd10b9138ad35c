"""How many wrong codes may come: few from one place, more from everywhere, and both leak away.

Nobody can say which gateway's code a wrong one was meant for, so it is counted against where it
came from and against all of them. A code has 40 bits: at the most that leaks through from
everywhere, 14,400 a day, a day of guessing meets one of a hundred open codes once in 760,000 days.
The numbers are ours; five tries: docs/reference/brokers-and-databases.md#controls, C5. Moments are
real time.
"""

import hashlib
import hmac
import ipaddress
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from ward_service.errors import TooManyWrongCodesError
from ward_service.store.unit_of_work import Store


@dataclass(frozen=True, slots=True)
class Budget:
    """So many wrong codes at once, and one more each `leaks_every`."""

    at_once: int
    leaks_every: timedelta

    @property
    def lasts(self) -> timedelta:
        """How long a full bucket takes to empty."""
        return self.at_once * self.leaks_every


FROM_ONE: Final = Budget(5, timedelta(minutes=12))
FROM_ALL: Final = Budget(1_000, timedelta(seconds=6))
ALL: Final = "all"


def must_have_tries(
    store: Store, secret: bytes, source: str, wall: datetime, *, lock: bool
) -> None:
    """Refuse whoever has no try left. With `lock` others wait until this transaction ends.

    Without, nobody waits: a flood of codes must not hold up readings.

    Raises:
        TooManyWrongCodesError: from this place, or from everywhere.
    """
    for name, budget in _buckets(secret, source):
        row = store.gateways.lock_tries(name, wall) if lock else store.gateways.tries(name)
        empty_at = wall if row is None else row.empty_at
        full_until = empty_at - budget.lasts + budget.leaks_every
        if wall < full_until:
            minutes = int((full_until - wall).total_seconds() // 60) + 1
            where = "" if name == ALL else " from where you are"
            raise TooManyWrongCodesError(
                f"Too many wrong codes came{where}, so this one was not looked at. It is as good "
                f"as before. Try again in {minutes} min."
            )


def count_wrong(store: Store, secret: bytes, source: str, wall: datetime) -> None:
    """Count a wrong code; after `must_have_tries`, in its transaction."""
    store.gateways.forget_tries(wall, keep=ALL)  # others may be waiting for its lock
    for name, budget in _buckets(secret, source):
        row = store.gateways.lock_tries(name, wall)
        row.empty_at = max(row.empty_at, wall) + budget.leaks_every


def _buckets(secret: bytes, source: str) -> tuple[tuple[str, Budget], ...]:
    """Return the buckets in the order in which everybody locks them."""
    return (ALL, FROM_ALL), (_place(secret, source), FROM_ONE)


def _place(secret: bytes, source: str) -> str:
    """Return a keyed hash of where something came from: an address can lead to a person.

    Whoever has one IPv6 address has its whole /64.
    """
    try:
        address = ipaddress.ip_address(source)
        prefix = 64 if address.version == 6 else 32
        where = str(ipaddress.ip_network((address, prefix), strict=False))
    except ValueError:
        where = source
    return hmac.digest(secret, f"tries|{where}".encode(), hashlib.sha256).hex()
