"""Takes what homes have to say at its time on the shared clock, each thing once.

A source is a home's list of things to say, made anew in the same order each time it is asked for.
How many of them were taken is saved with them in one transaction, so that a process killed
anywhere goes on where it was.
"""

import logging
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import takewhile
from threading import Event
from typing import Final

from device_gateway.capture.capture import Capture
from device_gateway.config.devices_file import Paired
from device_gateway.config.homes_file import Place
from device_gateway.home import Home
from device_gateway.spool.file import SpoolFullError
from device_gateway.spool.records import Outgoing, Progress
from ward_service.contract.clock import Clock

log = logging.getLogger(__name__)

BATCH: Final = 200  # things of one home in one transaction
_NAP_S: Final = 0.5  # longest real wait, so that an end is noticed
_FULL_S: Final = 5.0  # real wait until a full spool is tried again


OXIMETER: Final = "00:00:00:00:00:00"  # the address of a device that is only played


def oximeter(place: Place, model: str = "") -> Paired:
    """Return the device of a home whose frames are played, not heard."""
    return Paired(address=OXIMETER, family="plx", slots=(place.slot,), model=model)


@dataclass(frozen=True, slots=True)
class Due:
    """Something to take at a moment: a frame, or a payload that goes past the decoders."""

    at: datetime
    item: Capture | Outgoing


@dataclass
class Part:
    """What one home still has to say, and how far it is. `taken` counts from the very start.

    `device` is what is played; `as_minutes`: as its live stream, put together to minutes.
    """

    home: Home
    device: Paired
    source: str
    started_at: datetime
    taken: int
    rest: Iterator[Due]
    waiting: list[Due] = field(default_factory=list)
    as_minutes: bool = False
    last_at: datetime | None = None

    def next_at(self) -> datetime | None:
        """Return when the next thing is due; None when there is no more."""
        if not self.waiting:
            self._pull()
        return self.waiting[0].at if self.waiting else None

    def take_due(self, until: datetime | None) -> int:
        """Take what is due by `until` (None: whenever), at most a batch; return how many.

        Raises:
            SpoolFullError: none of it is taken, all of it still waits; of a live stream, the rest.
        """

        def is_due(due: Due) -> bool:
            return until is None or due.at <= until

        while len(self.waiting) < BATCH and (not self.waiting or is_due(self.waiting[-1])):
            if not self._pull():
                break
        batch = list(takewhile(is_due, self.waiting))
        if self.as_minutes:
            return self._hear_stream(batch)
        if batch:
            done = Progress(self.source, self.started_at, self.taken + len(batch))
            self.home.hear(self.device, [due.item for due in batch], done, as_stream=False)
            self.taken = done.taken
            del self.waiting[: len(batch)]
        return len(batch)

    def end(self) -> None:
        """Say that there is no more: the last minute of a live stream is closed."""
        if self.as_minutes and self.next_at() is None:
            self.home.parted(self.device, self.last_at or self.started_at)

    def _hear_stream(self, batch: list[Due]) -> int:
        """Take a live stream frame by frame: what is durable and how far that is stay together."""
        for due in batch:
            done = Progress(self.source, self.started_at, self.taken + 1)
            self.home.hear(self.device, [due.item], done)
            self.taken, self.last_at = done.taken, due.at
            del self.waiting[0]
        return len(batch)

    def _pull(self) -> bool:
        due = next(self.rest, None)
        if due is not None:
            self.waiting.append(due)
        return due is not None


def play(parts: Sequence[Part], clock: Clock, stop: Event, *, hurry: bool = False) -> None:
    """Take everything at its time, or at once in a hurry; return at the end or when stopped.

    A full spool loses nothing: it is told on every try, and tried until it takes again.
    """
    while not stop.is_set():
        now = clock.now()
        taken = 0
        for part in parts:
            try:
                taken += part.take_due(None if hurry else now)
            except SpoolFullError as error:
                _tell_full(part, error)
                stop.wait(_FULL_S)
        if taken:
            continue
        upcoming = [at for part in parts if (at := part.next_at()) is not None]
        if not upcoming:
            break
        stop.wait(_nap(min(upcoming) - clock.now(), clock.speed))
    for part in parts:
        _end(part, stop)


def _end(part: Part, stop: Event) -> None:
    while not stop.is_set():
        try:
            part.end()
        except SpoolFullError as error:
            _tell_full(part, error)
            stop.wait(_FULL_S)
        else:
            return


def _tell_full(part: Part, error: SpoolFullError) -> None:
    ids = {"gateway_id": part.home.place.gateway, "why": str(error)}
    log.error("spool.full", extra=ids)


def _nap(ahead: timedelta, speed: float) -> float:
    return min(_NAP_S, max(0.0, ahead.total_seconds() / speed))
