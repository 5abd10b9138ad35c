"""What is to do for a stay, in SQL."""

from collections.abc import Iterable
from datetime import datetime
from uuid import UUID

from sqlalchemy import select

from ward_service.contract.vocabulary import TaskKind
from ward_service.domain.state import TaskOpened
from ward_service.store.repository import Repository
from ward_service.store.tables.alerts import LedgerRow
from ward_service.store.tables.stays import (
    EpisodeRow,
    TaskRow,
)


class TaskRepository(Repository):
    """What is to do for a stay."""

    def open(self) -> list[TaskRow]:
        """Return what is to do, longest due first, for those who are on the ward."""
        query = (
            select(TaskRow)
            .join(EpisodeRow, EpisodeRow.id == TaskRow.episode_id)
            .where(TaskRow.done_at.is_(None), EpisodeRow.ended_at.is_(None))
            .order_by(TaskRow.due_at)
        )
        return list(self._session.scalars(query))

    def get(self, episode_id: UUID, kind: TaskKind, number: int) -> TaskRow | None:
        """Return one task, or None."""
        return self._session.get(TaskRow, (episode_id, kind, number))

    def finish(self, row: TaskRow, by: str, note: str, at: datetime) -> None:
        """Note that a task is done, in the ledger of the stay too."""
        row.done_at, row.done_by, row.note = at, by, note or None
        words = f"{row.words}: {note}" if note else row.words
        entry = LedgerRow(
            episode_id=row.episode_id, at=at, noticed_at=at, by=by, what="task done", words=words
        )
        self._session.add(entry)

    def add(self, episode_id: UUID, tasks: Iterable[TaskOpened]) -> None:
        """Write what has fallen to somebody to do."""
        for task in tasks:
            self._session.add(
                TaskRow(
                    episode_id=episode_id,
                    kind=task.kind,
                    number=task.number,
                    due_at=task.due_at,
                    words=task.words,
                )
            )
