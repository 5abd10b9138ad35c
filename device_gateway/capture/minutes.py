"""Live streams: second by second into the spool, minute by minute on to the ward.

A second is durable when it has been heard. At more than one frame a second the first is, and what
later frames change of it is within the next second, or tick: no more than that is in memory.
Seconds are filed in the order in which they came, and a minute is cut where the clock jumps, so
that a wrong clock loses nothing, doubles nothing, and every array has honest moments.
"""

import logging
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from device_gateway.advise.adviser import Adviser, Rules
from device_gateway.capture.capture import Measured, device_of, in_bytes
from device_gateway.capture.seconds import (
    SECOND,
    Minute,
    as_minute,
    as_minutes,
    as_second,
    doubted,
    merged,
    minute_of,
    put_together,
    sees,
)
from device_gateway.capture.stream_rules import (
    INTERVAL_S,
    held_on,
    held_reading,
    is_stable,
    judged,
    settled,
    tail_length,
)
from device_gateway.config.devices_file import Paired
from device_gateway.spool.file import SpoolFullError
from device_gateway.spool.records import Outgoing, Progress, Sample, Unclaimed
from device_gateway.spool.spool import Spool
from ward_service.contract.ids import new_id
from ward_service.contract.messages import AdviceGiven, Device, Reading, Trace
from ward_service.contract.vocabulary import Vital

log = logging.getLogger(__name__)

MINUTE: Final = timedelta(minutes=1)
# These are ours: no source gives them.
GONE_AFTER: Final = timedelta(seconds=5)  # without a finger: the measurement is over
SILENT_AFTER: Final = timedelta(seconds=10)  # without a frame: the same; as the radio's watchdog
NOTHING_SAID: Final = 5  # so many minutes in a row of nothing seen are each sent, and then
NOTHING_SAID_EVERY: Final = 15  # those that begin a quarter of an hour
CLOCK_SLACK: Final = timedelta(seconds=5)  # a clock that was set back by more has jumped


@dataclass(slots=True)
class _Stream:
    """One device's live stream. `seconds` are of the open minute, `kept` as the spool has them.

    `tail` is what is judged: the seconds of the measurement that goes on, a minute or so. `id` is
    the open minute's, once something needs it. `said`: the vitals whose red run was sent on.
    `advised`: the patient was told of this measurement. `waits`: ids of its minutes that nobody
    has claimed. `saw`: anything, since the link is there.
    """

    address: str
    device: Paired | None = None
    known: Device | None = None
    slot: int | None = None
    seconds: list[Sample] = field(default_factory=list)
    kept: list[Sample] = field(default_factory=list)
    tail: list[Sample] = field(default_factory=list)
    id: UUID | None = None
    said: frozenset[Vital] = frozenset()
    advised: bool = False
    waits: set[UUID] = field(default_factory=set)
    saw: bool = False
    nothing: int = 0

    @property
    def slots(self) -> tuple[int, ...]:
        """Whose it can be."""
        if self.slot is not None:
            return (self.slot,)
        return self.device.slots if self.device else ()

    def over(self) -> None:
        """The measurement is over: what follows is another, perhaps another person's."""
        self.tail, self.said, self.advised = [], frozenset(), False
        self.slot, self.waits = None, set()


