"""What a home asks of whoever advises its people: the plan held at home, or nobody."""

from collections.abc import Callable
from datetime import datetime
from typing import Protocol

from device_gateway.spool.spool import Spool
from ward_service.contract.messages import Reading
from ward_service.domain.limits import Limits
from ward_service.domain.pathway import Guide

Rules = tuple[Guide, Limits]


class Advising(Protocol):
    """Advises by the plans of a home. Knows no radio and needs no network."""

    def advised(self, reading: Reading, slot: int, now: datetime) -> Reading:
        """Return the reading with the advice that its person was given, told at once.

        Without a plan, or where it is of too long ago to advise by, it comes back as it is. The
        same reading may come again with more in it: a measurement that went on.
        """
        ...

    def rules(self, slot: int) -> Rules | None:
        """Return by what a person is judged; None while the home has no plan for the slot."""
        ...


Advises = Callable[[Spool], Advising]  # makes a home's adviser, over what its spool remembers
