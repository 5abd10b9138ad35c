"""What a home holds until the ward has it: a SQLite file, durable before anything else.

A reading exists once `add` has returned, and is forgotten only when the ward's receipt says that
it is kept, a duplicate, or quarantined. Order and order numbers (`seq`) survive every death of the
process. One process at a time: the file is locked. Source: RELIABILITY.md B.6, D.2, G.2.
"""

import fcntl
import os
import secrets
import sqlite3
import threading
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType
from typing import Any, Final, Self
from uuid import UUID

from ward_service.contract.messages import MAX_PAYLOAD, Receipt
from ward_service.contract.vocabulary import Outcome

SCHEMA_VERSION: Final = 1
# Bytes kept free for topic and envelope: brokers count the whole packet against their 64 kB.
ENVELOPE_ROOM: Final = 1_024
# Rows in the drawer per origin, oldest first out: for support staff, not an archive.
DRAWER_HOLDS: Final = 1_000

_SCHEMA: Final = """
begin immediate;
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
insert into about (stream) values ('{stream}');
pragma user_version = {version};
commit;
"""


class SpoolError(Exception):
    """The spool cannot be used. The text says what happened, what is kept and what to do."""


class SpoolBusyError(SpoolError):
    """Another process has this spool open."""


class SpoolFullError(SpoolError):
    """The spool cannot take more. What it holds is safe; what was offered is not in it."""


@dataclass(frozen=True, slots=True)
class Outgoing:
    """A payload on its way to the ward, under the id that its receipt will name."""

    reading_id: UUID
    taken_at: datetime
    payload: bytes


@dataclass(frozen=True, slots=True)
class SetAside:
    """A frame that is not sent, with the reason: unreadable, or not about a person."""

    at: datetime
    frame: bytes
    reason: str


