"""The ward's story, top to bottom: record -> assess -> escalate -> notify. Start reading here.

Messages arrive in batches; one transaction keeps readings, assessments, alerts, ledger, ladders
and the calls to be made together; only then are there receipts, and only then is anybody called
(`notify/`). What cannot be read is quarantined with its reason.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from ward_service.contract.messages import Reading, Receipt, Trace
from ward_service.contract.vocabulary import PATIENT, Outcome, Speaker, TaskKind, Vital
from ward_service.domain import alerts
from ward_service.domain.alerts import WARD
from ward_service.domain.arriving import as_diary, as_input
from ward_service.domain.episode import step
from ward_service.domain.inputs import (
    Acknowledged,
    Act,
    AlertAct,
    HomeTrouble,
    Input,
    Resolved,
    StayAct,
    TimePassed,
    UnreadableArrived,
)
from ward_service.domain.pathway import Pathway
from ward_service.domain.plan import in_the_plan
from ward_service.domain.schedule import due_between
from ward_service.domain.state import EpisodeState, Judged, Step
from ward_service.errors import (
    ConflictError,
    NoteNeededError,
    NotFoundError,
    SeenOldError,
    StorageDownError,
    WardError,
)
from ward_service.logs import log
from ward_service.opened import NOBODY_SAID, Arrived, Opened, Readable, Unreadable, open_message
from ward_service.store.stays import findings_of, state_of
from ward_service.store.tables import (
    ActRow,
    AlertRow,
    DueRow,
    EpisodeRow,
    HomeTroubleRow,
    QuarantineRow,
    SlotRow,
)
from ward_service.store.unit_of_work import Store
from ward_service.streams import Streams
from ward_service.ward import Ward

__all__ = [
    "HEARD",
    "Arrived",
    "Stay",
    "act",
    "act_on_stay",
    "look_at_silence",
    "record_diary",
    "record_reading",
    "take_batch",
    "tell",
    "write_due",
]

LOOK_AGAIN = timedelta(seconds=30)
# A request that waited for the database may come to a stay that was looked at after it came.
WAITED_AT_MOST = timedelta(seconds=60)
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
NO_GATEWAY = ""  # of what was typed at the ward
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


@dataclass(slots=True)
class Stay:
    """A stay while a transaction works on it: loaded once, folded many times, saved once.

    What it takes in is counted, and its time does not run backwards, so that a replay can take
    everything in the same order again.
    """

    row: EpisodeRow
    pathway: Pathway
    state: EpisodeState
    absence_until: datetime
    steps: list[Step] = field(default_factory=list)

    inputs: int = 0
    looked_at: datetime | None = None
    planned: tuple[object, ...] = ()

    def __post_init__(self) -> None:
        self.inputs, self.looked_at = self.row.inputs, self.row.looked_at
        self.planned = in_the_plan(self.state)

    def moment(self, now: datetime) -> datetime:
        """Return when an input is taken in that came at `now`: not before the one before it."""
        before = self.looked_at
        return before if before and now < before <= now + WAITED_AT_MOST else now

    def fold(self, happened: Input, now: datetime) -> Step:
        now = self.moment(now)
        done = step(
            self.row.id,
            self.state,
            happened,
            now,
            self.pathway,
            absence_until=self.absence_until,
        )
        self.state, self.looked_at = done.state, now
        self.inputs += not isinstance(happened, TimePassed)
        self.steps.append(done)
        return done

    def save(self, store: Store, now: datetime) -> None:
        """Write state, alerts, ledger, ladders, calls and tasks together."""
        store.save_episode(self.row, self.state)
        if in_the_plan(self.state) != self.planned:
            store.want_plans_of(self.row.id, ended=self.state.ended_at is not None)
        self.row.inputs, self.row.looked_at = self.inputs, self.looked_at
        changed = {id_: alert for done in self.steps for id_, alert in done.changed.items()}
        alerts = list(changed.values())
        entries = [entry for done in self.steps for entry in done.entries]
        if entries:
            store.save_alerts(self.row.id, alerts, entries)
            store.save_timers(alerts, [taken for done in self.steps for taken in done.taken], now)
            store.stop_messages(alerts, now)
        store.add_messages(self.row.id, [m for done in self.steps for m in done.messages], now)
        store.add_tasks(self.row.id, [task for done in self.steps for task in done.tasks])
        if self.state.ended_at is not None and self.row.ended_at is None:
            store.end_stay(self.row, self.state.ended_at, self.state.end_reason)
            store.shut_doors_of(self.row.id, now, WARD)
            store.stop_messages_of(self.row.id, now, "the stay has ended")
        elif self.state.in_hospital:
            store.stop_messages_of(self.row.id, now, "in hospital", to=PATIENT)
        elif self.state.paused_until is not None:
            # What an alert says to the patient is no reminder: a red is never muted.
            store.stop_messages_of(self.row.id, now, "paused", to=PATIENT, reminders_only=True)


def _take(ward: Ward, batch: Sequence[Opened], now: datetime) -> list[tuple[str, Receipt]]:
    """Do a whole batch in one transaction, in the order in which it came."""
    with ward.unit_of_work() as store:
        streams = Streams.of(store, batch)
        places = store.places({message.gateway_id for message in batch})
        known = _Known.ask(store, [message for message in batch if isinstance(message, Readable)])
        filed = [_file(message, known, places) for message in batch]
        perhaps = _perhaps_theirs([message for message, _ in filed], places)
        whose = {id_ for _, id_ in filed if id_ is not None}
        stays = _load(ward, store, whose.union(*perhaps.values()), now)
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
                    if came_before and not store.was_quarantined(
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
        store.add_readings(rows)
        streams.save(store, now)
        for stay in stays.values():
            if stay.steps:
                stay.save(store, now)
        store.beat(HEARD, now, ward.clock.wall())
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
        return cls(*store.known_readings({m.gateway_id for m in batch}, ids, keys))

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


def _load(ward: Ward, store: Store, ids: set[UUID], now: datetime) -> dict[UUID, Stay]:
    """Return stays to work on, locked for this transaction."""
    if not ids:
        return {}
    absence_until = store.absence_until(now)
    rows = store.episodes(ids, lock=True)
    return {
        id_: Stay(row, ward.pathways[row.pathway], state_of(row), absence_until)
        for id_, row in rows.items()
    }


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
    return _kept(judged, stay, done.now) | {
        "gateway_id": message.gateway_id,
        "slot": message.slot,
        "source_key": message.reading.source_key,
        "stream": message.stream,
        "seq": message.seq,
        "payload": message.arrived.payload.decode(),
    }


def _kept(judged: Judged, stay: Stay, received_at: datetime) -> dict[str, Any]:
    """Return a reading as the store keeps it, with what was made of it; not yet whence it came."""
    values = judged.reading.values
    findings = [
        {"level": str(f.level), "words": f.words, "doubtful": f.doubtful, "rule": f.rule}
        for f in judged.assessment.concerns
    ]
    return {
        "reading_id": judged.reading.reading_id,
        "gateway_id": NO_GATEWAY,
        "slot": None,
        "episode_id": stay.row.id,
        "input_no": stay.inputs,
        "source_key": None,
        "stream": None,
        "seq": None,
        "measured_at": judged.reading.measured_at,
        "judged_at": judged.judged_at,
        "received_at": received_at,
        "source": judged.reading.source,
        "context": judged.reading.context,
        "spo2": values.get(Vital.SPO2),
        "pulse_rate": values.get(Vital.PULSE_RATE),
        "payload": "",
        "level": judged.assessment.level,
        "findings": findings or None,
        "doubts": list(judged.doubts) or None,
        "fills": judged.assessment.reassuring and not judged.time_doubtful,
        "doubtful": bool(judged.doubts),
        "time_doubtful": judged.time_doubtful,
        "late": judged.late,
        "news2": asdict(judged.assessment.news2) if judged.assessment.news2 else None,
        "pathway": stay.pathway.name,
        "entered_by": None,
        "spoke": None,
    }


@dataclass(frozen=True, slots=True)
class Entered:
    """A reading that a member of staff typed. `key` names it: typed again, it is the same one.

    `spoke` is who told it by phone; None: it stood on paper.
    """

    reading: Reading
    by: str
    key: str
    spoke: Speaker | None = None


def record_reading(
    ward: Ward,
    episode_id: UUID,
    reading: Reading,
    by: str,
    key: str,
    now: datetime,
    spoke: Speaker = Speaker.PATIENT,
) -> UUID:
    """Take in a reading that somebody told by phone, once per key and person; return its id.

    From here on it is the same thing with another source. Sent again it is what it was: the id is
    that of the reading that was kept first.

    Raises:
        NotFoundError: there is no such stay.
        ConflictError: the stay had ended when it was measured.
        WardError: it holds nothing, or its time cannot be right.
    """
    entered = Entered(reading, by, _name("phone", episode_id, by, key), spoke)
    return _record(ward, episode_id, [entered], now)[0]


def record_diary(
    ward: Ward, episode_id: UUID, pages: Sequence[Reading], by: str, now: datetime
) -> list[UUID]:
    """Take in the pages of a paper diary, all or none, in one step of the rules; return their ids.

    A page is known by what stands on it: entered again, by whomever, it changes nothing.

    Raises:
        NotFoundError, ConflictError, WardError: as of a reading by phone.
    """
    entered = [Entered(page, by, _name_of_page(episode_id, page)) for page in pages]
    return _record(ward, episode_id, entered, now)


def _record(ward: Ward, episode_id: UUID, entered: Sequence[Entered], now: datetime) -> list[UUID]:
    with ward.unit_of_work() as store:
        stays = _load(ward, store, {episode_id}, now)
        if not stays:
            raise NotFoundError("There is no such stay.")
        [stay] = stays.values()  # locked: of two taps one is first
        known = store.typed_readings([one.key for one in entered])
        new = {one.key: one for one in entered if one.key not in known}
        for one in new.values():
            _must_be_of_the_stay(one.reading, stay, now)
        if new:
            done = stay.fold(as_diary([one.reading for one in new.values()]), now)
            judged = {j.reading.reading_id: j for j in (done.judged, *done.diary) if j is not None}
            rows = [
                _kept(judged[one.reading.reading_id], stay, done.now)
                | {
                    "source_key": one.key,
                    "payload": one.reading.model_dump_json(exclude_defaults=True),
                    "entered_by": one.by,
                    "spoke": one.spoke,
                }
                for one in new.values()
            ]
            store.add_readings(rows)
            stay.save(store, now)
            log("reading.entered", count=len(rows))
    ids = {key: one.reading.reading_id for key, one in new.items()} | known
    return [ids[one.key] for one in entered]


def _must_be_of_the_stay(reading: Reading, stay: Stay, now: datetime) -> None:
    """Refuse what the clock of a device could have said wrong, and a person can put right."""
    at, ended_at = reading.measured_at, stay.state.ended_at
    if at > now + stay.pathway.clock_tolerance:
        raise WardError("It was measured in the future. Put the time right; nothing was kept.")
    if at < stay.state.admitted_at - stay.pathway.before_stay:
        raise WardError("It was measured before this stay. Put the time right; nothing was kept.")
    if ended_at is not None and at >= ended_at:
        raise ConflictError(
            "This stay had ended when it was measured, and nobody would be called about it: "
            "nothing was kept. If the person is unwell, tell them to ring 999 or 111, or admit "
            "them again."
        )
    if not (reading.observations or reading.answers or reading.call_me):
        raise WardError("Nothing was entered, so nothing was kept.")


def _name(*facts: object) -> str:
    said = "\x1f".join(str(fact) for fact in facts)
    return f"typed:{hashlib.sha256(said.encode()).hexdigest()}"


def _name_of_page(episode_id: UUID, page: Reading) -> str:
    """Name a page by what stands on it, to the minute: nobody writes seconds into a diary."""
    values = sorted((o.vital, o.value) for o in page.observations)
    answers = sorted((a.question, a.answer) for a in page.answers)
    minute = page.measured_at.astimezone(UTC).replace(second=0, microsecond=0)
    return _name("paper", episode_id, minute, values, answers)


def tell(store: Store, stay: Stay, gateway_id: str, trouble: HomeTrouble, now: datetime) -> None:
    """Tell people what is wrong at the home of a stay. It is kept, so that replay tells it again.

    The stay must be saved afterwards.
    """
    at = stay.moment(now)
    stay.fold(trouble, now)
    store.add_home_trouble(
        HomeTroubleRow(
            episode_id=stay.row.id,
            input_no=stay.inputs,
            gateway_id=gateway_id,
            at=at,
            about=trouble.about,
            words=trouble.words,
        )
    )


def _quarantine(store: Store, message: Unreadable, stay: Stay | None, now: datetime) -> bool:
    """Keep what could not be read, and tell the people who look after whoever has its slot.

    The same message about the same person again is counted, and told once.

    Returns:
        Whether it came for the first time.
    """
    arrived = message.arrived
    about = stay.row.id.bytes if stay else b""
    whole = b"\x1f".join([arrived.topic.encode(), about, message.reason.encode(), arrived.payload])
    first = store.quarantine(
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
        absence_until = store.absence_until(now)
        rows = store.episodes_due(now, limit)
        for row in rows:
            stay = Stay(row, ward.pathways[row.pathway], state_of(row), absence_until)
            before = stay.state
            stay.fold(TimePassed(), now)
            if stay.state != before:
                stay.save(store, now)
            if stay.state.next_at is not None and stay.state.next_at <= now:
                # Silence waits for homes to catch up; let others be looked at meanwhile.
                store.look_again(row, now + LOOK_AGAIN)
    return len(rows)


def write_due(ward: Ward, now: datetime) -> int:
    """Write down which readings the plan expected, once their windows have passed.

    Without these rows nobody could say later how complete the readings were. In a pause nothing
    was expected.
    """
    longest = max(pathway.schedule.window for pathway in ward.pathways.values())
    written = 0
    with ward.unit_of_work() as store:
        for row in store.episodes_without_due(now - longest - timedelta(hours=1)):
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
            store.write_due(row, dues, until)
            written += len(dues)
    return written


def act(ward: Ward, alert_id: UUID, deed: AlertAct, key: str, now: datetime) -> AlertRow:
    """Let a person act on an alert, once per idempotency key and person.

    Raises:
        NotFoundError: there is no such alert.
        SeenOldError: it has changed since this person saw it, or is somebody else's.
        NoteNeededError: a red was to be resolved without a note.
        ConflictError: the life of the alert does not allow it.
    """
    with ward.unit_of_work() as store:
        alert = store.alert(alert_id)
        if alert is None:
            raise NotFoundError("There is no such alert.")
        before = store.act(key, deed.by)
        refused = before.refused if before else ""  # sent again, it is refused again
        if before is None:
            refused = _carry_out(ward, store, alert.episode_id, deed, key, now)
            # Both name the version that was seen, and were refused if it was not the newest.
            if not refused and isinstance(deed, Acknowledged | Resolved):
                shown = [found.reading_id for found in findings_of(alert) if found.reading_id]
                store.note_seen(alert.episode_id, shown, now, deed.by)
        acted = store.alert(alert_id)
    if refused:  # it is in the ledger by now that this person came second
        raise SeenOldError(refused, alert_id)
    assert acted is not None  # noqa: S101 - it was there a moment ago, and nothing deletes alerts
    return acted


def act_on_stay(ward: Ward, episode_id: UUID, deed: StayAct, key: str, now: datetime) -> None:
    """Let a person act on a stay, once per idempotency key and person.

    Raises:
        NotFoundError: there is no such stay.
        NoteNeededError: a reason or a note is missing.
        ConflictError: the stay, or the pathway, does not allow it.
    """
    with ward.unit_of_work() as store:
        if not store.episodes([episode_id], lock=False):
            raise NotFoundError("There is no such stay.")
        if store.act(key, deed.by) is None:
            _carry_out(ward, store, episode_id, deed, key, now)


def _carry_out(
    ward: Ward, store: Store, episode_id: UUID, deed: Act, key: str, now: datetime
) -> str:
    """Fold a person's act and write it down; return why it was refused, if it was."""
    [stay] = _load(ward, store, {episode_id}, now).values()
    alert_id = getattr(deed, "alert_id", None)
    try:
        done = stay.fold(deed, now)
    except alerts.SeenOldError as refused:
        assert alert_id is not None  # noqa: S101 - only an alert can be seen
        raise SeenOldError(str(refused), alert_id) from refused
    except alerts.NoteNeededError as refused:
        raise NoteNeededError(str(refused)) from refused
    except alerts.NotAllowedError as refused:
        raise ConflictError(str(refused)) from refused
    stay.save(store, now)
    row = ActRow(
        key=key,
        username=deed.by,
        episode_id=episode_id,
        alert_id=alert_id,
        at=done.now,
        input_no=stay.inputs,
        refused=done.refused,
    )
    store.add_act(row, deed)
    return done.refused


def finish_task(
    ward: Ward, which: tuple[UUID, TaskKind, int], by: str, note: str, now: datetime
) -> None:
    """Note that somebody has done a task.

    Raises:
        NotFoundError: there is no such task.
        ConflictError: somebody has done it already.
    """
    with ward.unit_of_work() as store:
        task = store.task(*which)
        if task is None:
            raise NotFoundError("There is no such task.")
        if task.done_at is not None:
            raise ConflictError(f"{task.done_by} has done this already.")
        store.finish_task(task, by, note.strip(), now)
