"""What the page remembers besides readings: who came in, who guessed wrong, what is half typed.

A SQLite file beside the spools, and nothing in it names a person. Losing it loses no reading:
people then come in again. Moments are aware UTC.
"""

import hashlib
import json
import os
import secrets
import sqlite3
import threading
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from pathlib import Path
from typing import Any, Final
from uuid import UUID

# A form that nobody touched for so long is begun anew: its numbers are not of now any more.
HALF_TYPED_FOR: Final = timedelta(minutes=30)

_TABLES: Final = """
create table if not exists visit (
    token blob primary key,
    gateway text not null,
    slot integer not null,
    door text not null,
    who text not null,
    began_at text not null,
    last_at text not null
) without rowid;
create table if not exists wrong (
    door text not null,
    source text not null,
    at text not null
);
create index if not exists wrong_of_door on wrong (door, at);
create index if not exists wrong_of_source on wrong (source, at);
create table if not exists draft (
    reading_id blob primary key,
    token blob not null,
    changed_at text not null,
    body text not null
) without rowid;
"""


@dataclass(frozen=True, slots=True)
class Budget:
    """How many wrong tries there are.

    Ours; docs/reference/brokers-and-databases.md#controls, C8, has five tries and then a call.

    A door rests for `rest` after `tries` wrong ones, and is shut after `most` with no right one
    between: the ward then makes a new letter. All that comes from one address has `from_one` an
    hour.
    """

    tries: int = 5
    rest: timedelta = timedelta(minutes=15)
    most: int = 20
    from_one: int = 30


class Refused(StrEnum):
    """Why nobody is let in: a wrong code or year, or too many of them lately, or altogether."""

    WRONG = "wrong"
    RESTING = "resting"
    SHUT = "shut"


@dataclass(frozen=True, slots=True)
class Visit:
    """A device that was let in: to which place, by which door, and who types (`who`)."""

    token: bytes
    gateway: str
    slot: int
    door: str
    who: str


class Book:
    """The page's own memory. Safe to use from several threads of one process."""

    def __init__(self, path: Path) -> None:
        """Open the file, and make it if there is none."""
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        os.close(os.open(path, os.O_CREAT | os.O_RDWR, 0o600))
        self._guard = threading.Lock()
        self._db = sqlite3.connect(path, isolation_level=None, timeout=30, check_same_thread=False)
        self._db.execute("pragma journal_mode = wal")
        self._db.executescript(_TABLES)

    def close(self) -> None:
        """Let go of the file."""
        with self._guard:
            self._db.close()

    # --- who came in --------------------------------------------------------------------------

    def let_in(self, gateway: str, slot: int, door: str, who: str, now: datetime) -> str:
        """Remember a device, and return the token that it will show. Only its hash is kept."""
        token = secrets.token_urlsafe(32)
        self._write(
            "insert into visit values (?, ?, ?, ?, ?, ?, ?)",
            (_hash(token), gateway, slot, door, who, _text(now), _text(now)),
        )
        return token

    def visit(self, token: str) -> Visit | None:
        """Return whom a token belongs to; None if it was never given out, or was ended."""
        rows = self._rows(
            "select token, gateway, slot, door, who from visit where token = ?", (_hash(token),)
        )
        return Visit(*rows[0]) if rows else None

    def end(self, visit: Visit) -> None:
        """Forget a device and what was half typed on it."""
        self._write("delete from visit where token = ?", (visit.token,))
        self._write("delete from draft where token = ?", (visit.token,))

    # --- who guessed --------------------------------------------------------------------------

    def take_try(self, door: str, source: str, now: datetime, budget: Budget) -> Refused | None:
        """Spend one try at a door, before it is known whether it is right; say if there is none.

        A hundred tries at once have no more than one after the other.
        """
        hour_ago, rested = _text(now - timedelta(hours=1)), _text(now - budget.rest)
        with self._guard:
            [of_source] = self._db.execute(
                "select count(*) from wrong where source = ? and at > ?", (source, hour_ago)
            ).fetchone()
            of_door, lately = self._db.execute(
                "select count(*), count(*) filter (where at > ?) from wrong where door = ?",
                (rested, door),
            ).fetchone()
            if of_door >= budget.most:
                return Refused.SHUT
            if lately >= budget.tries or of_source >= budget.from_one:
                return Refused.RESTING
            self._db.execute("insert into wrong values (?, ?, ?)", (door, source, _text(now)))
        return None

    def forgive(self, door: str, source: str) -> None:
        """Forget the wrong tries at a door from where somebody has come in by it.

        Those from elsewhere stay: they were somebody else's.
        """
        self._write("delete from wrong where door = ? and source = ?", (door, source))

    # --- what is half typed -------------------------------------------------------------------

    def save_draft(self, id_: UUID, visit: Visit, body: Mapping[str, Any], now: datetime) -> None:
        """Keep what was typed so far; the latest stands."""
        self._write(
            "insert into draft values (?, ?, ?, ?) on conflict (reading_id) do update"
            " set token = excluded.token, changed_at = excluded.changed_at, body = excluded.body"
            " where draft.token in (select token from visit"
            " where gateway = ? and slot = ? and door = ?)",
            (id_.bytes, visit.token, _text(now), json.dumps(body), *_door(visit)),
        )

    def draft(self, id_: UUID, visit: Visit, now: datetime) -> dict[str, Any] | None:
        """Return what was typed so far; None when it is too old, or came in by another door.

        Whoever lost their visit and came in again by the same door goes on with it: the id, which
        only the device on which it was begun knows, is in no other hands.
        """
        rows = self._rows(
            "select body from draft where reading_id = ? and changed_at >= ?"
            " and token in (select token from visit"
            " where gateway = ? and slot = ? and door = ?)",
            (id_.bytes, _text(now - HALF_TYPED_FOR), *_door(visit)),
        )
        return dict(json.loads(rows[0][0])) if rows else None

    def drop_draft(self, id_: UUID, now: datetime) -> None:
        """Forget what was typed: it is a reading now. Old ones go with it."""
        self._write(
            "delete from draft where reading_id = ? or changed_at < ?",
            (id_.bytes, _text(now - HALF_TYPED_FOR)),
        )

    def _write(self, sql: str, values: tuple[object, ...]) -> None:
        with self._guard:
            self._db.execute(sql, values)

    def _rows(self, sql: str, values: tuple[object, ...]) -> list[tuple[Any, ...]]:
        with self._guard:
            return self._db.execute(sql, values).fetchall()


def _door(visit: Visit) -> tuple[str, int, str]:
    return visit.gateway, visit.slot, visit.door


def _hash(token: str) -> bytes:
    return hashlib.sha256(token.encode()).digest()


def _text(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat(timespec="microseconds")