@dataclass(frozen=True, slots=True)
class Held:
    """An `Outgoing` as the spool holds it, with its number in the stream."""

    seq: int
    reading_id: UUID
    payload: bytes


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a source of frames has been taken: it began at `started_at`, `taken` are done."""

    source: str
    started_at: datetime
    taken: int


@dataclass(frozen=True, slots=True)
class Drawer:
    """A row of the drawer: quarantined by the ward, or set aside at home."""

    origin: str
    reading_id: UUID | None
    at: datetime
    reason: str
    payload: bytes


class Spool:
    """One home's spool. Safe to use from several threads of one process."""

    def __init__(self, path: Path) -> None:
        """Open the spool, and make it if there is none.

        Raises:
            SpoolBusyError: another process has it open.
            SpoolError: it is no spool, or of a newer version than this program.
        """
        self.path = path
        self._guard = threading.Lock()
        self._lock = _lock(path)
        try:
            self._db = _open(path)
            self.stream = str(self._rows("select stream from about")[0][0])
            given = self._rows("select seq from sqlite_sequence where name = 'outbox'")
        except BaseException:
            os.close(self._lock)
            raise
        self._last_seq = int(given[0][0]) if given else 0

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, _: type[BaseException] | None, __: BaseException | None, ___: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Let go of the file. What it holds stays. May be called again."""
        with self._guard:
            self._db.close()
            if self._lock >= 0:
                os.close(self._lock)
                self._lock = -1

    def add(
        self, entries: Iterable[Outgoing | SetAside], progress: Progress | None = None
    ) -> list[int]:
        """Keep all of these, and the progress that they make, or none. Durable on return.

        Returns the numbers of what is now on its way to the ward, in the order given.

        Raises:
            SpoolFullError: nothing of this is kept; what was there before is safe.
            ValueError: a payload is larger than the wire carries.
        """
        numbers: list[int] = []
        with self._transaction():
            for entry in entries:
                if isinstance(entry, SetAside):
                    self._into_drawer("home", None, entry.at, entry.reason, entry.frame)
                else:
                    numbers.append(self._into_outbox(entry))
            if progress is not None:
                self._db.execute(
                    "insert into progress values (?, ?, ?) on conflict (source) do update"
                    " set started_at = excluded.started_at, taken = excluded.taken",
                    (progress.source, progress.started_at.isoformat(), progress.taken),
                )
        if numbers:
            self._last_seq = max(self._last_seq, numbers[-1])
        return numbers

    def settle(self, receipts: Iterable[Receipt], now: datetime) -> list[int]:
        """Forget what these receipts are for, and return its numbers. Unknown ids change nothing.

        What the ward quarantined moves to the drawer with the ward's reason.

        Raises:
            SpoolFullError: the disk is full; nothing was forgotten, and a resend brings the
                receipts again.
        """
        settled: list[int] = []
        with self._transaction():
            for receipt in receipts:
                rows = self._db.execute(
                    "delete from outbox where reading_id = ? returning seq, payload",
                    (receipt.reading_id.bytes,),
                ).fetchall()
                for seq, payload in rows:
                    settled.append(int(seq))
                    if receipt.outcome is Outcome.QUARANTINED:
                        self._into_drawer("ward", receipt.reading_id, now, receipt.reason, payload)
        return settled

    def after(self, seq: int, limit: int) -> list[Held]:
        """Return what is held beyond a number, oldest first, at most `limit`."""
        return self._held("where seq > ? order by seq limit ?", (seq, limit))

    def numbered(self, numbers: Sequence[int]) -> list[Held]:
        """Return what is still held under these numbers, oldest first."""
        marks = ",".join("?" * len(numbers))
        return self._held(f"where seq in ({marks}) order by seq", tuple(numbers))

    def progress(self, source: str) -> Progress | None:
        """Return how far a source has been taken; None when it has not begun."""
        for started_at, taken in self._rows(
            "select started_at, taken from progress where source = ?", (source,)
        ):
            return Progress(source, datetime.fromisoformat(started_at), int(taken))
        return None

    def depth(self) -> int:
        """Return how many readings wait for their receipt."""
        return int(self._rows("select count(*) from outbox")[0][0])

    def oldest_at(self) -> datetime | None:
        """Return when the oldest waiting reading was taken; None when none waits."""
        oldest = self._rows("select min(taken_at) from outbox")[0][0]
        return None if oldest is None else datetime.fromisoformat(oldest)

    @property
    def last_seq(self) -> int:
        """The highest number ever given in this stream; 0 when none was."""
        return self._last_seq

    def drawer(self) -> list[Drawer]:
        """Return what was quarantined or set aside, oldest first."""
        rows = self._rows("select origin, reading_id, at, reason, payload from drawer order by id")
        return [
            Drawer(origin, id_ and UUID(bytes=id_), datetime.fromisoformat(at), reason, payload)
            for origin, id_, at, reason, payload in rows
        ]

    def _held(self, where: str, values: tuple[int, ...]) -> list[Held]:
        sql = f"select seq, reading_id, payload from outbox {where}"  # noqa: S608 - our own text
        rows = self._rows(sql, values)
        return [Held(seq, UUID(bytes=id_), payload) for seq, id_, payload in rows]

    def _rows(self, sql: str, values: tuple[object, ...] = ()) -> list[tuple[Any, ...]]:
        """Return what a query finds.

        Raises:
            SpoolError: the file cannot be read.
        """
        with self._guard:
            try:
                return self._db.execute(sql, values).fetchall()
            except sqlite3.Error as error:
                raise SpoolError(f"the spool {self.path} cannot be read ({error})") from error

    def _into_outbox(self, entry: Outgoing) -> int:
        if len(entry.payload) > MAX_PAYLOAD - ENVELOPE_ROOM:
            raise ValueError(f"a payload of {len(entry.payload)} bytes does not fit on the wire")
        cursor = self._db.execute(
            "insert into outbox (reading_id, taken_at, payload) values (?, ?, ?)",
            (entry.reading_id.bytes, _utc_text(entry.taken_at), entry.payload),
        )
        return cursor.lastrowid or 0

    def _into_drawer(
        self, origin: str, reading_id: UUID | None, at: datetime, reason: str, payload: bytes
    ) -> None:
        self._db.execute(
            "insert into drawer (origin, reading_id, at, reason, payload) values (?, ?, ?, ?, ?)",
            (origin, reading_id and reading_id.bytes, at.isoformat(), reason, payload),
        )
        self._db.execute(
            "delete from drawer where origin = ? and id <="
            " (select id from drawer where origin = ? order by id desc limit 1 offset ?)",
            (origin, origin, DRAWER_HOLDS),
        )

    @contextmanager
    def _transaction(self) -> Iterator[None]:
        """Run one block in one durable transaction.

        Raises:
            SpoolFullError: the disk is full, or refuses to be written; the block never happened.
        """
        with self._guard:
            try:
                self._db.execute("begin immediate")
                yield
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


def _utc_text(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat()  # one zone, so that the text sorts as the moments do


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
    """Open the database, and make its tables when it is new.

    Raises:
        SpoolError: it is no spool, or of a newer version than this program.
    """
    os.close(os.open(path, os.O_CREAT | os.O_RDWR, 0o600))
    db = sqlite3.connect(path, isolation_level=None, timeout=30, check_same_thread=False)
    try:
        db.execute("pragma journal_mode = wal")
        db.execute("pragma synchronous = full")  # a commit returns after its fsync (D.2: measured)
        version = int(db.execute("pragma user_version").fetchone()[0])
        if version == 0:
            stream = secrets.token_hex(16)
            db.executescript(_SCHEMA.format(stream=stream, version=SCHEMA_VERSION))
        elif version != SCHEMA_VERSION:
            raise SpoolError(
                f"the spool {path} is of version {version}, this program knows {SCHEMA_VERSION};"
                " nothing was changed. Run the newer device-gateway"
            )
    except sqlite3.Error as error:
        db.close()
        raise SpoolError(
            f"the spool {path} cannot be opened ({error}). Keep the file, and give support a copy"
        ) from error
    except SpoolError:
        db.close()
        raise
    return db
