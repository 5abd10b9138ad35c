"""The ward watches its homes: what they say of themselves, and what they made and never came.

Nothing here is clinical: that somebody was not heard from is judged by the rules of their stay, on
their plan. A home that is offline is shown, and calls nobody. What is wrong in it, and what is
missing from it, is told once to the people of everybody who may be concerned.
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID

from sqlalchemy.exc import SQLAlchemyError

from ward_service.contract.messages import Status, Trouble
from ward_service.domain.inputs import HomeTrouble
from ward_service.domain.pathway import Pathway
from ward_service.domain.sequence import Missing, Numbers
from ward_service.errors import StorageDownError
from ward_service.homes.read_receipts import tell_again
from ward_service.homes.sequence import GAP_GRACE, save_streams
from ward_service.homes.status import IgnoredStatus, StatusMessage
from ward_service.homes.words import as_input, as_missing
from ward_service.logs import log
from ward_service.stays.stay import Stay, tell
from ward_service.store.stays import state_of
from ward_service.store.streams import StreamKey
from ward_service.store.tables.homes import HomeStatusRow, SlotRow
from ward_service.store.unit_of_work import Store
from ward_service.ward import Ward

# How far ahead of the ward's a home's clock may say that a status was sent, and still be believed
# to be in order. docs/reference/brokers-and-databases.md#controls, C4: 5 minutes.
CLOCK_TOLERANCE: Final = timedelta(minutes=5)
# How soon a gap is looked at again whose numbers the home still holds: it says so every minute.
LOOK_AGAIN: Final = timedelta(minutes=1)
_BEFORE: Final = timedelta.resolution
HEARD: Final = "heard"  # the stage whose heartbeat is the last message from any home


def keep_statuses(
    ward: Ward, heard: Sequence[StatusMessage | IgnoredStatus], now: datetime
) -> None:
    """Keep what homes say of themselves. One status that breaks us leaves the others alone.

    Raises:
        StorageDownError: take the same statuses again; a status that is known is no news.
    """
    try:
        _keep(ward, heard, now)
        return
    except StorageDownError:
        raise
    except Exception as error:  # noqa: BLE001 - one by one, then
        log("statuses.broke_us", error=type(error).__name__, size=len(heard))
    for one in heard:
        try:
            _keep(ward, [one], now)
        except StorageDownError:
            raise
        except Exception as error:  # noqa: BLE001 - it says it again within a minute
            log("status.broke_us", gateway_id=one.gateway_id, error=type(error).__name__)


def came_online(store: Store, gateway_id: str, status: Status, now: datetime) -> None:
    """Do what a gateway needs that has come online, in the transaction that notes it.

    It was offline, or we did not know it, or its box was set up anew: a broker may have lost what
    was meant for it, so the plans that it does not name are sent again, and what was seen lately.
    """
    store.plans.want_again(gateway_id, status.plans)
    tell_again(store, gateway_id, now)
    log("home.came_online", gateway_id=gateway_id)


def look_at_gaps(ward: Ward, now: datetime, limit: int = 200) -> int:
    """Tell people of readings that were made at home and have not come; return streams looked at.

    What comes after all simply stops counting: it is kept, judged late, and nobody is told again.
    Safe to run twice, late, or by two workers: a stream belongs to whoever locks it first.
    """
    with ward.unit_of_work() as store:
        streams = store.streams.due(now, limit)
        if not streams:
            return 0
        gateways = {gateway_id for gateway_id, _ in streams}
        statuses = store.homes.statuses(gateways)
        missing: dict[StreamKey, Missing] = {}
        for key, numbers in streams.items():
            found = numbers.tell(_missing_by(statuses.get(key[0]), key[1], now))
            if found is not None:
                missing[key] = found
        save_streams(store, {key: streams[key] for key in missing}, None)
        store.streams.look_again(streams.keys() - missing.keys(), now + LOOK_AGAIN)
        _tell_of_missing(ward, store, missing, now)
    return len(streams)


def _missing_by(status: HomeStatusRow | None, stream: str, now: datetime) -> datetime:
    """Return by when a gap must have been seen to count: not while the home may still hold it.

    A home that holds nothing, or only what it took after a gap was seen, does not hold its numbers.
    """
    grace = now - GAP_GRACE
    if status is None or status.stream != stream or not status.depth or status.oldest_at is None:
        return grace
    oldest_at = status.oldest_at - timedelta(seconds=status.clock_ahead_s or 0)
    return min(grace, oldest_at - _BEFORE)


def _tell_of_missing(
    ward: Ward, store: Store, missing: Mapping[StreamKey, Missing], now: datetime
) -> None:
    holders = store.slots.holders({gateway_id for gateway_id, _ in missing})
    news = [
        _News(gateway_id, slot.episode_id, found)
        for (gateway_id, _), found in missing.items()
        for slot in holders.get(gateway_id, ())
    ]
    for gateway_id, stream in missing:
        log("home.numbers_missing", gateway_id=gateway_id, count=missing[gateway_id, stream].count)
    _tell(ward, store, news, now)


@dataclass(frozen=True, slots=True)
class _News:
    """Something that people of a stay are to be told of its home."""

    gateway_id: str
    episode_id: UUID
    of: Trouble | Missing

    def as_input(self, now: datetime, pathway: Pathway) -> HomeTrouble:
        if isinstance(self.of, Missing):
            return as_missing(self.of, now, pathway.service.zone)
        return as_input(self.of)


def _tell(ward: Ward, store: Store, news: Sequence[_News], now: datetime) -> None:
    """Tell people, each stay by itself: one that breaks us must not hide a home from the others."""
    absence_until = store.runtime.absence_until(now)
    for id_, row in store.stays.get({one.episode_id for one in news}, lock=True).items():
        with _surviving():
            stay = Stay(row, ward.pathways[row.pathway], state_of(row), absence_until)
            try:
                for one in news:
                    if one.episode_id == id_:
                        trouble = one.as_input(now, stay.pathway)
                        tell(store, stay, one.gateway_id, trouble, now)
            finally:
                if stay.steps:  # what was told is written, whatever broke after it
                    stay.save(store, now)


@contextmanager
def _surviving() -> Iterator[None]:
    """Go on after what breaks our code in one stay: its readings say so, each in quarantine."""
    try:
        yield
    except (SQLAlchemyError, StorageDownError):
        raise
    except Exception as error:  # noqa: BLE001
        log("stay.broke_us", error=type(error).__name__)


def _keep(ward: Ward, heard: Sequence[StatusMessage | IgnoredStatus], now: datetime) -> None:
    messages = [one for one in heard if isinstance(one, StatusMessage)]
    gateways = {message.gateway_id for message in messages}
    with ward.unit_of_work() as store:
        for one in heard:
            if isinstance(one, IgnoredStatus):
                store.homes.ignore_status(one.gateway_id, one.reason, now)
                log("status.ignored", gateway_id=one.gateway_id, reason=one.reason)
        kept = store.homes.statuses(gateways, lock=True)
        streams = store.streams.get(gateways)
        holders = store.slots.holders(gateways)
        changed: dict[StreamKey, Numbers] = {}
        news: list[_News] = []
        for message in messages:
            row = kept.get(message.gateway_id)
            if not _is_news(message, row, now):
                continue
            news += _news_of(message, row, holders.get(message.gateway_id, ()))
            came = message.status.online and (
                row is None or not row.online or row.stream != message.status.stream
            )
            if row is None:
                row = kept[message.gateway_id] = HomeStatusRow(
                    gateway_id=message.gateway_id, since=now
                )
            _write(row, message, now)
            store.homes.save_status(row)
            if came:
                came_online(store, message.gateway_id, message.status, now)
            _note_made(message, streams, changed, now)
        if messages:
            store.runtime.beat(HEARD, now, ward.clock.wall())
        if changed:
            save_streams(store, changed, None)
        if news:
            _tell(ward, store, news, now)


def _is_news(message: StatusMessage, row: HomeStatusRow | None, now: datetime) -> bool:
    """Whether a status says more than what is known: not a retained or a captured one again.

    A will is as old as its connection, whose statuses are all newer: so it is news when it is a
    will that we have not seen. A home whose clock ran ahead and was put right is believed again.
    """
    if row is None:
        return True
    if message.will:
        return row.will_at is None or message.sent_at > row.will_at
    if row.sent_at is None:
        return True
    believable = now + CLOCK_TOLERANCE
    if row.sent_at > believable >= message.sent_at:
        return True
    return message.sent_at > row.sent_at


def _news_of(
    message: StatusMessage, row: HomeStatusRow | None, holders: Sequence[SlotRow]
) -> list[_News]:
    """Return whom to tell of what is wrong: what was not so before, and all to who came since."""
    before = {_which(trouble) for trouble in troubles_of(row)} if row is not None else set()
    before_at = row.told_at if row is not None else None
    return [
        _News(message.gateway_id, slot.episode_id, trouble)
        for trouble in message.status.troubles
        for slot in holders
        if trouble.slot in (None, slot.slot)
        and (_which(trouble) not in before or before_at is None or slot.since > before_at)
    ]


def troubles_of(row: HomeStatusRow) -> list[Trouble]:
    """Return what a home last said is wrong in it."""
    return [Trouble.model_validate(trouble) for trouble in row.troubles or ()]


def _which(trouble: Trouble) -> tuple[Any, ...]:
    return trouble.code, trouble.slot, trouble.device


def _write(row: HomeStatusRow, message: StatusMessage, now: datetime) -> None:
    """Write what a home says. A will says only that it is offline: the rest stays as it was."""
    status = message.status
    if row.online is not status.online:
        row.online, row.since = status.online, now
    row.received_at = now
    if message.will:
        row.will_at = message.sent_at
        return
    whole = status.model_dump(mode="json")
    row.sent_at, row.told_at = message.sent_at, now
    row.stream, row.next_seq = status.stream, status.next_seq
    row.depth, row.oldest_at, row.bytes = status.spool_depth, status.oldest_at, status.spool_bytes
    row.radio, row.software, row.clock_ahead_s = status.radio, status.software, status.clock_ahead_s
    row.unclaimed, row.plans = status.unclaimed, whole["plans"]
    row.devices, row.troubles = whole["devices"], whole["troubles"]


def _note_made(
    message: StatusMessage,
    streams: Mapping[StreamKey, Numbers],
    changed: dict[StreamKey, Numbers],
    now: datetime,
) -> None:
    """Note which numbers a home says it made: such a reading has come, or will, or is missing."""
    status = message.status
    if status.stream is None or status.next_seq is None:
        return
    key = (message.gateway_id, status.stream)
    numbers = streams.get(key) or changed.get(key) or Numbers()
    before = numbers.made
    numbers.says_made(status.next_seq, now)
    if numbers.made != before:
        changed[key] = numbers
