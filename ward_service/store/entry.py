"""What staff typed, and what it is compared with, in SQL."""

from collections.abc import Collection, Sequence
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import and_, or_, select

from ward_service.store.intake import PartStore
from ward_service.store.tables.readings import ReadingRow
from ward_service.store.tables.stays import EpisodeRow, PatientRow

_NO_GATEWAY = ""  # of what was typed at the ward
_MINUTE = timedelta(minutes=1)


class TypedStore(PartStore):
    """What entering a reading, a diary, or printing one asks of the store."""

    def typed_readings(self, keys: Sequence[str]) -> dict[str, UUID]:
        """Return which readings that staff typed are kept already: key -> reading."""
        row = ReadingRow
        query = select(row.source_key, row.reading_id).where(
            row.gateway_id == _NO_GATEWAY, row.source_key.in_(keys)
        )
        return {key: id_ for key, id_ in self._session.execute(query) if key is not None}

    def typed(self, ids: Collection[UUID]) -> dict[UUID, ReadingRow]:
        """Return readings that staff typed, by id."""
        row = ReadingRow
        query = select(row).where(row.gateway_id == _NO_GATEWAY, row.reading_id.in_(ids))
        return {found.reading_id: found for found in self._session.scalars(query)}

    def readings_of_minutes(
        self, episode_id: UUID, moments: Collection[datetime]
    ) -> list[ReadingRow]:
        """Return what was measured in the same minutes as these moments."""
        row = ReadingRow
        minutes = {moment.replace(second=0, microsecond=0) for moment in moments}
        inside = [and_(row.measured_at >= m, row.measured_at < m + _MINUTE) for m in minutes]
        query = select(row).where(row.episode_id == episode_id, or_(*inside))
        return list(self._session.scalars(query)) if inside else []

    def readings_before(
        self, episode_id: UUID, received_no: int | None, since: datetime
    ) -> list[ReadingRow]:
        """Return what was judged since a moment and received before a reading (None: all of it)."""
        row = ReadingRow
        query = select(row).where(row.episode_id == episode_id, row.judged_at >= since)
        if received_no is not None:
            query = query.where(row.received_no < received_no)
        return list(self._session.scalars(query.order_by(row.received_no)))

    def patient_of(self, episode_id: UUID) -> PatientRow | None:
        """Return whose stay this is."""
        query = select(PatientRow).join(EpisodeRow, EpisodeRow.patient_id == PatientRow.id)
        return self._session.scalars(query.where(EpisodeRow.id == episode_id)).first()
