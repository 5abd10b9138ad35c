"""Refusals: each with its HTTP status and a message that is safe to show."""

from uuid import UUID


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
