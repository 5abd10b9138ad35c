"""Whose a reading is: by the device, by the user that it names, or by who said "I measure now".

Never by the device alone where several people share it. What nobody claims waits, and then goes to
the ward without a slot: the ward tells everybody it may be of, and no reading is filed by guessing.
"""

import logging
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from device_gateway.advise.adviser import Adviser
from device_gateway.capture.capture import in_bytes
from device_gateway.capture.stream_rules import is_red, judged, minute_in
from device_gateway.config.devices_file import Paired
from device_gateway.spool.records import NOBODY, Outgoing, Unclaimed
from device_gateway.spool.spool import Spool
from ward_service.contract.messages import Reading, Trace
from ward_service.contract.vocabulary import Quality, Vital

log = logging.getLogger(__name__)

# These five are ours: no source gives them.
MEASURING_FOR: Final = timedelta(minutes=5)  # how long "I measure now" holds
SAID_AFTERWARDS: Final = timedelta(minutes=1)  # a cuff's minute may have begun before it was said
WAITS: Final = timedelta(minutes=30)  # how long those at home are asked whose a reading is
HELP_AFTER: Final = timedelta(minutes=10)  # how long they are asked until a nurse may help them
RED_WAITS: Final = timedelta(minutes=2)  # the same, where it is red for anybody it may be of


class ClaimError(Exception):
    """A reading cannot be given to this slot. The text says why, and what is kept."""


@dataclass(frozen=True, slots=True)
class Waiting:
    """A reading of which nobody has said whose it is. At `goes_at` it goes without a slot."""

    reading_id: UUID
    measured_at: datetime
    values: dict[Vital, float]
    slots: tuple[int, ...]
    goes_at: datetime


@dataclass(frozen=True, slots=True)
class _Said:
    slot: int
    at: datetime


