"""Doors to the patient's page, and which readings a clinician has seen, in SQL."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import select, update

from ward_service.store.repository import Repository
from ward_service.store.tables.homes import DoorRow


class CodeRepository(Repository):
    """The codes that let people in at the patient's page."""

    def of_stay(self, episode_id: UUID) -> list[DoorRow]:
        """Return every door of a stay, the newest first; shut ones too."""
        query = select(DoorRow).where(DoorRow.episode_id == episode_id)
        return list(self._session.scalars(query.order_by(DoorRow.id.desc())))

    def open_of_stay(self, episode_id: UUID) -> list[DoorRow]:
        """Return the doors of a stay that are open, oldest first."""
        mine = (DoorRow.episode_id == episode_id) & DoorRow.revoked_at.is_(None)
        return list(self._session.scalars(select(DoorRow).where(mine).order_by(DoorRow.id)))

    def is_open(self, door: str) -> bool:
        """Say whether there is an open door of this name in the whole ward."""
        query = select(DoorRow.id).where(DoorRow.door == door, DoorRow.revoked_at.is_(None))
        return self._session.scalar(query) is not None

    def made_with(self, key: str, by: str) -> DoorRow | None:
        """Return the door that a request with this key of this person made."""
        query = select(DoorRow).where(DoorRow.key == key, DoorRow.made_by == by)
        return self._session.scalar(query)

    def shut_of_stay(self, episode_id: UUID, at: datetime, by: str) -> None:
        """Shut every door of a stay."""
        mine = (DoorRow.episode_id == episode_id) & DoorRow.revoked_at.is_(None)
        self._session.execute(update(DoorRow).where(mine).values(revoked_at=at, revoked_by=by))
