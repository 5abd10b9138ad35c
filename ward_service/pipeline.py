"""The ward's story, top to bottom: record -> assess -> escalate -> notify. Start reading here.

Every message enters by `dispatch_batch`. Readings go one way: open, find whose they are, fold,
keep, tell, receipt. One transaction keeps readings, assessments, alerts, ledger, ladders and the
calls to be made; only then are there receipts, and only then are people called (`notify/`). What
cannot be read is quarantined with its reason. What homes say of themselves is `homes/watch.py`.
Time that passes goes through the same fold; so does what staff typed (`entry/record.py`) and what
people do about an alert or a stay (`stays/acts.py`). A stay in work is `stays/stay.py`.
"""

import hashlib
from collections.abc import Iterable, Sequence
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
from ward_service.homes.sequence import Streams
from ward_service.homes.watch import HEARD, keep_statuses
from ward_service.ingest.message import (
    NOBODY_SAID,
    ArrivedMessage,
    HomeMessage,
    ReadingMessage,
    UnreadableMessage,
    is_status,
    open_message,
    open_status,
)
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
NO_HOLDER = "nobody has this slot"
NO_HOLDER_THEN = "its time fits nobody who had this slot: a person must decide whose it is"


def dispatch_batch(
    ward: Ward, batch: Sequence[ArrivedMessage], now: datetime
) -> list[tuple[str, Receipt]]:
    """Take a batch from the wire: readings first, then what homes say of themselves.

    Returns:
        A receipt (gateway, receipt) for every reading that is now durable.

    Raises:
        StorageDownError: take the same batch again; what was kept of it is then a duplicate.
    """
    readings = [message for message in batch if not is_status(message)]
    statuses = [message for message in batch if is_status(message)]
    receipts = take_batch(ward, readings, now) if readings else []
    if statuses:
        keep_statuses(ward, [open_status(message, ward.keys_of) for message in statuses], now)
    return receipts


def take_batch(
    ward: Ward, batch: Sequence[ArrivedMessage], now: datetime
) -> list[tuple[str, Receipt]]:
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


def _set_aside(ward: Ward, message: UnreadableMessage, now: datetime) -> list[tuple[str, Receipt]]:
    """Quarantine what broke us, on its person if that works, and else on nobody."""
    try:
        return _take(ward, [message], now)
    except StorageDownError:
        raise
    except Exception as error:  # noqa: BLE001 - the stay itself may be what breaks us
        log("stay.broke_us", error=type(error).__name__)
        return _take(ward, [replace(message, slot=None)], now)


def _take(ward: Ward, batch: Sequence[HomeMessage], now: datetime) -> list[tuple[str, Receipt]]:
    """Do a whole batch in one transaction, in the order in which it came."""
    with ward.unit_of_work() as store:
        streams = Streams.of(store, batch)
        slots = store.slots.by_place({message.gateway_id for message in batch})
        owned = _find_owners(store, batch, slots)
        residents = _residents([message for message, _ in owned], slots)
        owners = {episode_id for _, episode_id in owned if episode_id is not None}
        stays = load_stays(ward, store, owners.union(*residents.values()), now)
        effects: list[_Effect] = []
        for message, episode_id in owned:
            resent = not streams.came(message, now)
            effect = _fold(store, message, stays.get(episode_id) if episode_id else None, now)
            _tell(store, effect, resent, residents, stays, now)
            effects.append(effect)
        store.readings.add([effect.row for effect in effects if effect.row is not None])
        streams.save(store, now)
        for stay in stays.values():
            if stay.steps:
                stay.save(store, now)
        store.runtime.beat(HEARD, now, ward.clock.wall())
    return list(_receipts(effects))


@dataclass(frozen=True, slots=True)
class _Effect:
    """What one message led to: the row to keep, what to tell its people, and the receipt.

    `message` is unreadable where folding it broke us. `first`: it is new to the quarantine.
    """

    message: HomeMessage
    outcome: Outcome
    stay: Stay | None = None
    row: dict[str, Any] | None = None
    first: bool = False


def _fold(store: Store, message: HomeMessage, stay: Stay | None, now: datetime) -> _Effect:
    """Let the rules judge a message; quarantine one that cannot be read, or that breaks them."""
    if isinstance(message, ReadingMessage):
        if stay is None:
            return _Effect(message, Outcome.DUPLICATE)
        try:
            done = stay.fold(as_input(message.reading, message.slot), now)
        except Exception as error:  # noqa: BLE001 - the next reading must not wait for it
            log("reading.broke_us", error=type(error).__name__)
            message = message.as_unreadable(f"our fault: {type(error).__name__}")
        else:
            return _Effect(message, Outcome.KEPT, stay, _row(message, stay, done))
    first = _quarantine(store, message, stay, now)
    return _Effect(message, Outcome.QUARANTINED, stay, first=first)


