"""Who may sign in, in SQL."""

from sqlalchemy import delete

from ward_service.store.repository import Repository
from ward_service.store.tables.runtime import AccountRow, SessionRow


class AccountRepository(Repository):
    """Who may sign in."""

    def get(self, username: str) -> AccountRow | None:
        """Return an account, or None."""
        return self._session.get(AccountRow, username)

    def session(self, token_sha256: str) -> SessionRow | None:
        """Return a session by the hash of its token, or None."""
        return self._session.get(SessionRow, token_sha256)

    def end_session(self, token_sha256: str) -> None:
        """Forget a session: whoever holds its token is signed out everywhere."""
        self._session.execute(delete(SessionRow).where(SessionRow.token_sha256 == token_sha256))

    def end_sessions_of(self, username: str) -> None:
        """Forget all sessions of a clinician."""
        self._session.execute(delete(SessionRow).where(SessionRow.username == username))
