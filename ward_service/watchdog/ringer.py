"""Rings the operator: when something goes wrong, again until it is well, and then once more."""

import logging
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final

from ward_service.contract.vocabulary import Channel
from ward_service.errors import NotifyError, WardError
from ward_service.logs import log
from ward_service.notify.channels import NotSetUp, open_channels
from ward_service.notify.notifier import Notifier, OutgoingMessage
from ward_service.settings import Settings
from ward_service.watchdog.health import Fault

# Between two rings, whoever took the first: a ward that froze falls silent stage by stage.
PAUSE: Final = timedelta(seconds=5)


@dataclass(frozen=True, slots=True)
class Operator:
    """One way to the operator, from the settings: the database may be what is broken."""

    channel: Channel
    address: str
    notifier: Notifier


def operators(settings: Settings) -> list[Operator]:
    """Return the ways to the operator; none if the settings name none.

    Raises:
        WardError: an address is set whose channel is not.
    """
    channels = open_channels(settings)
    wanted = {
        Channel.EMAIL: settings.operator_email,
        Channel.WEBHOOK: settings.operator_webhook,
    }
    found = [Operator(c, address, channels[c]) for c, address in wanted.items() if address]
    for operator in found:
        if isinstance(operator.notifier, NotSetUp):
            raise WardError(
                f"HOMEWARD_OPERATOR_{operator.channel.upper()} is set, but "
                f"{operator.notifier.said}. The watchdog did not start."
            )
    return found


class Ringer:
    """Decides when to ring, and rings. `again`: how soon the same trouble is said once more.

    `steady`: how long the ward must be well before that is said, so that one that comes and goes
    is one trouble.
    """

    def __init__(self, operators: Sequence[Operator], again: timedelta, steady: timedelta) -> None:
        self._operators = operators
        self._again = again
        self._steady = steady
        self._told: set[str] = set()  # the kinds of trouble that the operator knows of
        self._began: datetime | None = None
        self._unwell_at = self._again_at = self._not_before = datetime.min.replace(tzinfo=UTC)
        self._count = 0

    def step(self, found: Collection[Fault], wall: datetime) -> None:
        """Ring if there is something new to say, or it is time to say it again."""
        if found:
            self._unwell_at = wall
            self._began = self._began or wall
        if wall < self._not_before or self._began is None:
            return
        kinds = {trouble.kind for trouble in found}
        if kinds and (kinds - self._told or wall >= self._again_at):
            log("ward.unwell", logging.ERROR, troubles=sorted(kinds))
            words = ". ".join(trouble.words for trouble in found)
            text = f"{words}. It began at {self._began:%H:%M:%S} UTC."
            if self._ring("Homeward: the ward is not well", text, wall):
                self._told |= kinds
                self._again_at = wall + self._again
        elif not kinds and wall - self._unwell_at >= self._steady:
            words = "What was wrong is over."
            if not self._told or self._ring("Homeward: the ward is well again", words, wall):
                log("ward.well_again")
                self._told, self._began = set(), None
                self._not_before = wall  # what comes next is new, and said at once

    def _ring(self, subject: str, text: str, wall: datetime) -> bool:
        """Ring everybody; return whether anybody was told. The same ring keeps its key."""
        assert self._began is not None  # noqa: S101 - nobody rings before something was wrong
        key = f"watchdog:{self._began.isoformat()}:{self._count}"
        told = not self._operators
        for operator in self._operators:
            try:
                operator.notifier.send(OutgoingMessage(key, operator.address, subject, text))
                told = True
            except NotifyError as error:
                _not_reached(operator, str(error))
            except Exception as error:  # noqa: BLE001 - a thread that dies would never ring again
                _not_reached(operator, f"our fault: {type(error).__name__}")
        self._not_before = wall + PAUSE
        self._count += told
        return told


def _not_reached(operator: Operator, problem: str) -> None:
    log("operator.not_reached", logging.ERROR, channel=operator.channel, problem=problem)
