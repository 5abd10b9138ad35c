"""What people did, once for each key, in SQL."""

from typing import Any, Final

from pydantic import TypeAdapter

from ward_service.domain import inputs
from ward_service.domain.inputs import Act
from ward_service.store.repository import Repository
from ward_service.store.tables.stays import ActRow

# The name under which each kind of act is stored, for ever, beside the class that it is today.
KINDS: Final[dict[str, type[Any]]] = {
    "Acknowledged": inputs.Acknowledged,
    "ContactMade": inputs.ContactMade,
    "Resolved": inputs.Resolved,
    "LimitsChanged": inputs.LimitsChanged,
    "ZoneChanged": inputs.ZoneChanged,
    "Paused": inputs.Paused,
    "Unpaused": inputs.Unpaused,
    "Ended": inputs.Ended,
}
_KIND_OF: Final = {class_: kind for kind, class_ in KINDS.items()}
_ADAPTERS: Final = {kind: TypeAdapter(class_) for kind, class_ in KINDS.items()}


def action_of(row: ActRow) -> Act:
    """Return an act as the rules took it."""
    action: Act = _ADAPTERS[row.kind].validate_python(row.deed)
    return action


class ActRepository(Repository):
    """What people did, once for each key."""

    def get(self, key: str, username: str) -> ActRow | None:
        """Return an act of this person that the rules have taken in already."""
        return self._session.get(ActRow, (key, username))

    def add(self, row: ActRow, action: Act) -> None:
        """Write an act as the rules took it, so that they do not take it twice."""
        row.kind = _KIND_OF[type(action)]
        row.deed = _ADAPTERS[row.kind].dump_python(action, mode="json")
        self._session.add(row)
