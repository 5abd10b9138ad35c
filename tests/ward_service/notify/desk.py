"""A ward at which the tests sit: they hand it the time, and let it send what is due by then."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import count
from typing import cast
from uuid import UUID

from sqlalchemy import select

from tests.factories import NOON, Home, a_home, a_reading
from ward_service.contract.clock import Clock
from ward_service.contract.vocabulary import Channel
from ward_service.domain.inputs import Acknowledged
from ward_service.errors import NotifyError
from ward_service.notify import outbox
from ward_service.notify.channels import open_channels
from ward_service.notify.outbox import Claim
from ward_service.pipeline import process_due_deadlines, take_batch
from ward_service.stays.acts import act
from ward_service.store.tables.alerts import AlertRow
from ward_service.store.tables.messages import MessageRow, RosterRow
from ward_service.ward import Ward

_keys = count(1)


@dataclass
class HandClock:
    """A clock that stands still until a test moves it; the ward's time and real time together."""

    at: datetime = NOON
    speed: float = 1.0

    def now(self) -> datetime:
        return self.at

    def wall(self) -> datetime:
        return self.at

    def moves(self, seconds: float) -> None:
        self.at += timedelta(seconds=seconds)


@dataclass
class Desk:
    ward: Ward
    clock: HandClock
    homes: list[Home] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.ward.clock = cast(Clock, self.clock)
        self.channels = dict(open_channels(self.ward.settings))

    def red(self) -> UUID:
        """Somebody new is red now: the first step of the ladder has been taken."""
        home = a_home(self.ward, f"home-{len(self.homes) + 1:02d}", self.clock.at)
        self.homes.append(home)
        take_batch(self.ward, [home.sends(a_reading(88, at=self.clock.at))], self.clock.at)
        with self.ward.sessions() as session:
            newest = select(AlertRow).order_by(AlertRow.opened_at.desc(), AlertRow.id.desc())
            found = session.scalars(newest).first()
            assert found
            return found.id

    def answers(self, alert_id: UUID, by: str = "nurse-3") -> None:
        """Somebody acknowledges an alert, as it stands by now."""
        process_due_deadlines(self.ward, self.clock.at)
        with self.ward.unit_of_work(read_only=True) as store:
            row = store.alerts.get(alert_id)
            assert row
        deed = Acknowledged(alert_id, by, row.version)
        act(self.ward, alert_id, deed, f"key-{next(_keys)}", self.clock.at)

    def on_the_roster(self, role: str, channel: Channel, address: str = "") -> int:
        with self.ward.unit_of_work() as store:
            row = RosterRow(role=role, channel=channel, address=address, since=NOON)
            store.add(row)
            return row.id

    def claims(self) -> list[Claim]:
        return outbox.claim(self.ward, self.channels, {}, self.clock.at, self.clock.at)

    def sends(self) -> int:
        """One look of the sender, from claim to mark; return how many attempts it made."""
        claimed = self.claims()
        for each in claimed:
            failure = None
            try:
                if not outbox.send(self.ward, self.channels, each):
                    continue
            except NotifyError as error:
                failure = error
            outbox.settle(self.ward, each, failure, self.clock.at, self.clock.at)
        return len(claimed)

    def messages(self) -> list[MessageRow]:
        with self.ward.sessions() as session:
            query = select(MessageRow).order_by(MessageRow.written_at, MessageRow.key)
            return list(session.scalars(query))

    def message(self) -> MessageRow:
        """The only message there is."""
        [only] = self.messages()
        return only
