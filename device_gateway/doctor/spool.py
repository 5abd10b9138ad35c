"""How full is the spool, has the ward answered, and which plans does it hold? Read only."""

import fcntl
import os
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from datetime import datetime, timedelta
from pathlib import Path
from typing import Final

from device_gateway.config.homes_file import Place
from device_gateway.doctor.check import Check, Verdict, format_age, parse_moment
from device_gateway.spool.file import SpoolError
from device_gateway.spool.records import HeldPlan
from device_gateway.spool.spool import Spool
from ward_service.domain.plan import PlanError, read_plan

# A home that works has a receipt for each agreed reading; two days without one is worth a look.
HEARD_LONG_AGO: Final = timedelta(days=2)  # ours


def check_spool(path: Path, place: Place, now: datetime) -> Iterator[Check]:
    """Look what a home's spool holds, whether it is being sent, and when the ward last answered."""
    what = f"spool of {place.gateway}"
    if not path.exists():
        todo = "Start it: device-gateway run"
        yield Check(what, Verdict.MIND, "Nothing was ever measured here.", todo)
        return
    try:
        depth, oldest, heard = _read_spool(path)
    except sqlite3.Error as error:
        todo = "Keep the file, and give support a copy. Do not delete it: it may hold readings."
        yield Check(what, Verdict.BAD, f"It cannot be read ({error}).", todo)
        return
    runs = is_held(path)
    words = "1 reading waits" if depth == 1 else f"{depth} readings wait"
    words += " for the ward's receipt"
    if oldest is not None:
        words += f", the oldest for {format_age(now - oldest)}"
    if not runs:
        todo = "Start it: device-gateway run"
        yield Check(what, Verdict.BAD, f"{words}. No device-gateway is running.", todo)
    elif depth:
        todo = "If this does not fall, look at the line about the broker."
        yield Check(what, Verdict.MIND, f"{words}. A device-gateway is running.", todo)
    else:
        yield Check(what, Verdict.FINE, f"{words}. A device-gateway is running.")
    if heard is not None and now - heard > HEARD_LONG_AGO:
        words = f"The ward last answered {format_age(now - heard)} ago."
        todo = "If somebody has measured since, ring the ward: they may not have it."
        yield Check("ward", Verdict.MIND, words, todo)
    elif heard is not None:
        yield Check("ward", Verdict.FINE, f"The ward last answered {format_age(now - heard)} ago.")


def check_plans(path: Path, place: Place, now: datetime) -> Iterator[Check]:
    """Look by which plan the people of a home are advised, and how old it is."""
    try:
        with Spool(path, look_only=True) as spool:
            plans = spool.plans()
    except SpoolError:
        plans = []  # there is no spool, or it cannot be read: the check of it says so
    for held in plans:
        yield _said_of_plan(f"plan of slot {held.slot}", held, now)
    if not plans:
        words = "No plan: only the plain safety words are told."
        todo = "If somebody was admitted here, the ward sends it as soon as this home is online."
        yield Check(f"plan of {place.gateway}", Verdict.MIND, words, todo)


def _said_of_plan(what: str, held: HeldPlan, now: datetime) -> Check:
    which = f"Number {held.number}, which came {format_age(now - held.received_at)} ago"
    try:
        plan = read_plan(held.payload)
    except PlanError:
        words = f"{which}, is not understood: only the plain safety words are told."
        return Check(what, Verdict.BAD, words, "Tell support: this program may be too old for it.")
    if plan.ended:
        words = f"{which}, says that the stay has ended: only the plain safety words are told."
        return Check(what, Verdict.FINE, words)
    return Check(what, Verdict.FINE, f"{which}, is in force.")


def _read_spool(path: Path) -> tuple[int, datetime | None, datetime | None]:
    """Return how many readings wait, when the oldest was taken, and when a receipt last came."""
    with closing(sqlite3.connect(f"{path.resolve().as_uri()}?mode=ro", uri=True)) as db:
        depth, oldest = db.execute("select count(*), min(taken_at) from outbox").fetchone()
        [heard] = db.execute("select max(receipted_at) from kept").fetchone()
    return int(depth), parse_moment(oldest), parse_moment(heard)


def newest_entry_at(path: Path) -> datetime | None:
    """Return the latest moment in a spool; None when it holds nothing or cannot be read."""
    try:
        with closing(sqlite3.connect(f"{path.resolve().as_uri()}?mode=ro", uri=True)) as db:
            rows = db.execute(
                "select max(at) from (select max(taken_at) as at from outbox"
                " union select max(measured_at) from kept)"
            ).fetchall()
    except sqlite3.Error:
        return None  # the check of the spool says so
    return parse_moment(rows[0][0])


def is_held(path: Path) -> bool:
    """Say whether a process has this spool open: it holds the lock then."""
    try:
        lock = os.open(path.with_name(f"{path.name}.lock"), os.O_RDONLY)
    except FileNotFoundError:
        return False
    try:
        fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    finally:
        os.close(lock)
    return False
