"""What a home holds until the ward has it, and what it remembers to advise with no network.

A reading exists once `add` has returned, and is forgotten only when the ward's receipt says that
it is kept, a duplicate, or quarantined. Order and order numbers (`seq`) survive every death of the
process. It grows to its bounds and no further: nearly full, it makes traces shorter; full, it
refuses.
Source: docs/understand/design.md#promise-1; docs/reference/brokers-and-databases.md#delivery,
#full-disk, #home-spool.
"""

import json
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from sqlite3 import Connection
from types import TracebackType
from typing import Final, Self
from uuid import UUID

from device_gateway.spool.bounds import Bounds, Fullness, fullness, room
from device_gateway.spool.condense import condensed, may_condense
from device_gateway.spool.file import SpoolDamagedError, SpoolFile, SpoolFullError
from device_gateway.spool.records import (
    Drawer,
    Held,
    HeldPlan,
    Kept,
    Outgoing,
    Progress,
    Sample,
    SetAside,
    Unclaimed,
)
from ward_service.contract.messages import MAX_PAYLOAD, Receipt
from ward_service.contract.vocabulary import Outcome, Quality, Vital

# Bytes kept free for topic and envelope: brokers count the whole packet against their 64 kB.
ENVELOPE_ROOM: Final = 1_024
# Rows in the drawer per origin, oldest first out: for support staff, not an archive.
DRAWER_HOLDS: Final = 1_000
# Stored records of shared devices of which it was asked whose they are: a cuff holds some hundred,
# and sends them all again at every connection. Oldest out.
ASKED_ABOUT_HOLDS: Final = 5_000
# How many rows are made shorter, or forgotten, each time that a nearly full spool takes something:
# many more than came, so that it empties faster than it fills, and few enough to be quick.
SHORTENS: Final = 64
# What a nearly full spool still looks back on: a month of five readings a day.
KEPT_LEAST: Final = 150


