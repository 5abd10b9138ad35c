"""A spool that its disk has spoilt: put aside under a name, and what can be read of it carried on.

A box in somebody's home has nobody who could repair it, and readings keep coming. So the home goes
on with a new spool, which is a new stream, the ward is told, and the file waits for support.
Source: docs/understand/design.md#envelope ("a re-imaged box starts a new stream").
"""

import json
import logging
import sqlite3
from collections.abc import Iterator
from contextlib import closing, suppress
from datetime import UTC, datetime
from itertools import chain, islice
from pathlib import Path
from typing import Any, Final
from uuid import UUID

from device_gateway.spool.bounds import Bounds
from device_gateway.spool.file import SpoolDamagedError, SpoolError
from device_gateway.spool.records import HeldPlan, Outgoing, Progress, Unclaimed
from device_gateway.spool.spool import Spool

log = logging.getLogger(__name__)

_MARK: Final = ".damaged-"
_WRITTEN: Final = "%Y%m%dT%H%M%SZ"
_AT_ONCE: Final = 200


def open_or_renew(path: Path, bounds: Bounds | None, now: datetime) -> Spool:
    """Open a spool; where it is damaged, put it aside, and make a new one of what can be read.

    Raises:
        SpoolError: it is in use elsewhere, cannot be opened, or is of a newer version.
    """
    try:
        return Spool(path, bounds)
    except SpoolDamagedError as error:
        aside = _put_aside(path, now)
        spool = Spool(path, bounds)
        carried_on = _carry_on(spool, aside)
        found = {"why": str(error), "aside": aside.name, "carried_on": carried_on}
        log.error("spool.damaged", extra=found)
        return spool


def damaged_since(path: Path) -> datetime | None:
    """Return when the first spool of this home was put aside that nobody has taken away yet."""
    moments = []
    for aside in path.parent.glob(f"{path.name}{_MARK}*Z"):
        with suppress(ValueError):
            written = aside.name.rpartition(_MARK)[2]
            moments.append(datetime.strptime(written, _WRITTEN).replace(tzinfo=UTC))
    return min(moments, default=None)


def _put_aside(path: Path, now: datetime) -> Path:
    """Rename the file and its log. Killed anywhere: the ballast, gone last, says that it was."""
    aside = path.with_name(f"{path.name}{_MARK}{now.astimezone(UTC):{_WRITTEN}}")
    for end in ("", "-wal"):
        with suppress(FileNotFoundError):
            path.with_name(path.name + end).rename(aside.with_name(aside.name + end))
    aside.touch(mode=0o600)  # where even the file was gone, its name says so
    for end in ("-shm", ".ballast"):
        path.with_name(path.name + end).unlink(missing_ok=True)
    return aside


def _carry_on(spool: Spool, aside: Path) -> int:
    """Take over what waited, the plans, and how far sources were; return how many waited."""
    carried_on = 0
    try:
        with closing(sqlite3.connect(f"file:{aside}?mode=ro", uri=True)) as db:
            for plan in _plans(db):
                spool.keep_plan(plan)
            waiting: Iterator[Outgoing | Unclaimed] = chain(_waiting(db), _unclaimed(db))
            while some := list(islice(waiting, _AT_ONCE)):
                spool.add(some)
                carried_on += len(some)
            for progress in _progress(db):
                spool.add([], progress)
    except (sqlite3.Error, SpoolError, ValueError):
        pass  # the rest is in the file that was put aside
    return carried_on


def _waiting(db: sqlite3.Connection) -> Iterator[Outgoing]:
    """Yield what is readable, in order: from both ends up to where each breaks off."""
    columns = "select seq, reading_id, taken_at, payload, slot from outbox"
    last = 0
    for seq, id_, at, payload, slot in _rows(db, f"{columns} order by seq"):
        last = seq
        with suppress(ValueError):
            yield Outgoing(_id(id_), _moment(at), _payload(payload), _slot(slot))
    tail: list[Outgoing] = []
    beyond = f"{columns} where seq > {int(last)} order by seq desc"
    for _, id_, at, payload, slot in _rows(db, beyond):
        with suppress(ValueError):
            tail.append(Outgoing(_id(id_), _moment(at), _payload(payload), _slot(slot)))
    yield from reversed(tail)


def _unclaimed(db: sqlite3.Connection) -> Iterator[Unclaimed]:
    query = "select reading_id, taken_at, slots, payload from unclaimed order by id"
    for id_, at, slots, payload in _rows(db, query):
        with suppress(ValueError, TypeError):
            places = tuple(slot for place in json.loads(slots) if (slot := _slot(place)))
            yield Unclaimed(_id(id_), _moment(at), _payload(payload), places)


def _plans(db: sqlite3.Connection) -> Iterator[HeldPlan]:
    for slot, number, at, payload in _rows(
        db, "select slot, number, received_at, payload from plan"
    ):
        with suppress(ValueError, TypeError):
            yield HeldPlan(int(slot), int(number), _moment(at), _payload(payload))


def _progress(db: sqlite3.Connection) -> Iterator[Progress]:
    for source, at, taken in _rows(db, "select source, started_at, taken from progress"):
        with suppress(ValueError, TypeError):
            yield Progress(str(source), _moment(at), int(taken))


def _rows(db: sqlite3.Connection, query: str) -> Iterator[tuple[Any, ...]]:
    """Yield rows until the file breaks off."""
    with suppress(sqlite3.Error):
        yield from db.execute(query)


# What a spoilt page says may be of any type: what it must be, or a ValueError.


def _id(found: object) -> UUID:
    return UUID(bytes=_payload(found))


def _payload(found: object) -> bytes:
    if not isinstance(found, bytes):
        raise ValueError("no bytes")
    return found


def _moment(found: object) -> datetime:
    at = datetime.fromisoformat(str(found))
    if at.tzinfo is None:
        raise ValueError("no moment")
    return at


def _slot(found: object) -> int | None:
    if found is None or (isinstance(found, int) and 1 <= found <= 999):
        return found
    raise ValueError("no slot")
