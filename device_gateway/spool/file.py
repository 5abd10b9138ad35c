"""The file under the spool: SQLite, locked by one process, durable with every commit.

The tables stand here, and how an older file becomes a newer one; what they mean is in `spool.py`.
The file gives back what it no longer needs, and its log is emptied before it grows large.
Source: docs/reference/brokers-and-databases.md#delivery, #full-disk, #home-spool.
"""

import fcntl
import json
import os
import re
import secrets
import sqlite3
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from datetime import datetime
from pathlib import Path
from typing import Any, Final
from urllib.parse import quote

from device_gateway.spool.ballast import Ballast
from device_gateway.spool.bounds import MB, WAL_HOLDS, Bounds, Extent

_PAGE: Final = 4_096
_BESIDE: Final = ("-wal", "-shm")  # SQLite's log, and the index of it
_SPARE_MAX: Final = MB // 4  # empty pages that the file may hold before it gives some back
_GIVES_BACK: Final = 256  # pages at a time, so that no reading waits long for it
# SQLite's words for a file that is not what was written.
_DAMAGE: Final = (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB)
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
    """
alter table outbox add column condensable integer not null default 0;
update outbox set condensable = instr(payload, cast('"interval_s"' as blob)) > 0;
create index outbox_condensable on outbox (seq) where condensable;
create index kept_receipted on kept (measured_at) where receipted_at is not null;
""",
    "alter table kept add column seq integer;",
)
# What must hold of every row, and does not where a page was spoilt that SQLite can still walk.
_SOUND: Final = {
    "outbox": "is_moment(taken_at) and length(reading_id) = 16",
    "drawer": "is_moment(at)",
    "progress": "is_moment(started_at)",
    "sample": "is_moment(at) and is_json(body)",
    "unclaimed": "is_moment(taken_at) and is_json(slots) and length(reading_id) = 16",
    "kept": "is_moment(measured_at) and length(reading_id) = 16",
    "plan": "is_moment(received_at)",
}
SCHEMA_VERSION: Final = len(_VERSIONS)
_NEW_STREAM: Final = "insert into about values ('{}');"


class SpoolError(Exception):
    """The spool cannot be used. The text says what happened, what is kept and what to do."""


class SpoolDamagedError(SpoolError):
    """The file is there and cannot be trusted: no longer what was written to it."""


class SpoolBusyError(SpoolError):
    """Another process has this spool open."""


class SpoolFullError(SpoolError):
    """The spool cannot take more. What it holds is safe; what was offered is not in it."""