def _tell(
    store: Store,
    effect: _Effect,
    resent: bool,
    residents: dict[str, list[UUID]],
    stays: dict[UUID, Stay],
    now: datetime,
) -> None:
    """Tell people of a number that two messages carry, and of a reading that nobody claimed."""
    message, stay = effect.message, effect.stay
    if isinstance(message, ReadingMessage):
        if (
            stay is not None
            and resent
            and not store.quarantine.holds(message.gateway_id, message.reading_id)
        ):
            tell(store, stay, message.gateway_id, SAME_NUMBER, now)
    elif effect.first and message.reason == NOBODY_SAID:
        for episode_id in residents[message.gateway_id]:
            tell(store, stays[episode_id], message.gateway_id, WHOSE, now)


def _receipts(effects: Iterable[_Effect]) -> Iterable[tuple[str, Receipt]]:
    """Yield a receipt for each message whose reading is known by its id."""
    for effect in effects:
        message = effect.message
        if message.reading_id is not None:
            reason = "" if isinstance(message, ReadingMessage) else message.reason
            receipt = Receipt(reading_id=message.reading_id, outcome=effect.outcome, reason=reason)
            yield message.gateway_id, receipt


def _find_owners(
    store: Store, batch: Sequence[HomeMessage], slots: dict[tuple[str, int], list[SlotRow]]
) -> list[tuple[HomeMessage, UUID | None]]:
    """Return each message with the stay whose it is; one that fits no stay becomes unreadable."""
    known = _Known.ask(store, [m for m in batch if isinstance(m, ReadingMessage)])
    return [
        _find_owner(message, known, slots.get((message.gateway_id, message.slot or 0), []))
        for message in batch
    ]


def _find_owner(
    message: HomeMessage, known: "_Known", holders: Sequence[SlotRow]
) -> tuple[HomeMessage, UUID | None]:
    """Return a message and whose it is. A duplicate is nobody's: it changes nothing."""
    if isinstance(message, UnreadableMessage):
        return message, _current_holder(holders)
    if known.contradicts(message):
        return message.as_unreadable(SAME_ID), _current_holder(holders)
    if known.twice(message):
        return message, None
    owner = _holder_at(holders, message.measured_at)
    if owner is not None:
        return message, owner
    reason = NO_HOLDER if not holders else NO_HOLDER_THEN
    return message.as_unreadable(reason), _current_holder(holders)


def _holder_at(holders: Sequence[SlotRow], at: datetime) -> UUID | None:
    """Return who had a slot at a moment; where only one person ever had it, they had it then."""
    for holder in holders:
        if holder.since <= at and (holder.until is None or at < holder.until):
            return holder.episode_id
    if len(holders) == 1:  # only its time can be wrong
        return _current_holder(holders)
    return None


def _current_holder(holders: Sequence[SlotRow]) -> UUID | None:
    return next((holder.episode_id for holder in holders if holder.until is None), None)


def _residents(
    batch: Sequence[HomeMessage], slots: dict[tuple[str, int], list[SlotRow]]
) -> dict[str, list[UUID]]:
    """Return who has a slot now, by gateway, of gateways that sent what nobody claimed."""
    unclaimed = {
        message.gateway_id
        for message in batch
        if isinstance(message, UnreadableMessage) and message.reason == NOBODY_SAID
    }
    found: dict[str, list[UUID]] = {gateway_id: [] for gateway_id in unclaimed}
    for (gateway_id, _), holders in slots.items():
        if gateway_id in unclaimed:
            found[gateway_id] += [h.episode_id for h in holders if h.until is None]
    return found


@dataclass(slots=True)
class _Known:
    """Which readings are kept already, with their payloads, those of this batch included."""

    by_id: dict[tuple[str, UUID], bytes]
    by_key: set[tuple[str, str]]

    @classmethod
    def ask(cls, store: Store, batch: Sequence[ReadingMessage]) -> "_Known":
        if not batch:
            return cls({}, set())
        ids = [message.reading.reading_id for message in batch]
        keys = [m.reading.source_key for m in batch if m.reading.source_key is not None]
        return cls(*store.readings.known({m.gateway_id for m in batch}, ids, keys))

    def twice(self, message: ReadingMessage) -> bool:
        """Say whether a reading was kept before, and note that it is now."""
        id_ = (message.gateway_id, message.reading.reading_id)
        key = (message.gateway_id, message.reading.source_key or "")
        twice = id_ in self.by_id or (bool(key[1]) and key in self.by_key)
        self.by_id.setdefault(id_, message.arrived.payload)
        if key[1]:
            self.by_key.add(key)
        return twice

    def contradicts(self, message: ReadingMessage) -> bool:
        """Say whether something else was kept under this id: then it is no duplicate.

        A minute of samples of which a full spool kept only a summary is what was kept, in short.
        """
        kept = self.by_id.get((message.gateway_id, message.reading.reading_id))
        if kept is None or kept == message.arrived.payload:
            return False
        return not (isinstance(message.reading, Trace) and message.reading.summary_of is not None)


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


def _row(message: ReadingMessage, stay: Stay, done: Step) -> dict[str, Any]:
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


def _quarantine(store: Store, message: UnreadableMessage, stay: Stay | None, now: datetime) -> bool:
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


def process_due_deadlines(ward: Ward, now: datetime, limit: int = 1_000) -> int:
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
