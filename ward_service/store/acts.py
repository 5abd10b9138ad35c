"""What people did, once for each key, in SQL."""

from typing import get_args

from pydantic import TypeAdapter

from ward_service.domain.inputs import Act
from ward_service.store.repository import Repository
from ward_service.store.tables.stays import (
    ActRow,
)

_DEEDS = {kind.__name__: TypeAdapter(kind) for kind in get_args(Act)}


def deed_of(row: ActRow) -> Act:
    """Return an act as the rules took it."""
    deed: Act = _DEEDS[row.kind].validate_python(row.deed)
    return deed


class ActRepository(Repository):
    """What people did, once for each key."""

    def get(self, key: str, username: str) -> ActRow | None:
        """Return an act of this person that the rules have taken in already."""
        return self._session.get(ActRow, (key, username))

    def add(self, row: ActRow, deed: Act) -> None:
        """Write an act as the rules took it, so that they do not take it twice."""
        row.kind = type(deed).__name__
        row.deed = _DEEDS[row.kind].dump_python(deed, mode="json")
        self._session.add(row)
