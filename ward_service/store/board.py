"""What screens ask, in SQL."""

from collections.abc import Iterable
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from sqlalchemy import exists, func, or_, select

from ward_service.contract.vocabulary import AlertState
from ward_service.store.repository import Repository
from ward_service.store.tables.alerts import AlertRow
from ward_service.store.tables.readings import ReadingRow
from ward_service.store.tables.stays import EpisodeRow, PatientRow


class SpO2Point(NamedTuple):
    """One SpO2 on a chart."""

    episode_id: UUID
    judged_at: datetime
    spo2: float
    doubtful: bool


class BoardRepository(Repository):
    """What the ward list shows."""

    def version(self) -> int:
        """Return a number that rises with every change of any stay."""
        query = select(func.coalesce(func.sum(EpisodeRow.version), 0), func.count(EpisodeRow.id))
        versions, stays = self._session.execute(query).one()
        return int(versions) + int(stays)

    def staying(self) -> list[tuple[EpisodeRow, PatientRow]]:
        """Return everybody on the ward, and whoever left it with an alert still in play."""
        ended = (AlertState.RESOLVED, AlertState.WITHDRAWN)
        in_play = exists().where(AlertRow.episode_id == EpisodeRow.id, AlertRow.state.not_in(ended))
        query = (
            select(EpisodeRow, PatientRow)
            .join(PatientRow, PatientRow.id == EpisodeRow.patient_id)
            .where(or_(EpisodeRow.ended_at.is_(None), in_play))
        )
        return [(episode, patient) for episode, patient in self._session.execute(query)]

    def latest_readings(self, episode_ids: Iterable[UUID]) -> dict[UUID, ReadingRow]:
        """Return the latest measured reading of each stay that holds an SpO2 or a pulse.

        Of readings measured at the same moment, the one received last.
        """
        row = ReadingRow
        place = func.row_number().over(
            partition_by=row.episode_id, order_by=(row.judged_at.desc(), row.received_no.desc())
        )
        ranked = (
            select(row.received_no, place.label("place"))
            .where(row.episode_id.in_(set(episode_ids)))
            .where(row.spo2.is_not(None) | row.pulse_rate.is_not(None))
            .subquery()
        )
        query = (
            select(row)
            .join(ranked, ranked.c.received_no == row.received_no)
            .where(ranked.c.place == 1)
        )
        return {found.episode_id: found for found in self._session.scalars(query)}

    def spo2_points(self, episode_ids: Iterable[UUID], since: datetime) -> list[SpO2Point]:
        """Return every SpO2 of these stays since a moment, by stay and in time order."""
        row = ReadingRow
        query = (
            select(row.episode_id, row.judged_at, row.spo2, row.doubtful)
            .where(row.episode_id.in_(set(episode_ids)))
            .where(row.spo2.is_not(None), row.judged_at >= since)
            .order_by(row.episode_id, row.judged_at)
        )
        found = self._session.execute(query)
        return [SpO2Point(id_, at, spo2 or 0.0, doubted) for id_, at, spo2, doubted in found]
