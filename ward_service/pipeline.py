"""The ward's story, top to bottom: record -> assess -> escalate -> notify. Start reading here.

Messages arrive in batches; one transaction keeps readings, assessments, alerts, ledger, ladders
and the calls to be made together; only then are there receipts, and only then is anybody called
(`notify/`). What cannot be read is quarantined with its reason. Time that passes goes the same way;
so does what staff typed (`typed.py`) and what people do about an alert or a stay (`acts.py`). A
stay in work is `stay.py`.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from ward_service.contract.messages import Receipt, Trace
from ward_service.contract.vocabulary import Outcome
from ward_service.domain.from_wire import as_input
from ward_service.domain.inputs import HomeTrouble, TimePassed, UnreadableArrived
from ward_service.domain.schedule import due_between
from ward_service.domain.state import Step
from ward_service.errors import StorageDownError
from ward_service.ingest.message import (
    NOBODY_SAID,
    Arrived,
    Opened,
    Readable,
    Unreadable,
    open_message,
)
from ward_service.ingest.sequence import Streams
from ward_service.logs import log
from ward_service.stays.stay import Stay, load_stays, tell
from ward_service.store.stays import state_of
from ward_service.store.tables.homes import SlotRow
from ward_service.store.tables.readings import QuarantineRow
from ward_service.store.tables.stays import DueRow
from ward_service.store.unit_of_work import Store
from ward_service.ward import Ward

LOOK_AGAIN = timedelta(seconds=30)
SAME_ID = "another message with this id was kept before"
SAME_NUMBER = HomeTrouble(
    "home.same_number",
    "two different messages from this home carry one number, and both are kept: "
    "the box at home may have been reset or copied. Tell support",
)
WHOSE = HomeTrouble(
    "home.whose",
    "a reading came from this home and nobody said whose it was. It may be this person's: ask. "
    "Support can see it on the Data quality page",
)
HEARD = "heard"  # the stage whose heartbeat is the last message from any home


def take_batch(ward: Ward, batch: Sequence[Arrived], now: datetime) -> list[tuple[str, Receipt]]:
    """Keep, assess and escalate a batch; return (gateway, receipt) for all that is now durable.

    A message without its gateway's signature is quarantined and gets no receipt: a forged one
    must not make a home forget the reading whose id it carries.

    Raises:
        StorageDownError: nothing is kept, nothing may be promised.
    """
    opened = [open_message(message, ward.keys_of) for message in batch]
    try:
        return _take(ward, opened, now)
    except StorageDownError:
        raise
    except Exception as error:  # noqa: BLE001 - one message must not take its neighbours with it
        log("batch.broke_us", error=type(error).__name__, size=len(batch))
    receipts: list[tuple[str, Receipt]] = []
    for message in opened:
        try:
            receipts += _take(ward, [message], now)
        except StorageDownError:
            raise
        except Exception as error:  # noqa: BLE001
            log("reading.broke_us", error=type(error).__name__)
            reason = f"our fault: {type(error).__name__}"  # its text could repeat the payload
            receipts += _set_aside(ward, message.as_unreadable(reason), now)
    return receipts


def _set_aside(ward: Ward, message: Unreadable, now: datetime) -> list[tuple[str, Receipt]]:
    """Quarantine what broke us, on its person if that works, and else on nobody."""
    try:
        return _take(ward, [message], now)
    except StorageDownError:
        raise
    except Exception as error:  # noqa: BLE001 - the stay itself may be what breaks us
        log("stay.broke_us", error=type(error).__name__)
        return _take(ward, [replace(message, slot=None)], now)


def _take(ward: Ward, batch: Sequence[Opened], now: datetime) -> list[tuple[str, Receipt]]:
    """Do a whole batch in one transaction, in the order in which it came."""
    with ward.unit_of_work() as store:
        streams = Streams.of(store, batch)
        places = store.slots.by_place({message.gateway_id for message in batch})
        known = _Known.ask(store, [message for message in batch if isinstance(message, Readable)])
        filed = [_file(message, known, places) for message in batch]
        perhaps = _perhaps_theirs([message for message, _ in filed], places)
        whose = {id_ for _, id_ in filed if id_ is not None}
        stays = load_stays(ward, store, whose.union(*perhaps.values()), now)
        rows: list[dict[str, Any]] = []
        receipts: list[tuple[str, Receipt]] = []
        for message, episode_id in filed:
            stay = stays.get(episode_id) if episode_id else None
            came_before = not streams.came(message, now)
            if isinstance(message, Readable) and stay is not None:
                try:
                    done = stay.fold(as_input(message.reading, message.slot), now)
                except Exception as error:  # noqa: BLE001 - the next reading must not wait for it
                    log("reading.broke_us", error=type(error).__name__)
                    message = message.as_unreadable(f"our fault: {type(error).__name__}")
                else:
                    rows.append(_row(message, stay, done))
                    if came_before and not store.quarantine.holds(
                        message.gateway_id, _id_of(message)
                    ):
                        tell(store, stay, message.gateway_id, SAME_NUMBER, now)
            outcome, reason = Outcome.KEPT, ""
            if isinstance(message, Readable) and stay is None:
                outcome = Outcome.DUPLICATE
            elif isinstance(message, Unreadable):
                outcome, reason = Outcome.QUARANTINED, message.reason
                if _quarantine(store, message, stay, now) and message.reason == NOBODY_SAID:
                    for theirs in perhaps[message.gateway_id]:
                        tell(store, stays[theirs], message.gateway_id, WHOSE, now)
            reading_id = _id_of(message)
            if reading_id is not None:
                receipt = Receipt(reading_id=reading_id, outcome=outcome, reason=reason)
                receipts.append((message.gateway_id, receipt))
        store.readings.add(rows)
        streams.save(store, now)
        for stay in stays.values():
            if stay.steps:
                stay.save(store, now)
        store.runtime.beat(HEARD, now, ward.clock.wall())
    return receipts


def _perhaps_theirs(
    batch: Sequence[Opened], places: dict[tuple[str, int], list[SlotRow]]
) -> dict[str, list[UUID]]:
    """Return who has a slot now, by gateway, of gateways that sent what nobody claimed."""
    unclaimed = {
        message.gateway_id
        for message in batch
        if isinstance(message, Unreadable) and message.reason == NOBODY_SAID
    }
    found: dict[str, list[UUID]] = {gateway_id: [] for gateway_id in unclaimed}
    for (gateway_id, _), holders in places.items():
        if gateway_id in unclaimed:
            found[gateway_id] += [h.episode_id for h in holders if h.until is None]
    return found


@dataclass(slots=True)
class _Known:
    """Which readings are kept already, with their payloads, those of this batch included."""

    by_id: dict[tuple[str, UUID], bytes]
    by_key: set[tuple[str, str]]

    @classmethod
    def ask(cls, store: Store, batch: Sequence[Readable]) -> "_Known":
        if not batch:
            return cls({}, set())
        ids = [message.reading.reading_id for message in batch]
        keys = [m.reading.source_key for m in batch if m.reading.source_key is not None]
        return cls(*store.readings.known({m.gateway_id for m in batch}, ids, keys))

    def twice(self, message: Readable) -> bool:
        """Say whether a reading was kept before, and note that it is now."""
        id_ = (message.gateway_id, message.reading.reading_id)
        key = (message.gateway_id, message.reading.source_key or "")
        twice = id_ in self.by_id or (bool(key[1]) and key in self.by_key)
        self.by_id.setdefault(id_, message.arrived.payload)
        if key[1]:
            self.by_key.add(key)
        return twice

    def contradicts(self, message: Readable) -> bool:
        """Say whether something else was kept under this id: then it is no duplicate.

        A minute of samples of which a full spool kept only a summary is what was kept, in short.
        """
        kept = self.by_id.get((message.gateway_id, message.reading.reading_id))
        if kept is None or kept == message.arrived.payload:
            return False
        return not (isinstance(message.reading, Trace) and message.reading.summary_of is not None)


def _file(
    message: Opened, known: _Known, places: dict[tuple[str, int], list[SlotRow]]
) -> tuple[Opened, UUID | None]:
    """Return a message and whose it is. A duplicate is nobody's: it changes nothing."""
    holders = places.get((message.gateway_id, message.slot or 0), [])
    if isinstance(message, Unreadable):
        now_in_it = next((h.episode_id for h in holders if h.until is None), None)
        return message, now_in_it
    if known.contradicts(message):
        now_in_it = next((h.episode_id for h in holders if h.until is None), None)
        return message.as_unreadable(SAME_ID), now_in_it
    if known.twice(message):
        return message, None
    at = message.measured_at
    for holder in holders:
        if holder.since <= at and (holder.until is None or at < holder.until):
            return message, holder.episode_id
    if len(holders) == 1 and holders[0].until is None:
        return message, holders[0].episode_id  # one holder ever: only its time can be wrong
    reason = "nobody has this slot"
    if holders:
        reason = "its time fits nobody who had this slot: a person must decide whose it is"
    now_in_it = next((h.episode_id for h in holders if h.until is None), None)
    return message.as_unreadable(reason), now_in_it


