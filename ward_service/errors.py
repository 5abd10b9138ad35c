"""Refusals: each with its HTTP status and a message that is safe to show."""

from collections.abc import Sequence
from uuid import UUID

from ward_service.contract.http.problem import RowWords


class WardError(Exception):
    """A refusal that we expect. The text says what happened, what was kept and what to do."""

    status = 400


class NotFoundError(WardError):
    """There is no such thing, or none that the asker may know of."""

    status = 404


class ConflictError(WardError):
    """The thing exists but cannot be moved that way now."""

    status = 409


class SeenOldError(ConflictError):
    """What was acted on has changed since it was seen; `alert_id` says what to look at again."""

    status = 412

    def __init__(self, message: str, alert_id: UUID) -> None:
        super().__init__(message)
        self.alert_id = alert_id


class NoNumberError(WardError):
    """What was typed is no number, or no answer; the text says of each why."""

    status = 422


class RowsRefusedError(WardError):
    """Rows of a paper diary are wrong, or to be asked about; nothing of it was kept."""

    status = 422

    def __init__(self, rows: Sequence[RowWords]) -> None:
        super().__init__("Nothing was kept yet. Look at the rows that are named.")
        self.rows = tuple(rows)


class NoteNeededError(WardError):
    """Something must be said before this can be done."""

    status = 422


class PathwayRefusedError(WardError):
    """A pathway file is not whole. `problems` are the reasons, each beginning with its field."""

    def __init__(self, name: str, problems: list[str]) -> None:
        reasons = " ".join(problems)
        super().__init__(f"{name} is not a whole pathway, so nothing of it runs. {reasons}")
        self.problems = tuple(problems)


class NotSignedInError(WardError):
    """Nobody is signed in, or the session has ended."""

    status = 401


class StorageDownError(Exception):
    """The database went away. Keep nothing, promise nothing, stop; the broker sends it again."""
