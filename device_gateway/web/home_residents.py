"""The people of the homes that this process carries: of one box, or of a whole ward."""

import time
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Final
from uuid import UUID

from device_gateway.home import Home
from device_gateway.spool.records import Kept
from device_gateway.web.resident import Resident
from device_gateway.web.sign_in import Place
from ward_service.contract.messages import Reading
from ward_service.contract.plan import Door
from ward_service.domain.plan import rules_of

_DOORS_FOR_S: Final = 2.0  # how long it takes at most until a door that the ward shut is shut


class OfHomes:
    """Implements `resident.Residents` over open homes."""

    def __init__(self, homes: Sequence[Home]) -> None:
        self._homes = {home.place.gateway: home for home in homes}
        self._doors: Mapping[str, tuple[Door, Place]] = {}
        self._look_after = 0.0

    def doors(self) -> Mapping[str, tuple[Door, Place]]:
        """Return every door that is open, by its id."""
        if time.monotonic() >= self._look_after:
            self._doors = {
                door.id: (door, Place(gateway, slot))
                for gateway, home in self._homes.items()
                for slot, plan in home.adviser.plans().items()
                if not plan.ended
                for door in plan.doors
            }
            self._look_after = time.monotonic() + _DOORS_FOR_S
        return self._doors

    def at(self, place: Place) -> Resident | None:
        """Return who is cared for at a place."""
        home = self._homes.get(place.gateway)
        plan = home.adviser.plan(place.slot) if home else None
        if plan is None or plan.care is None:
            return None
        pathway, limits = rules_of(plan)
        return Resident(place, plan.care, pathway, limits)

    def send(self, reading: Reading, place: Place, now: datetime) -> Reading:
        """Judge a reading by the plan and keep it, once.

        Raises:
            NotKeptError: it is not kept, and whoever typed it was advised all the same.
        """
        return self._homes[place.gateway].typed(reading, place.slot, now)

    def kept(self, place: Place, since: datetime) -> list[Kept]:
        """Return the readings of a place measured since then, in order."""
        return self._homes[place.gateway].spool.kept(place.slot, since)

    def kept_one(self, place: Place, id_: UUID) -> Kept | None:
        """Return a reading of a place by its id; None if it is not kept."""
        return self._homes[place.gateway].spool.kept_one(place.slot, id_)