# What a nurse is told of a quarantined message, by how its reason begins. The exact reason is for
# support: it stands with the message, and on the Data quality page.
_TOLD = {
    "our fault": "a message from this home could not be worked through: our fault",
    "its time fits nobody": "a reading came whose time fits nobody who had this place: "
    "somebody must decide whose it is",
    SAME_ID: SAME_NUMBER.words,
    "mac does not match": "a message that claims to come from this home was not signed by its box",
    "": "a message from this home could not be read",
}
_SEE = ". Support can see why on the Data quality page"


def as_unreadable(reason: str) -> UnreadableArrived:
    """Return what could not be read as the rules take it; replay makes it anew from the reason."""
    words = next(told for begins, told in _TOLD.items() if reason.startswith(begins))
    return UnreadableArrived(words + _SEE)


def _row(message: Readable, stay: Stay, done: Step) -> dict[str, Any]:
    """Return what a home sent as the store keeps it."""
    judged = done.judged
    assert judged is not None  # noqa: S101 - a reading was folded
    return stay.reading_row(judged, done.now) | {
        "gateway_id": message.gateway_id,
        "slot": message.slot,
        "source_key": message.reading.source_key,
        "stream": message.stream,
        "seq": message.seq,
        "payload": message.arrived.payload.decode(),
    }


