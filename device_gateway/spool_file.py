"""The file under the spool: SQLite, locked by one process, durable with every commit.

The tables stand here, and how an older file becomes a newer one; what they mean is in `spool.py`.
Source: RELIABILITY.md B.6, D.2, G.2.
"""

import fcntl
import os
import secrets
import sqlite3
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, Final

# What each version added to the file of the one before it, in one transaction each.
_VERSIONS: Final = (
    """
create table about (stream text not null);
create table outbox (
    seq integer primary key autoincrement,
    reading_id blob not null unique,
    taken_at text not null,
    payload blob not null
);
create table drawer (
    id integer primary key autoincrement,
    origin text not null,
    reading_id blob,
    at text not null,
    reason text not null,
    payload blob not null
);
create table progress (
    source text primary key,
    started_at text not null,
    taken integer not null
) without rowid;
""",
    """
alter table outbox add column slot integer;
create table sample (
    id integer primary key autoincrement,
    device text not null,
    slot integer,
    at text not null,
    body text not null
);
create table unclaimed (
    id integer primary key autoincrement,
    reading_id blob not null unique,
    taken_at text not null,
    slots text not null,
    payload blob not null
);
create table kept (
    reading_id blob primary key,
    slot integer not null,
    measured_at text not null,
    payload blob not null,
    receipted_at text,
    outcome text,
    seen_at text
) without rowid;
create index kept_of_slot on kept (slot, measured_at);
create table plan (
    slot integer primary key,
    number integer not null,
    received_at text not null,
    payload blob not null
) without rowid;
""",
    """
create table asked_about (
    source_key text primary key,
    at text not null
) without rowid;
""",
)
SCHEMA_VERSION: Final = len(_VERSIONS)
_NEW_STREAM: Final = "insert into about values ('{}');"


class SpoolError(Exception):
    """The spool cannot be used. The text says what happened, what is kept and what to do."""


class SpoolBusyError(SpoolError):
    """Another process has this spool open."""


class SpoolFullError(SpoolError):
    """The spool cannot take more. What it holds is safe; what was offered is not in it."""


class SpoolFile:
    """The open file. Safe to use from several threads of one process."""

    def __init__(self, path: Path) -> None:
        """Open the file, and make it if there is none.

        Raises:
            SpoolBusyError: another process has it open.
            SpoolError: it is no spool, or of a newer version than this program.
        """
        self.path = path
        self._guard = threading.Lock()
        self._lock = _lock(path)
        try:
            self._db = _open(path)
        except BaseException:
            os.close(self._lock)
            raise

    def close(self) -> None:
        """Let go of the file. What it holds stays. May be called again."""
        with self._guard:
            self._db.close()
            if self._lock >= 0:
                os.close(self._lock)
                self._lock = -1

    def rows(self, sql: str, values: Sequence[object] = ()) -> list[tuple[Any, ...]]:
        """Return what a query finds.

        Raises:
            SpoolError: the file cannot be read.
        """
        with self._guard:
            try:
                return self._db.execute(sql, tuple(values)).fetchall()
            except sqlite3.Error as error:
                raise SpoolError(f"the spool {self.path} cannot be read ({error})") from error

    @contextmanager
    def transaction(self) -> Iterator[sqlite3.Connection]:
        """Run one block in one durable transaction.

        Raises:
            SpoolFullError: the disk is full, or refuses to be written; the block never happened.
        """
        with self._guard:
            try:
                self._db.execute("begin immediate")
                yield self._db
                self._db.execute("commit")
            except BaseException as error:
                with suppress(sqlite3.Error):  # SQLite has rolled back by itself when it was full
                    self._db.execute("rollback")
                if isinstance(error, sqlite3.OperationalError):
                    raise SpoolFullError(
                        f"the spool {self.path} takes nothing more ({error}); what it holds is"
                        " safe. Free space on this disk"
                    ) from error
                raise


def _lock(path: Path) -> int:
    """Hold the spool's lock for as long as the returned file descriptor stays open.

    Raises:
        SpoolBusyError: somebody else holds it.
    """
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    lock = os.open(path.with_name(f"{path.name}.lock"), os.O_CREAT | os.O_RDWR, 0o600)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        os.close(lock)
        raise SpoolBusyError(
            f"the spool {path} is open in another device-gateway; stop that one first."
            " Nothing was changed"
        ) from error
    return lock


def _open(path: Path) -> sqlite3.Connection:
    """Open the database, and bring its tables to this program's version.

    Raises:
        SpoolError: it is no spool, or of a newer version than this program.
    """
    os.close(os.open(path, os.O_CREAT | os.O_RDWR, 0o600))
    db = sqlite3.connect(path, isolation_level=None, timeout=30, check_same_thread=False)
    try:
        db.execute("pragma journal_mode = wal")
        db.execute("pragma synchronous = full")  # a commit returns after its fsync (D.2: measured)
        version = int(db.execute("pragma user_version").fetchone()[0])
        if version > SCHEMA_VERSION:
            raise SpoolError(
                f"the spool {path} is of version {version}, this program knows {SCHEMA_VERSION};"
                " nothing was changed. Run the newer device-gateway"
            )
        _bring_up(db, version)
    except sqlite3.Error as error:
        db.close()
        raise SpoolError(
            f"the spool {path} cannot be opened ({error}). Keep the file, and give support a copy"
        ) from error
    except SpoolError:
        db.close()
        raise
    return db


def _bring_up(db: sqlite3.Connection, version: int) -> None:
    """Add what each later version added. Killed anywhere, it goes on where it was."""
    for number, tables in enumerate(_VERSIONS[version:], version + 1):
        if number == 1:
            tables += _NEW_STREAM.format(secrets.token_hex(16))
        db.executescript(f"begin immediate;{tables}pragma user_version = {number};commit;")
