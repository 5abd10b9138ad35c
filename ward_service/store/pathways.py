"""The versions of pathways, and who signed them, in SQL."""

from sqlalchemy import select

from ward_service.store.repository import Repository
from ward_service.store.tables.stays import (
    PathwayVersionRow,
    SignatureRow,
)


class PathwayRepository(Repository):
    """The versions of pathways, and who signed them."""

    def get(self, id_: str, version: int) -> PathwayVersionRow | None:
        """Return a pathway version as it was first loaded."""
        return self._session.get(PathwayVersionRow, (id_, version))

    def all(self) -> list[PathwayVersionRow]:
        """Return every pathway version that ever ran here."""
        return list(self._session.scalars(select(PathwayVersionRow)))

    def signatures(self) -> list[SignatureRow]:
        """Return every signature, oldest first."""
        return list(self._session.scalars(select(SignatureRow).order_by(SignatureRow.signed_at)))