def _quarantine(store: Store, message: Unreadable, stay: Stay | None, now: datetime) -> bool:
    """Keep what could not be read, and tell the people who look after whoever has its slot.

    The same message about the same person again is counted, and told once.

    Returns:
        Whether it came for the first time.
    """
    arrived = message.arrived
    about = stay.row.id.bytes if stay else b""
    whole = b"\x1f".join([arrived.topic.encode(), about, message.reason.encode(), arrived.payload])
    first = store.quarantine.add(
        QuarantineRow(
            gateway_id=message.gateway_id,
            slot=message.slot,
            episode_id=stay.row.id if stay else None,
            input_no=stay.inputs + 1 if stay else None,
            reading_id=message.reading_id,
            properties=dict(arrived.properties),
            payload=arrived.payload,
            sha256=hashlib.sha256(whole).hexdigest(),
            reason=message.reason,
            received_at=stay.moment(now) if stay else now,
            last_at=now,
        )
    )
    if first and stay is not None:
        stay.fold(as_unreadable(message.reason), now)
    log("reading.quarantined", gateway_id=message.gateway_id, reason=message.reason)
    return first


def _id_of(message: Opened) -> UUID | None:
    return message.reading_id if isinstance(message, Unreadable) else message.reading.reading_id


def look_at_silence(ward: Ward, now: datetime, limit: int = 1_000) -> int:
    """Work through deadlines that have passed; return how many stays were looked at.

    Safe to run twice, late, or by two workers: a stay belongs to whoever locks it first.
    """
    with ward.unit_of_work() as store:
        absence_until = store.runtime.absence_until(now)
        rows = store.stays.due(now, limit)
        for row in rows:
            stay = Stay(row, ward.pathways[row.pathway], state_of(row), absence_until)
            before = stay.state
            stay.fold(TimePassed(), now)
            if stay.state != before:
                stay.save(store, now)
            if stay.state.next_at is not None and stay.state.next_at <= now:
                # Silence waits for homes to catch up; let others be looked at meanwhile.
                store.stays.look_again(row, now + LOOK_AGAIN)
    return len(rows)


def write_due(ward: Ward, now: datetime) -> int:
    """Write down which readings the plan expected, once their windows have passed.

    Without these rows nobody could say later how complete the readings were. In a pause nothing
    was expected.
    """
    longest = max(pathway.schedule.window for pathway in ward.pathways.values())
    written = 0
    with ward.unit_of_work() as store:
        for row in store.stays.without_due(now - longest - timedelta(hours=1)):
            schedule, state = ward.pathways[row.pathway].schedule, state_of(row)
            until = now - schedule.window
            dues = [
                DueRow(
                    episode_id=row.id,
                    due_at=due,
                    window_from=due - schedule.window,
                    window_until=due + schedule.window,
                )
                for due in due_between(row.due_written_until, until, schedule, state.zone)
                if not any(pause.since <= due < pause.until for pause in state.pauses)
            ]
            store.stays.write_due(row, dues, until)
            written += len(dues)
    return written
