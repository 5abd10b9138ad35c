"""Who may sign in, in SQL."""

from datetime import datetime

from sqlalchemy import delete

from ward_service.store.intake import PartStore
from ward_service.store.tables.runtime import AccountRow, LockRow, SessionRow


class AccountsStore(PartStore):
    """What signing in asks of the store."""

    def account(self, username: str) -> AccountRow | None:
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

    def lock_holder(self) -> LockRow | None:
        """Return who holds the one lock of a SQLite ward, or held it last."""
        return self._session.get(LockRow, 1)

    def hold_lock(self, owner: str, wall_now: datetime) -> None:
        """Take or keep the one lock of a SQLite ward."""
        row = self.lock_holder()
        if row is None:
            self._session.add(LockRow(id=1, owner=owner, wall_at=wall_now))
        else:
            row.owner, row.wall_at = owner, wall_now