class Whose:
    """Who pressed, as far as somebody said so, and what waits until somebody does.

    What was said is not kept on disk: after a restart those at home are asked again, which is the
    safe side.
    """

    def __init__(self, spool: Spool, adviser: Adviser) -> None:
        """Go on with what waits in the spool."""
        self._spool, self._adviser = spool, adviser
        self._said: _Said | None = None
        self._red: dict[UUID, bool] = {}

    def measuring(self, slot: int, now: datetime) -> None:
        """Take what shared devices measure in the next minutes for this slot's."""
        self._said = _Said(slot, now)
        log.info("measuring.said", extra={"slot": slot})

    def of_stream(self, device: Paired, at: datetime) -> int | None:
        """Return whose a live stream is that begins at a moment; None: nobody has said."""
        return self._by_device(device, None) or self._by_word(device, at)

    def of_reading(self, device: Paired, user: int | None, reading: Reading) -> int | None:
        """Return whose a reading is; `user` is the device's own number of who pressed.

        What somebody said counts only for what is certainly of that time: a cuff that sends its
        whole memory must not make the old readings of others hers.
        """
        own = self._by_device(device, user)
        if own is not None or Quality.CLOCK_NOT_SET in reading.quality:
            return own
        return self._by_word(device, reading.measured_at)

    def unanswered(self, now: datetime) -> list[Waiting]:
        """Return what those at home were asked about for so long that somebody should ring them."""
        left = WAITS - HELP_AFTER
        return [one for one in self.waiting() if now >= one.goes_at - left]

    def waiting(self) -> list[Waiting]:
        """Return what nobody has claimed, oldest first."""
        found = []
        for entry in self._unclaimed():
            message = _message(entry)
            if isinstance(message, Trace):
                values = _lows(message)
                measured_at = message.started_at
            else:
                values = {o.vital: o.value for o in message.observations}
                measured_at = message.measured_at
            goes_at = entry.taken_at + self._wait(entry)
            found.append(Waiting(entry.reading_id, measured_at, values, entry.slots, goes_at))
        return found

    def claim(self, ids: Iterable[UUID], slot: int, now: datetime) -> None:
        """Give readings to a slot: judged now, sent with the time at which they were measured.

        Raises:
            ClaimError: one of them does not wait, or cannot be this slot's; none was given.
            SpoolFullError: the rest of them still waits.
        """
        waiting = {entry.reading_id: entry for entry in self._unclaimed()}
        asked = list(dict.fromkeys(ids))
        for id_ in asked:
            if id_ not in waiting:
                raise ClaimError(
                    "nothing waits under this id: it was claimed before, or went to the ward,"
                    " which asks whose it is"
                )
            if waiting[id_].slots and slot not in waiting[id_].slots:
                slots = ", ".join(map(str, waiting[id_].slots))
                raise ClaimError(f"its device is not slot {slot}'s, only {slots}; it still waits")
        for id_ in asked:
            self._spool.claim(self._claimed(waiting[id_], slot, now))
        log.info("readings.claimed", extra={"slot": slot, "count": len(asked)})

    def hand_on(self, now: datetime) -> int:
        """Send on, without a slot, what nobody claimed in its time; return how many.

        Raises:
            SpoolFullError: what was not sent still waits.
        """
        handed_on = 0
        for entry in self._unclaimed():
            age = now - entry.taken_at
            # Taken in the future: the clock has gone back since, and the wait has no measure.
            if age < self._wait(entry) and age > -SAID_AFTERWARDS:
                continue
            sent = Outgoing(entry.reading_id, entry.taken_at, entry.payload, slot=NOBODY)
            handed_on += self._spool.claim(sent) is not None
        if handed_on:
            log.warning("readings.nobodys", extra={"count": handed_on})
        return handed_on

    def _by_device(self, device: Paired, user: int | None) -> int | None:
        if user is not None and user in device.users:
            return device.users[user]
        return device.slots[0] if len(device.slots) == 1 and not device.users else None

    def _by_word(self, device: Paired, at: datetime) -> int | None:
        said = self._said
        if said is None or said.slot not in device.slots:
            return None
        return said.slot if said.at - SAID_AFTERWARDS <= at < said.at + MEASURING_FOR else None

    def _unclaimed(self) -> list[Unclaimed]:
        found = self._spool.unclaimed()
        ids = {entry.reading_id for entry in found}
        self._red = {id_: red for id_, red in self._red.items() if id_ in ids}
        return found

    def _wait(self, entry: Unclaimed) -> timedelta:
        red = self._red.get(entry.reading_id)
        if red is None:
            message = _message(entry)
            by_slot = (self._adviser.rules(slot) for slot in entry.slots)
            red = any(rules is not None and is_red(message, rules) for rules in by_slot)
            self._red[entry.reading_id] = red
        return RED_WAITS if red else WAITS

    def _claimed(self, entry: Unclaimed, slot: int, now: datetime) -> Outgoing:
        message = _message(entry)
        if isinstance(message, Reading):
            told = self._adviser.advised(message, slot, now)
            payload, at = in_bytes(told), told.measured_at
            return Outgoing(entry.reading_id, entry.taken_at, payload, slot, at)
        rules = self._adviser.rules(slot)
        minute = minute_in(message)
        if rules is None or not minute.sees:
            return Outgoing(entry.reading_id, entry.taken_at, entry.payload, slot)
        reading = judged(minute, entry.reading_id, message.device, rules)
        told = self._adviser.advised(reading, slot, now)
        payload = in_bytes(message.model_copy(update={"advice": told.advice}))
        at = told.measured_at
        return Outgoing(entry.reading_id, entry.taken_at, payload, slot, at, in_bytes(told))


def _message(entry: Unclaimed) -> Reading | Trace:
    """Return what was put there: our own words, so that they can be read."""
    if b'"samples"' in entry.payload:
        return Trace.model_validate_json(entry.payload)
    return Reading.model_validate_json(entry.payload)


def _lows(trace: Trace) -> dict[Vital, float]:
    """Return the lowest of each vital: enough to tell one person's minute from another's."""
    seen = {v: [n for n in values if n is not None] for v, values in trace.samples.items()}
    return {vital: min(values) for vital, values in seen.items() if values}
