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


class OutdatedError(ConflictError):
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


class NoteRequiredError(WardError):
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


class TooManyTriesError(WardError):
    """The account is locked for a while."""

    status = 429


class CodeRefusedError(WardError):
    """A code that does not work here. Never why: whoever guesses learns nothing from it."""

    status = 403

    def __init__(self) -> None:
        super().__init__(
            "This code does not work: mistyped, used, expired, or of another ward. Nothing was "
            "changed. Look at it again, or ask the ward for a new one."
        )


class RenewalRefusedError(WardError):
    """A request that no key which counts has signed, or that has been carried out."""

    status = 403

    def __init__(self) -> None:
        super().__init__(
            "This gateway cannot renew its key here: it is not known with the key that it has, or "
            "was revoked. Nothing was changed. Ask the ward for a code, and enrol again."
        )


class NoAccountsError(WardError):
    """This ward is not set up to let a home reach its broker."""

    status = 503


class BrokerAccountsError(WardError):
    """The broker did not do as it was told, or did not answer. Trying again is safe."""

    status = 503


class TooManyWrongCodesError(WardError):
    """Nothing is looked at until some wrong codes have leaked away."""

    status = 429


class NotifyError(Exception):
    """A message did not go out. The text is safe to show: no address, nothing that was sent.

    `permanent`: the same attempt would fail again, so the next way is tried at once.
    """

    def __init__(self, said: str, *, permanent: bool) -> None:
        super().__init__(said)
        self.permanent = permanent


class MessageLostError(NotifyError):
    """A message that was taken did not arrive, and will not: the next way is tried."""

    def __init__(self, said: str) -> None:
        super().__init__(said, permanent=True)
