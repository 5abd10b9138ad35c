"""Whoever has a place in a home, as the page sees them: their plan, and what they sent. No name."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol
from uuid import UUID

from device_gateway.spool.records import Kept
from device_gateway.web.sign_in import Place
from ward_service.contract.messages import Reading
from ward_service.contract.plan import Care, Door
from ward_service.domain.limits import Limits
from ward_service.domain.pathway import Guide


@dataclass(frozen=True, slots=True)
class Resident:
    """Somebody who is cared for: their plan as the ward sent it, and as the rules take it."""

    place: Place
    care: Care
    pathway: Guide
    limits: Limits


class Residents(Protocol):
    """All places that this page serves: of one box at home, or of a whole ward."""

    def doors(self) -> Mapping[str, tuple[Door, Place]]:
        """Return every door that is open now, by its id."""

    def at(self, place: Place) -> Resident | None:
        """Return who is cared for at a place; None if nobody is."""

    def send(self, reading: Reading, place: Place, now: datetime) -> Reading:
        """Judge a reading by the plan and keep it, once. Durable on return, with what was told.

        Raises:
            NotKeptError: it is not kept; it holds what was told all the same.
        """

    def kept(self, place: Place, since: datetime) -> list[Kept]:
        """Return the readings of a place measured since then, in order."""

    def kept_one(self, place: Place, id_: UUID) -> Kept | None:
        """Return a reading of a place by its id; None if it is not kept."""