class SpoolFile:
    """The open file. Safe to use from several threads of one process."""

    def __init__(self, path: Path, bounds: Bounds, *, look_only: bool = False) -> None:
        """Open the file, and make it if there is none; on a full disk with its ballast's room.

        `look_only` changes nothing and needs no lock: another process may be using it.

        Raises:
            SpoolBusyError: another process has it open.
            SpoolDamagedError: it is there, and cannot be trusted; nothing was changed.
            SpoolError: it cannot be opened, or is of a newer version than this program; to look
                only, it must be there, and of this program's version.
        """
        self.path = path
        self.damage: SpoolDamagedError | None = None  # found since it was opened
        self.ballast = Ballast(path.with_name(f"{path.name}.ballast"), bounds.ballast_bytes)
        self._guard = threading.Lock()
        if look_only:
            self._lock, self._db = -1, _look(path)
            return
        self._lock = _lock(path)
        try:
            self._db = self._opened()
        except BaseException:
            os.close(self._lock)
            raise
        self.ballast.put_back()

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
            SpoolDamagedError: the file is no longer what was written.
            SpoolError: the file cannot be read.
        """
        with self._guard:
            try:
                return self._db.execute(sql, tuple(values)).fetchall()
            except sqlite3.Error as error:
                if _is_damage(error):
                    self.damage = _damaged(self.path, str(error))
                    raise self.damage from error
                raise SpoolError(f"the spool {self.path} cannot be read ({error})") from error

    @contextmanager
    def transaction(self) -> Iterator[sqlite3.Connection]:
        """Run one block in one durable transaction.

        Raises:
            SpoolFullError: the disk is full, or refuses to be written; the block never happened.
            SpoolDamagedError: the file is no longer what was written; the block never happened.
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
                if isinstance(error, sqlite3.Error) and _is_damage(error):
                    self.damage = _damaged(self.path, str(error))
                    raise self.damage from error
                raise

    def extent(self) -> Extent:
        """Return how large it is, and what its disk has left.

        Raises:
            SpoolError: the file cannot be read.
        """
        with self._guard:
            try:
                return self.extent_within(self._db)
            except sqlite3.Error as error:
                raise SpoolError(f"the spool {self.path} cannot be read ({error})") from error

    def extent_within(self, db: sqlite3.Connection) -> Extent:
        """Return the same for the transaction that `db` is in, as if it were committed."""
        [pages] = db.execute("pragma page_count").fetchone()
        [empty] = db.execute("pragma freelist_count").fetchone()
        file = self.path.stat().st_size
        beside = sum(_size(self.path.with_name(self.path.name + end)) for end in _BESIDE)
        disk = os.statvfs(self.path.parent)
        return Extent(
            used=(pages - empty) * _PAGE,
            spare=empty * _PAGE,
            growth=max(0, pages * _PAGE - file),
            on_disk=file + beside,
            free=disk.f_bavail * disk.f_frsize,
        )

    def relieve(self) -> None:
        """Make room on a full disk at the price of the ballast, so that something can be let go."""
        with self._guard:
            self.ballast.throw_away()
            self._empty_log()

    def tidy(self) -> None:
        """Give room back that is no longer needed; after a full disk all of it, and the ballast."""
        with self._guard, suppress(sqlite3.Error):  # it can wait: nothing depends on it
            if self.ballast.whole:
                [empty] = self._db.execute("pragma freelist_count").fetchone()
                if empty * _PAGE > _SPARE_MAX:
                    self._give_back(_GIVES_BACK)
                return
            while self._give_back(_GIVES_BACK):
                self._empty_log()
            self._empty_log()
            self.ballast.put_back()

    def _give_back(self, pages: int) -> int:
        """Return how many pages were empty before some of them were given back."""
        [empty] = self._db.execute("pragma freelist_count").fetchone()
        if empty:
            # Not `execute`: it takes one step, and this pragma gives back one page a step.
            self._db.executescript(f"pragma incremental_vacuum({pages})")
        return int(empty)

    def _empty_log(self) -> None:
        with suppress(sqlite3.Error):  # a log that cannot be emptied is kept, and used
            self._db.execute("pragma wal_checkpoint(truncate)").fetchall()

    def _opened(self) -> sqlite3.Connection:
        if self.ballast.was_made and not _size(self.path):
            raise _damaged(self.path, "it is gone, or empty")
        try:
            return _open(self.path)
        except SpoolFullError:
            if not self.ballast.was_made:
                raise
            self.ballast.throw_away()
            return _open(self.path)


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
        SpoolDamagedError: it is no spool, or no longer what was written.
        SpoolFullError: there is no room to open it.
        SpoolError: it is of a newer version than this program.
    """
    os.close(os.open(path, os.O_CREAT | os.O_RDWR, 0o600))
    db = sqlite3.connect(path, isolation_level=None, timeout=30, check_same_thread=False)
    try:
        _set_up(db)
        [version] = db.execute("pragma user_version").fetchone()
        if version > SCHEMA_VERSION:
            raise SpoolError(
                f"the spool {path} is of version {version}, this program knows {SCHEMA_VERSION};"
                " nothing was changed. Run the newer device-gateway"
            )
        [said] = db.execute("pragma quick_check(1)").fetchone()
        if said != "ok":
            raise _damaged(path, said.splitlines()[-1])
        _bring_up(db, version)
        _must_be_sound(db, path)
    except UnicodeDecodeError as error:  # of SQLite's own tables, or of what it says about them
        db.close()
        raise _damaged(path, "its text is none") from error
    except sqlite3.Error as error:
        db.close()
        if _is_damage(error):
            raise _damaged(path, str(error)) from error
        raise SpoolFullError(
            f"the spool {path} cannot be opened ({error}); what it holds is safe. Free space on"
            " this disk, and see that it can be written"
        ) from error
    except SpoolError:
        db.close()
        raise
    return db


def _set_up(db: sqlite3.Connection) -> None:
    db.execute(f"pragma page_size = {_PAGE}")
    if not db.execute("pragma page_count").fetchone()[0]:
        db.execute("pragma auto_vacuum = incremental")  # before there is a table, or by a vacuum
    db.execute("pragma journal_mode = wal")
    db.execute("pragma synchronous = full")  # a commit returns after its fsync (D.2: measured)
    db.execute(f"pragma wal_autocheckpoint = {WAL_HOLDS // _PAGE}")
    db.execute(f"pragma journal_size_limit = {WAL_HOLDS}")


def _look(path: Path) -> sqlite3.Connection:
    """Open the database to be read, as it stands.

    Raises:
        SpoolError: there is none, it is no spool, or of another version than this program.
    """
    try:
        db = sqlite3.connect(
            f"file:{quote(str(path))}?mode=ro", uri=True, timeout=30, check_same_thread=False
        )
    except sqlite3.Error as error:
        raise SpoolError(f"the spool {path} cannot be read ({error})") from error
    try:
        version = int(db.execute("pragma user_version").fetchone()[0])
    except sqlite3.Error as error:
        db.close()
        raise SpoolError(f"the spool {path} cannot be read ({error})") from error
    if version != SCHEMA_VERSION:
        db.close()
        raise SpoolError(
            f"the spool {path} is of version {version}, this program reads {SCHEMA_VERSION}"
        )
    return db


def _bring_up(db: sqlite3.Connection, version: int) -> None:
    """Add what each later version added. Killed anywhere, it goes on where it was."""
    for number, tables in enumerate(_VERSIONS[version:], version + 1):
        if number == 1:
            tables += _NEW_STREAM.format(secrets.token_hex(16))
        db.executescript(f"begin immediate;{tables}pragma user_version = {number};commit;")
    if not db.execute("pragma auto_vacuum").fetchone()[0]:
        # Made before files could shrink. Written anew once; without the room for it, another time.
        with suppress(sqlite3.OperationalError):
            db.execute("pragma auto_vacuum = incremental")
            db.execute("vacuum")


def _must_be_sound(db: sqlite3.Connection, path: Path) -> None:
    """Look at each row once: SQLite has no checksums, and one bad moment would stop a home.

    Raises:
        SpoolDamagedError: a row is not as it was written.
    """
    db.create_function("is_moment", 1, _is_moment, deterministic=True)
    db.create_function("is_json", 1, _is_json, deterministic=True)
    for table, sound in _SOUND.items():
        as_bytes = re.sub(r"(is_\w+)\((\w+)\)", r"\1(cast(\2 as blob))", sound)
        if db.execute(f"select 1 from {table} where not ({as_bytes}) limit 1").fetchall():  # noqa: S608
            raise _damaged(path, f"a row of {table} is not as it was written")


def _is_moment(found: bytes | None) -> bool:
    try:
        return datetime.fromisoformat((found or b"").decode()).tzinfo is not None
    except ValueError:
        return False


def _is_json(found: bytes | None) -> bool:
    try:
        json.loads(found or b"")
    except ValueError:
        return False
    return True


def _is_damage(error: sqlite3.Error) -> bool:
    code = getattr(error, "sqlite_errorcode", 0)  # absent where Python itself raised it
    return code & 0xFF in _DAMAGE


def _damaged(path: Path, why: str) -> SpoolDamagedError:
    return SpoolDamagedError(
        f"the spool {path} is damaged, or no spool ({why}). Nothing was changed. Keep the file,"
        " and give support a copy"
    )


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except FileNotFoundError:
        return 0