class Minutes:
    """The live streams of one home."""

    def __init__(self, spool: Spool, adviser: Adviser) -> None:
        """Go on with the seconds that are in the spool."""
        self._spool, self._adviser = spool, adviser
        self._streams = {address: self._restored(address) for address in spool.streaming()}

    def hear(
        self,
        device: Paired,
        some: Sequence[Measured],
        slot: int | None,
        progress: Progress | None = None,
    ) -> None:
        """Take frames of a device's live stream; `slot` is whose it is, if it begins now.

        Raises:
            SpoolFullError: what was not durable before is not kept; it was judged all the same.
        """
        stream = self._streams.setdefault(device.address, _Stream(device.address))
        stream.device = device
        judged_upto = stream.tail[-1].at if stream.tail else None
        full = None
        for one in some:
            stream.known = device_of(one) or stream.known
            try:
                self._take(stream, one, slot)
            except SpoolFullError as error:
                full = error
                break
        try:
            if full is None:
                self._keep(stream, progress)
        except SpoolFullError as error:
            full = error
            stream.seconds = list(stream.kept)
        if stream.tail and stream.tail[-1].at != judged_upto:
            self._judge(stream)
        if full is not None:
            raise full
        if _finger_gone(stream):
            self._close(stream, some[-1].capture.at, over=True)

    def parted(self, address: str, at: datetime) -> None:
        """End a device's stream: its link has gone.

        Raises:
            SpoolFullError: its seconds are still there; they become a minute later.
        """
        stream = self._streams.get(address)
        if stream is not None:
            self._close(stream, at, over=True, parted=True)
            del self._streams[address]

    def tick(self, now: datetime) -> None:
        """Close the minutes that are over.

        Raises:
            SpoolFullError: the seconds of a minute are still there.
        """
        full = None
        for stream in self._streams.values():
            try:
                self._tick(stream, now)
            except SpoolFullError as error:
                full = error
        if full is not None:
            raise full

    def claimed(self, id_: UUID, slot: int) -> set[UUID]:
        """Note whose a minute is; return the other minutes that wait of the same measurement."""
        for stream in self._streams.values():
            if id_ in stream.waits:
                stream.slot = slot
                others, stream.waits = stream.waits - {id_}, set()
                return others
        return set()

    def _tick(self, stream: _Stream, now: datetime) -> None:
        newest = max((part[-1].at for part in (stream.seconds, stream.tail) if part), default=now)
        silent = now - newest >= SILENT_AFTER
        if silent or (stream.seconds and _minute_over(stream.seconds, now)):
            self._close(stream, now, over=silent)
        elif stream.seconds and now >= newest + SECOND:
            self._keep(stream, flush=True)

    def _restored(self, address: str) -> _Stream:
        seconds = put_together(self._spool.samples(address))
        slot = next((s.slot for s in reversed(seconds) if s.slot is not None), None)
        tail = [second for second in seconds if sees(second)]
        return _Stream(
            address, slot=slot, seconds=seconds, kept=list(seconds), tail=tail, saw=bool(tail)
        )

    def _take(self, stream: _Stream, one: Measured, slot: int | None) -> None:
        """Put a frame into its second, in memory; cut the minute first where it ends."""
        second = as_second(one, stream.address, None)
        now = one.capture.at
        try:
            if stream.tail and second.at - stream.tail[-1].at > MINUTE:
                self._close(stream, now, over=True)
            last = stream.seconds[-1] if stream.seconds else second
            if second.at < last.at or minute_of(second.at) != minute_of(last.at):
                self._close(stream, now)
        finally:
            self._remember(stream, second, slot)
        second = replace(second, slot=stream.slot)
        if stream.seconds and stream.seconds[-1].at == second.at:
            stream.seconds[-1] = merged(stream.seconds[-1], second)
        else:
            stream.seconds.append(second)

    def _remember(self, stream: _Stream, second: Sample, slot: int | None) -> None:
        """Keep what is judged: no second before the first that saw, none across a jump.

        Whose it is, is settled when the sensor sees somebody, and stays until that is over.
        """
        tail = stream.tail
        if not tail or stream.slot is None:
            stream.slot = slot
        stream.saw = stream.saw or sees(second)
        if tail and tail[-1].at == second.at:
            tail[-1] = merged(tail[-1], second)
            return
        if tail and second.at < tail[-1].at:
            stream.tail, stream.said = [], frozenset()
        if stream.tail or sees(second):
            stream.tail.append(second)

    def _keep(
        self, stream: _Stream, progress: Progress | None = None, *, flush: bool = False
    ) -> None:
        """Make durable what is new; what only changed of the last second may wait for the next."""
        new = stream.seconds[len(stream.kept) :]
        at = len(stream.kept) - 1
        is_other = at >= 0 and stream.seconds[at] != stream.kept[at]
        changed = [stream.seconds[at]] if is_other else []
        first_seen = is_other and not sees(stream.kept[at])
        if new or first_seen or progress is not None or (flush and changed):
            self._spool.add_samples([*changed, *new], progress)
            stream.kept = list(stream.seconds)

    def _judge(self, stream: _Stream) -> None:
        """Tell at once what the last seconds mean, by the plan: a held red, a value that stands.

        Raises:
            SpoolFullError: a held red is not kept; it was advised on, and is tried again.
        """
        by_slot = {slot: rules for slot in stream.slots if (rules := self._adviser.rules(slot))}
        end = stream.tail[-1].at
        length = max(map(tail_length, by_slot.values()), default=MINUTE)
        stream.tail = [second for second in stream.tail if end - second.at <= length]
        if not by_slot or not any(sees(second) for second in stream.tail):
            return
        held = {h.vital: h for rules in by_slot.values() for h in held_on(stream.tail, rules)}
        new = [red for vital, red in held.items() if vital not in stream.said]
        if new:
            id_ = new_id(end)
            reading = held_reading(stream.tail, new, id_, stream.known)
            self._spool.add([self._sent_on(stream, reading, end)])
            log.info("red.held", extra={"reading_id": str(id_)})
        stream.said = frozenset(held)
        rules = by_slot.get(stream.slot or 0)
        steady = settled(stream.tail)
        if stream.slot is None or rules is None or stream.advised or doubted(steady[0]):
            return
        if is_stable(steady, rules):
            stream.advised = True
            self._advised(stream, stream.slot, rules, end)

    def _close(
        self, stream: _Stream, now: datetime, *, over: bool = False, parted: bool = False
    ) -> None:
        """Make the open minute one that is sent. `over`: the measurement ends with it."""
        if stream.seconds:
            entries = self._entries(stream, now, parted=parted)
            until = stream.seconds[-1].at + SECOND
            self._spool.close_minute(stream.address, until, entries)
            stream.seconds, stream.kept, stream.id = [], [], None
        if over:
            stream.over()

    def _entries(
        self, stream: _Stream, now: datetime, *, parted: bool
    ) -> list[Outgoing | Unclaimed]:
        minutes = as_minutes(stream.seconds)
        entries = [
            self._entry(stream, minute, new_id(minute.last_at), None) for minute in minutes[:-1]
        ]
        last = minutes[-1]
        if last.sees:
            stream.nothing = 0
            entries.append(self._judged_entry(stream, last, now))
        elif self._is_said(stream, last, parted=parted):
            entries.append(self._entry(stream, last, self._id(stream, last.last_at), None))
        else:
            log.info("minute.unsaid", extra={"seconds": len(stream.seconds)})
        return entries

    def _is_said(self, stream: _Stream, minute: Minute, *, parted: bool) -> bool:
        """Say whether a minute of nothing is worth sending: a slipped sensor is, but not for ever.

        What follows a measurement until the link goes is the finger leaving.
        """
        if stream.slot is None or (parted and stream.saw):
            return False
        stream.nothing += 1
        quarter = minute.started_at.minute % NOTHING_SAID_EVERY == 0
        return stream.nothing <= NOTHING_SAID or (quarter and minute.started_at.second == 0)

    def _judged_entry(self, stream: _Stream, minute: Minute, now: datetime) -> Outgoing | Unclaimed:
        """Return a minute with what its person was told of it, if they have a plan."""
        at = minute.last_at
        rules = self._adviser.rules(stream.slot) if stream.slot else None
        if stream.slot is None or rules is None or not stream.tail:
            return self._entry(stream, minute, self._id(stream, at), None)
        told = self._advised(stream, stream.slot, rules, now)
        return self._entry(stream, minute, told.reading_id, told)

    def _advised(self, stream: _Stream, slot: int, rules: Rules, now: datetime) -> Reading:
        """Judge the measurement as it stands, and have its person told."""
        minute = as_minute(settled(stream.tail))
        reading = judged(minute, self._id(stream, minute.last_at), stream.known, rules)
        return self._adviser.advised(reading, slot, now)

    def _entry(
        self, stream: _Stream, minute: Minute, id_: UUID, told: Reading | None
    ) -> Outgoing | Unclaimed:
        advice: AdviceGiven | None = told.advice if told else None
        trace = Trace(
            reading_id=id_,
            started_at=minute.started_at,
            interval_s=INTERVAL_S,
            samples=minute.samples,
            device=stream.known,
            quality=minute.quality,
            advice=advice,
        )
        at, payload = minute.last_at, in_bytes(trace)
        if stream.slot is None:
            stream.waits.add(id_)
            return Unclaimed(id_, at, payload, stream.slots)
        if told is None:
            return Outgoing(id_, at, payload, stream.slot)
        return Outgoing(id_, at, payload, stream.slot, told.measured_at, in_bytes(told))

    def _sent_on(self, stream: _Stream, reading: Reading, at: datetime) -> Outgoing | Unclaimed:
        if stream.slot is None:
            stream.waits.add(reading.reading_id)
            return Unclaimed(reading.reading_id, at, in_bytes(reading), stream.slots)
        told = self._adviser.advised(reading, stream.slot, at)
        return Outgoing(told.reading_id, at, in_bytes(told), stream.slot, told.measured_at)

    def _id(self, stream: _Stream, at: datetime) -> UUID:
        """Return the id of the open minute: made once, when something first needs it."""
        stream.id = stream.id or new_id(at)
        return stream.id


def _minute_over(seconds: Sequence[Sample], now: datetime) -> bool:
    """Say whether the civil minute is over; a clock that was set back far ends it too."""
    ends = minute_of(seconds[0].at) + MINUTE
    return now >= ends + SECOND or now < seconds[0].at - CLOCK_SLACK


def _finger_gone(stream: _Stream) -> bool:
    seen = [second for second in stream.tail if sees(second)]
    return bool(seen) and stream.tail[-1].at - seen[-1].at >= GONE_AFTER