class Spool:
    """One home's spool. Safe to use from several threads of one process."""

    def __init__(
        self, path: Path, bounds: Bounds | None = None, *, look_only: bool = False
    ) -> None:
        """Open the spool, and make it if there is none; or `look_only` at one that may be in use.

        Raises:
            SpoolBusyError: another process has it open.
            SpoolDamagedError: it is no spool, or can no longer be trusted.
            SpoolError: it cannot be opened, or is of a newer version than this program; to look
                only, it must be there, and of this program's version.
        """
        self.path = path
        self._bounds = bounds or Bounds()
        self._file = SpoolFile(path, self._bounds, look_only=look_only)
        self._full = Fullness.ROOMY
        self._refused_at: int | None = None  # how much room there was when it last refused
        self.stream = str(self._file.rows("select stream from about")[0][0])
        given = self._file.rows("select seq from sqlite_sequence where name = 'outbox'")
        self._last_seq = int(given[0][0]) if given else 0

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, _: type[BaseException] | None, __: BaseException | None, ___: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Let go of the file. What it holds stays. May be called again."""
        self._file.close()

    @property
    def damage(self) -> SpoolDamagedError | None:
        """What was found wrong with the file since it was opened: only a new start mends it."""
        return self._file.damage

    # --- on the way to the ward ---------------------------------------------------------------

    def add(
        self,
        entries: Iterable[Outgoing | Unclaimed | SetAside],
        progress: Progress | None = None,
    ) -> list[int]:
        """Keep all of these, and the progress that they make, or none. Durable on return.

        Returns the numbers of what is now on its way to the ward, in the order given.

        Raises:
            SpoolFullError: nothing of this is kept; what was there before is safe.
            ValueError: a payload is larger than the wire carries.
        """
        with self._bounded() as (db, shorten):
            numbers = _put_all(db, entries, shorten=shorten)
            _put_progress(db, progress)
        return self._numbered(numbers)

    def settle(self, receipts: Iterable[Receipt], now: datetime) -> list[int]:
        """Forget what these receipts are for, and return its numbers. Unknown ids change nothing.

        What the ward quarantined moves to the drawer with the ward's reason. On a full disk the
        ballast makes the room that forgetting needs.

        Raises:
            SpoolFullError: the disk cannot be written; nothing was forgotten, and a resend brings
                the receipts again.
        """
        named = list(receipts)
        try:
            settled = self._settled(named, now)
        except SpoolFullError:
            self._file.relieve()
            settled = self._settled(named, now)
        self._file.tidy()
        return settled

    def _settled(self, receipts: Sequence[Receipt], now: datetime) -> list[int]:
        settled: list[int] = []
        with self._file.transaction() as db:
            for receipt in receipts:
                rows = db.execute(
                    "delete from outbox where reading_id = ? returning seq, payload",
                    (receipt.reading_id.bytes,),
                ).fetchall()
                for seq, payload in rows:
                    settled.append(int(seq))
                    if receipt.outcome is Outcome.QUARANTINED:
                        reason = receipt.reason
                        _into_drawer(db, "ward", receipt.reading_id, now, reason, payload)
                db.execute(
                    "update kept set receipted_at = coalesce(receipted_at, ?),"
                    " outcome = coalesce(outcome, ?), seen_at = coalesce(seen_at, ?)"
                    " where reading_id = ?",
                    (
                        _utc_text(now),
                        receipt.outcome.value,
                        receipt.seen_at and _utc_text(receipt.seen_at),
                        receipt.reading_id.bytes,
                    ),
                )
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
        for started_at, taken in self._file.rows(
            "select started_at, taken from progress where source = ?", (source,)
        ):
            return Progress(source, datetime.fromisoformat(started_at), int(taken))
        return None

    def depth(self) -> int:
        """Return how many readings wait for their receipt."""
        return int(self._file.rows("select count(*) from outbox")[0][0])

    def oldest_at(self) -> datetime | None:
        """Return when the oldest waiting reading was taken; None when none waits."""
        return _moment(self._file.rows("select min(taken_at) from outbox")[0][0])

    @property
    def last_seq(self) -> int:
        """The highest number ever given in this stream; 0 when none was."""
        return self._last_seq

    def drawer(self) -> list[Drawer]:
        """Return what was quarantined or set aside, oldest first."""
        rows = self._file.rows(
            "select origin, reading_id, at, reason, payload from drawer order by id"
        )
        return [
            Drawer(origin, id_ and UUID(bytes=id_), datetime.fromisoformat(at), reason, payload)
            for origin, id_, at, reason, payload in rows
        ]

    # --- a live stream, until it is a minute --------------------------------------------------

    def add_samples(self, samples: Iterable[Sample], progress: Progress | None = None) -> None:
        """Keep these seconds of live streams, and the progress that they make. Durable on return.

        Raises:
            SpoolFullError: nothing of this is kept; what was there before is safe.
        """
        with self._bounded() as (db, _):
            db.executemany(
                "insert into sample (device, slot, at, body) values (?, ?, ?, ?)",
                [(s.device, s.slot, _utc_text(s.at), _body(s)) for s in samples],
            )
            _put_progress(db, progress)

    def samples(self, device: str) -> list[Sample]:
        """Return the seconds of a device that are in no minute yet, oldest first."""
        rows = self._file.rows(
            "select slot, at, body from sample where device = ? order by id", (device,)
        )
        return [_sample(device, slot, at, body) for slot, at, body in rows]

    def streaming(self) -> list[str]:
        """Return the devices of which there are seconds that are in no minute yet."""
        return [device for (device,) in self._file.rows("select distinct device from sample")]

    def close_minute(
        self, device: str, until: datetime, entries: Iterable[Outgoing | Unclaimed]
    ) -> list[int]:
        """Put what was made of a device's seconds before `until` in their place: all, or nothing.

        Returns the numbers of what is now on its way to the ward.

        Raises:
            SpoolFullError: the seconds are still there.
            ValueError: a payload is larger than the wire carries.
        """
        with self._bounded() as (db, shorten):
            db.execute("delete from sample where device = ? and at < ?", (device, _utc_text(until)))
            numbers = _put_all(db, entries, shorten=shorten)
        return self._numbered(numbers)

    # --- whose it is --------------------------------------------------------------------------

    def unclaimed(self) -> list[Unclaimed]:
        """Return the readings of which nobody has said yet whose they are, oldest first."""
        rows = self._file.rows(
            "select reading_id, taken_at, slots, payload from unclaimed order by id"
        )
        return [
            Unclaimed(
                UUID(bytes=id_), datetime.fromisoformat(at), payload, tuple(json.loads(slots))
            )
            for id_, at, slots, payload in rows
        ]

    def claim(self, entry: Outgoing) -> int | None:
        """Send an unclaimed reading on, as `entry` with the slot that was said, once.

        Returns its number; None when it was claimed before.

        Raises:
            SpoolFullError: it is still unclaimed.
        """
        with self._bounded() as (db, shorten):
            found = db.execute(
                "delete from unclaimed where reading_id = ? returning id", (entry.reading_id.bytes,)
            ).fetchall()
            numbers = _put_all(db, [entry] if found else [], shorten=shorten)
        return self._numbered(numbers)[0] if numbers else None

    # --- what the home looks back on, and its plans -------------------------------------------

    def kept(self, slot: int, since: datetime) -> list[Kept]:
        """Return the readings of a slot measured since then, in the order of measurement.

        Of those measured at one moment, in the order in which they were taken.
        """
        return self._kept(slot, "measured_at >= ? order by measured_at, seq", _utc_text(since))

    def kept_one(self, slot: int, id_: UUID) -> Kept | None:
        """Return a reading of a slot by its id, whenever it was measured; None: it is not here."""
        found = self._kept(slot, "reading_id = ?", id_.bytes)
        return found[0] if found else None

    def _kept(self, slot: int, which: str, value: object) -> list[Kept]:
        rows = self._file.rows(f"{_KEPT} where slot = ? and {which}", (slot, value))
        return [
            Kept(
                UUID(bytes=id_),
                slot,
                datetime.fromisoformat(at),
                payload,
                _moment(receipted_at),
                outcome and Outcome(outcome),
                _moment(seen_at),
                seq,
            )
            for id_, at, payload, receipted_at, outcome, seen_at, seq in rows
        ]

    def forget_kept(self, before: datetime) -> int:
        """Forget what was measured before then and has its receipt; return how many."""
        with self._file.transaction() as db:
            return db.execute(
                "delete from kept where measured_at < ? and receipted_at is not null",
                (_utc_text(before),),
            ).rowcount

    def kept_within(self, now: datetime) -> int:
        """Forget what is older, or more, than the home looks back on; return how many.

        What has no receipt stays, however old.
        """
        gone = self.forget_kept(now - timedelta(days=self._bounds.kept_days))
        with self._file.transaction() as db:
            return gone + _forget_oldest_kept(db, least=self._bounds.kept_rows, most=-1)

    def keep_plan(self, plan: HeldPlan) -> bool:
        """Keep a plan in place of the slot's older one; False if it is not newer.

        Raises:
            SpoolFullError: the older one is still in force.
        """
        with self._file.transaction() as db:
            return bool(
                db.execute(
                    "insert into plan values (?, ?, ?, ?) on conflict (slot) do update"
                    " set number = excluded.number, received_at = excluded.received_at,"
                    " payload = excluded.payload where excluded.number > plan.number",
                    (plan.slot, plan.number, _utc_text(plan.received_at), plan.payload),
                ).rowcount
            )

    def plans(self) -> list[HeldPlan]:
        """Return the plans that are in force, by slot."""
        rows = self._file.rows("select slot, number, received_at, payload from plan order by slot")
        return [
            HeldPlan(slot, number, datetime.fromisoformat(at), payload)
            for slot, number, at, payload in rows
        ]

    # --- how full it is -----------------------------------------------------------------------

    def fullness(self) -> Fullness:
        """Return how full the spool is. What it has just refused had found it full."""
        left = room(self._file.extent(), self._bounds)
        self._full = fullness(left, self._bounds, self._full)
        refused = self._refused_at is not None and left <= self._refused_at
        return Fullness.FULL if refused or not self._file.ballast.whole else self._full

    def size(self) -> int:
        """Return the bytes of the file and what stands beside it, without the ballast."""
        return self._file.extent().on_disk

    def tidy(self) -> None:
        """Give back room, and put the ballast back, where that can be done now."""
        self._file.tidy()

    @contextmanager
    def _bounded(self) -> Iterator[tuple[Connection, bool]]:
        """Run one block in one transaction that may grow the spool; whether to shorten traces.

        Raises:
            SpoolFullError: the block would have grown the spool past its bounds, and never
                happened.
        """
        try:
            self._must_have_ballast()
            shorten = self._make_room()
            with self._file.transaction() as db:
                before = self._file.extent_within(db)
                yield db, shorten
                after = self._file.extent_within(db)
                if room(after, self._bounds) < 0 and after.used > before.used:
                    raise SpoolFullError(
                        f"the spool {self.path} is full; what it holds is safe, and it takes again"
                        " when the ward has sent receipts, or its disk has room"
                    )
        except SpoolFullError:
            self._refused_at = room(self._file.extent(), self._bounds)
            raise
        self._refused_at = None

    def _must_have_ballast(self) -> None:
        if self._file.ballast.whole:
            return
        self._file.tidy()
        if not self._file.ballast.whole:
            raise SpoolFullError(
                f"the disk of the spool {self.path} is full; what it holds is safe. Free space on"
                " this disk"
            )

    def _make_room(self) -> bool:
        """Forget and shorten some where the spool is nearly full; return whether it is."""
        left = room(self._file.extent(), self._bounds)
        self._full = fullness(left, self._bounds, self._full)
        if self._full is Fullness.ROOMY:
            return False
        with self._file.transaction() as db:
            if not _forget_oldest_kept(db, least=KEPT_LEAST, most=SHORTENS):
                _condense_oldest(db, SHORTENS)
        return True

    def _numbered(self, numbers: list[int]) -> list[int]:
        if numbers:
            self._last_seq = max(self._last_seq, numbers[-1])
        return numbers

    def _held(self, where: str, values: tuple[int, ...]) -> list[Held]:
        sql = f"select seq, reading_id, payload, slot from outbox {where}"  # noqa: S608 - our own
        rows = self._file.rows(sql, values)
        return [Held(seq, UUID(bytes=id_), payload, slot) for seq, id_, payload, slot in rows]


_KEPT: Final = (
    "select reading_id, measured_at, payload, receipted_at, outcome, seen_at, seq from kept"
)


def _put_all(
    db: Connection, entries: Iterable[Outgoing | Unclaimed | SetAside], *, shorten: bool
) -> list[int]:
    """Write entries, traces as summaries if need be; return the numbers of those on their way."""
    numbers: list[int] = []
    for entry in entries:
        seq = _put(db, _shortened(entry) if shorten else entry)
        if seq is not None:
            numbers.append(seq)
    return numbers


def _shortened(entry: Outgoing | Unclaimed | SetAside) -> Outgoing | Unclaimed | SetAside:
    if isinstance(entry, SetAside) or not may_condense(entry.payload):
        return entry
    return replace(entry, payload=condensed(entry.payload) or entry.payload)


def _condense_oldest(db: Connection, most: int) -> None:
    """Make the oldest waiting traces shorter, each in its place in the stream.

    Deleted and written again, for only a deletion makes SQLite join pages that are half empty.
    """
    rows = db.execute(
        "select seq, reading_id, taken_at, payload, slot from outbox"
        " where condensable order by seq limit ?",
        (most,),
    ).fetchall()
    for seq, id_, taken_at, payload, slot in rows:
        shorter = condensed(payload) or payload
        db.execute("delete from outbox where seq = ?", (seq,))
        db.execute(
            "insert into outbox (seq, reading_id, taken_at, payload, slot) values (?, ?, ?, ?, ?)",
            (seq, id_, taken_at, shorter, slot),
        )
        db.execute("update kept set payload = ? where reading_id = ?", (shorter, id_))


def _forget_oldest_kept(db: Connection, least: int, most: int) -> int:
    """Forget receipted readings, oldest first, down to `least` rows, at most `most` at a time."""
    return db.execute(
        "delete from kept where reading_id in (select reading_id from kept"
        " where receipted_at is not null order by measured_at"
        " limit min(?, max(0, (select count(*) from kept) - ?)))",
        (most if most >= 0 else 1 << 62, least),
    ).rowcount


def _put(db: Connection, entry: Outgoing | Unclaimed | SetAside) -> int | None:
    """Write one entry; return its number if it is now on its way to the ward."""
    if isinstance(entry, SetAside):
        _into_drawer(db, "home", None, entry.at, entry.reason, entry.frame)
        return None
    if len(entry.payload) > MAX_PAYLOAD - ENVELOPE_ROOM:
        raise ValueError(f"a payload of {len(entry.payload)} bytes does not fit on the wire")
    id_, taken_at = entry.reading_id.bytes, _utc_text(entry.taken_at)
    if isinstance(entry, Unclaimed):
        if entry.source_key is not None and not _ask_about(db, entry.source_key, taken_at):
            return None
        db.execute(
            "insert into unclaimed (reading_id, taken_at, slots, payload) values (?, ?, ?, ?)",
            (id_, taken_at, json.dumps(entry.slots), entry.payload),
        )
        return None
    cursor = db.execute(
        "insert into outbox (reading_id, taken_at, payload, slot, condensable)"
        " values (?, ?, ?, ?, ?)",
        (id_, taken_at, entry.payload, entry.slot, may_condense(entry.payload)),
    )
    if entry.measured_at is not None:
        db.execute(
            "insert into kept (reading_id, slot, measured_at, payload, seq) values (?, ?, ?, ?, ?)",
            (
                id_,
                entry.slot or 1,
                _utc_text(entry.measured_at),
                entry.as_reading or entry.payload,
                cursor.lastrowid,
            ),
        )
    return cursor.lastrowid


def _put_progress(db: Connection, progress: Progress | None) -> None:
    if progress is not None:
        db.execute(
            "insert into progress values (?, ?, ?) on conflict (source) do update"
            " set started_at = excluded.started_at, taken = excluded.taken",
            (progress.source, progress.started_at.isoformat(), progress.taken),
        )


def _ask_about(db: Connection, source_key: str, at: str) -> bool:
    """Note that a stored record came; False if it has been asked about before."""
    new = db.execute("update asked_about set at = ? where source_key = ?", (at, source_key))
    if new.rowcount:
        return False
    db.execute("insert into asked_about values (?, ?)", (source_key, at))
    db.execute(
        "delete from asked_about where source_key in"
        " (select source_key from asked_about order by at desc, source_key limit -1 offset ?)",
        (ASKED_ABOUT_HOLDS,),
    )
    return True


def _into_drawer(
    db: Connection, origin: str, id_: UUID | None, at: datetime, reason: str, payload: bytes
) -> None:
    db.execute(
        "insert into drawer (origin, reading_id, at, reason, payload) values (?, ?, ?, ?, ?)",
        (origin, id_ and id_.bytes, at.isoformat(), reason, payload),
    )
    db.execute(
        "delete from drawer where origin = ? and id <="
        " (select id from drawer where origin = ? order by id desc limit 1 offset ?)",
        (origin, origin, DRAWER_HOLDS),
    )


def _body(sample: Sample) -> str:
    return json.dumps({"values": sample.values, "quality": sample.quality})


def _sample(device: str, slot: int | None, at: str, body: str) -> Sample:
    said = json.loads(body)
    values = {Vital(vital): float(value) for vital, value in said["values"].items()}
    quality = tuple(Quality(word) for word in said["quality"])
    return Sample(device, slot, datetime.fromisoformat(at), values, quality)


def _utc_text(moment: datetime) -> str:
    """Return a moment as text that sorts as moments do: in one zone, with all its digits."""
    return moment.astimezone(UTC).isoformat(timespec="microseconds")


def _moment(text: str | None) -> datetime | None:
    return None if text is None else datetime.fromisoformat(text)
