"""Passwords and sessions: hashes only.

Source: docs/reference/brokers-and-databases.md#controls, C7 (Argon2id, 19 MiB, t=2, p=1).

Moments here are real time (`Clock.wall`): a demo that runs fast must not sign people out fast.
"""

import hashlib
import secrets
from datetime import datetime, timedelta
from typing import Final

from argon2 import PasswordHasher
from argon2.exceptions import VerificationError

from ward_service.errors import NotSignedInError, TooManyTriesError, WardError
from ward_service.store.tables.runtime import AccountRow, SessionRow
from ward_service.store.unit_of_work import Store

IDLE: Final = timedelta(minutes=15)  # only a person's acts count, not a screen that refreshes
LONGEST: Final = timedelta(hours=12)  # a long shift
TRIES: Final = 5
LOCKED_FOR: Final = timedelta(minutes=5)
SHORTEST_PASSWORD: Final = 12  # characters
LONGEST_PASSWORD: Final = 200  # characters; the sign-in takes no more (contract/api.py)
LONGEST_NAME: Final = 100  # characters; likewise

_hasher = PasswordHasher(time_cost=2, memory_cost=19 * 1024, parallelism=1)
# Somebody who does not exist takes as long to refuse as somebody who does.
_NOBODY: Final = _hasher.hash(secrets.token_hex(16))


def new_account(store: Store, username: str, name: str, password: str) -> None:
    """Make an account, or give an existing one a new name and password, and end its sessions.

    Raises:
        WardError: nobody could sign in with this: a name or the password is too short or too long.
    """
    for what in (username, name):
        if not (what.strip() and len(what) <= LONGEST_NAME):
            raise WardError(f"A name has 1 to {LONGEST_NAME} characters. Nothing was changed.")
    if not SHORTEST_PASSWORD <= len(password) <= LONGEST_PASSWORD:
        raise WardError(
            f"A password needs {SHORTEST_PASSWORD} to {LONGEST_PASSWORD} characters. "
            "Nothing was changed."
        )
    hashed = _hasher.hash(password)
    row = store.accounts.get(username)
    if row is None:
        store.add(AccountRow(username=username, name=name, password_hash=hashed))
    else:
        row.name, row.password_hash, row.failures, row.locked_until = name, hashed, 0, None
        store.accounts.end_sessions_of(username)  # whoever knew the old password is out


def account_to_try(store: Store, username: str, wall: datetime) -> AccountRow | None:
    """Return the account of somebody who wants in, or None for a stranger.

    Raises:
        TooManyTriesError: too many wrong ones; nothing is checked until the lock ends.
    """
    row = store.accounts.get(username)
    if row is not None and row.locked_until is not None and wall < row.locked_until:
        minutes = int((row.locked_until - wall).total_seconds() // 60) + 1
        raise TooManyTriesError(f"Too many wrong passwords. Try again in {minutes} min.")
    return row


def is_right(account: AccountRow | None, password: str) -> bool:
    """Say whether a password is right; as slow for a stranger. Never inside a transaction.

    It takes tens of milliseconds, and on SQLite readings would wait for it.
    """
    try:
        _hasher.verify(account.password_hash if account else _NOBODY, password)
    except VerificationError:
        return False
    return account is not None


def note_try(store: Store, username: str, right: bool, wall: datetime) -> None:
    """Count a wrong password, or forget those before a right one.

    Raises:
        TooManyTriesError: others have locked the account meanwhile; a right one is too late.
    """
    row = account_to_try(store, username, wall)
    if row is None:
        return
    if right:
        row.failures, row.locked_until = 0, None
        return
    row.failures += 1
    if row.failures >= TRIES:
        row.failures, row.locked_until = 0, wall + LOCKED_FOR


def begin_session(store: Store, username: str, wall: datetime) -> tuple[str, datetime]:
    """Return a new session's token, which is kept nowhere here, and when it ends at the latest."""
    token = secrets.token_urlsafe(32)
    row = SessionRow(
        token_sha256=hash_of(token), username=username, began_at=wall, last_act_at=wall
    )
    store.add(row)
    return token, wall + LONGEST


def clinician_of(store: Store, token: str, wall: datetime, *, background: bool) -> AccountRow:
    """Return who holds this session. A screen that only refreshes does not keep it alive.

    Raises:
        NotSignedInError: there is no such session, or it has ended.
    """
    row = store.accounts.session(hash_of(token))
    if row is None or wall > row.began_at + LONGEST or wall > row.last_act_at + IDLE:
        raise NotSignedInError("You are not signed in, or your session has ended. Sign in again.")
    if not background:
        row.last_act_at = wall
    account = store.accounts.get(row.username)
    if account is None:
        raise NotSignedInError("This account is no longer here. Ask whoever set up the ward.")
    return account


def hash_of(token: str) -> str:
    """Return what is kept of a token."""
    return hashlib.sha256(token.encode()).hexdigest()
