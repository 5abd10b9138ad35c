"""The outbox, in SQL: messages are claimed with a lease, sent under their key, and marked.

Whoever dies in between loses nothing.
Source: docs/reference/brokers-and-databases.md#outbox (marking before sending lost 29 of 1,500 in
200 kills).
"""

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

from sqlalchemy import and_, case, exists, func, or_, select, update
from sqlalchemy.orm import aliased

from ward_service.contract.vocabulary import Channel, Level
from ward_service.store.calls import RINGING, WAITING
from ward_service.store.repository import Repository
from ward_service.store.tables.alerts import AlertRow, TimerRow
from ward_service.store.tables.messages import MessageRow
from ward_service.store.tables.readings import ReadingRow
from ward_service.store.tables.stays import EpisodeRow, PatientRow


class ToRing(NamedTuple):
    """Somebody whom a person is to ring: `way` says on which line of the roster."""

    episode_id: UUID
    alert_id: UUID | None
    to: str
    way: str | None
    level: Level | None
    since: datetime
    patient_phone: str


class About(NamedTuple):
    """Whose stay a message is about, and which alert, if any."""

    episode: EpisodeRow
    patient: PatientRow
    alert: AlertRow | None


class OutboxRepository(Repository):
    """Calls on their way."""

    def anything_to_send(self, wall: datetime) -> bool:
        """Say whether a message could be claimed now; asked often, and locks nothing."""
        return self._session.scalar(select(exists().where(_ripe(wall)))) or False

    def to_send(self, wall: datetime, busy: Collection[Channel], limit: int) -> list[MessageRow]:
        """Return messages that wait, red ones first and then the longest waiting, locked for us.

        A row that another sender locks is passed over, and so is one whose lease still runs, or
        whose channel is `busy`.
        """
        row = MessageRow
        query = (
            select(row)
            .where(_ripe(wall), or_(row.way.is_(None), row.channel.not_in(busy)))
            .order_by(case((row.level == Level.RED, 0), else_=1), row.written_at, row.key)
            .limit(limit)
            .with_for_update(skip_locked=True)
        )
        return list(self._session.scalars(query))

    def about(self, messages: Sequence[MessageRow]) -> dict[str, About]:
        """Return what each message is about, as it stands now."""
        row = MessageRow
        query = (
            select(row.key, EpisodeRow, PatientRow, AlertRow)
            .join(EpisodeRow, EpisodeRow.id == row.episode_id)
            .join(PatientRow, PatientRow.id == EpisodeRow.patient_id)
            .outerjoin(AlertRow, AlertRow.id == row.alert_id)
            .where(row.key.in_([message.key for message in messages]))
        )
        found = self._session.execute(query)
        return {key: About(episode, patient, alert) for key, episode, patient, alert in found}

    def lease(self, row: MessageRow, until: datetime) -> None:
        """Keep a message for oneself `until` (real time): a sender that dies holds it no longer."""
        row.leased_until = until
        row.attempts += 1

    def set_way(self, row: MessageRow, way: str, channel: Channel) -> None:
        """Note by which way a message is tried; another way than before begins anew."""
        if row.way != way:
            row.way, row.channel, row.attempts = way, channel, 0

    def try_again(self, row: MessageRow, at: datetime, problem: str) -> None:
        """Let a message be tried again by the same way, from a moment in real time on."""
        row.try_at, row.problem, row.leased_until = at, problem, None

    def close_way(self, row: MessageRow, wall: datetime, problem: str) -> None:
        """Note that a way has failed for good: the next one is tried at once."""
        row.tried = [*row.tried, row.way]
        row.way = None
        self.try_again(row, wall, problem)

    def stop(self, row: MessageRow, now: datetime, why: str) -> None:
        """Stop a message that is not worth sending any more."""
        row.stopped_at, row.problem, row.leased_until = now, why, None

    def give_up(self, row: MessageRow, now: datetime, problem: str) -> None:
        """Note that nobody is left by whom it could go out."""
        row.given_up_at, row.problem, row.leased_until = now, problem, None

    def holds(self, key: str, lease: datetime) -> bool:
        """Whether a message still waits, and is still ours under this lease."""
        row = MessageRow
        mine = WAITING & (row.key == key) & (row.leased_until == lease)
        return self._session.scalar(select(exists().where(mine))) or False

    def leased(self, key: str, lease: datetime) -> MessageRow | None:
        """Return a message that still waits and is ours under this lease, locked; or None."""
        row = MessageRow
        mine = WAITING & (row.key == key) & (row.leased_until == lease)
        return self._session.scalars(select(row).where(mine).with_for_update()).one_or_none()

    def mark_sent(
        self, key: str, way: str, channel: Channel, now: datetime, ask_at: datetime | None = None
    ) -> None:
        """Note that a message went out. True even if somebody answered while it did.

        `ask_at` (real time) is when to ask whether it arrived; None where nobody can say.
        """
        row = MessageRow
        here = (row.key == key) & row.sent_at.is_(None)
        why = case((row.stopped_at.is_not(None), row.problem), else_=None)
        went = {"sent_at": now, "way": way, "channel": channel, "given_up_at": None}
        went |= {"ask_at": ask_at, "asked": 0}
        self._session.execute(
            update(row).where(here).values(**went, leased_until=None, problem=why)
        )

    def anything_to_ask(self, wall: datetime) -> bool:
        """Say whether some message may be asked about now; asked often, and locks nothing."""
        return self._session.scalar(select(exists().where(MessageRow.ask_at <= wall))) or False

    def to_ask(self, wall: datetime, limit: int) -> list[MessageRow]:
        """Return messages that were sent and may be asked about, longest due first, locked."""
        row = MessageRow
        query = select(row).where(row.ask_at <= wall).order_by(row.ask_at, row.key).limit(limit)
        return list(self._session.scalars(query.with_for_update(skip_locked=True)))

    def ask_again(self, row: MessageRow, at: datetime | None) -> None:
        """Let a message be asked about again from a moment in real time on; None: never."""
        row.ask_at, row.asked = at, row.asked + 1

    def mark_arrived(self, key: str, way: str, now: datetime) -> None:
        """Note that a message arrived where it was sent."""
        row = MessageRow
        here = (row.key == key) & (row.way == way) & row.sent_at.is_not(None)
        self._session.execute(update(row).where(here).values(arrived_at=now, ask_at=None))

    def sent_by(self, key: str, way: str) -> MessageRow | None:
        """Return a message that was sent by a way, locked; None if it has moved on."""
        row = MessageRow
        here = (row.key == key) & (row.way == way) & row.sent_at.is_not(None)
        return self._session.scalars(select(row).where(here).with_for_update()).one_or_none()

    def unsend(self, row: MessageRow, wall: datetime, problem: str) -> None:
        """Note that a message did not arrive: it waits again, for its next way."""
        row.sent_at = row.ask_at = None
        self.close_way(row, wall, problem)

    def unreached(self, now: datetime) -> list[MessageRow]:
        """Return messages that were given up and still matter, longest ago first.

        One about an alert matters until somebody answers it, or a later call to the same people
        goes out; any other one while it would have been of use.
        """
        row, later = MessageRow, aliased(MessageRow)
        reached = exists().where(
            later.alert_id == row.alert_id, later.to == row.to, later.sent_at >= row.given_up_at
        )
        ringing = exists().where(AlertRow.id == row.alert_id, AlertRow.state.in_(RINGING))
        staying = exists().where(EpisodeRow.id == row.episode_id, EpisodeRow.ended_at.is_(None))
        matters = or_(
            and_(ringing, ~reached),
            and_(row.alert_id.is_(None), staying, row.not_after > now),
        )
        query = select(row).where(row.given_up_at.is_not(None), matters)
        return list(self._session.scalars(query.order_by(row.given_up_at, row.key)))

    def to_ring(self, now: datetime) -> list[ToRing]:
        """Return whom a person is to ring, longest waiting first, once for each of them.

        About an alert until somebody answers it; a reminder while it is of use and nothing came.
        """
        row = MessageRow
        ringing = exists().where(AlertRow.id == row.alert_id, AlertRow.state.in_(RINGING))
        came = exists().where(
            ReadingRow.episode_id == row.episode_id,
            ReadingRow.fills,
            ReadingRow.received_at > row.sent_at,
        )
        query = (
            select(row, PatientRow.phone)
            .join(EpisodeRow, EpisodeRow.id == row.episode_id)
            .join(PatientRow, PatientRow.id == EpisodeRow.patient_id)
            .where(row.channel == Channel.PHONE, row.sent_at.is_not(None))
            .where(EpisodeRow.ended_at.is_(None))
            .where(or_(ringing, and_(row.alert_id.is_(None), row.not_after > now, ~came)))
            .order_by(row.sent_at, row.key)
        )
        found: dict[tuple[UUID, str], ToRing] = {}
        for message, phone in self._session.execute(query):
            whom = ToRing(
                episode_id=message.episode_id,
                alert_id=message.alert_id,
                to=message.to,
                way=message.way,
                level=message.level,
                since=message.sent_at or now,
                patient_phone=phone,
            )
            found.setdefault((message.alert_id or message.episode_id, message.to), whom)
        return list(found.values())

    def untaken(self, written_before: datetime, ripe_before: datetime) -> int:
        """Count messages that wait although nobody holds them.

        Written before a moment of the ward's, or ripe to be tried again before one in real time.
        """
        row = MessageRow
        free = or_(row.leased_until.is_(None), row.leased_until < ripe_before)
        fresh = and_(row.try_at.is_(None), row.written_at < written_before)
        query = select(func.count()).where(WAITING, free, or_(fresh, row.try_at < ripe_before))
        return self._session.scalar(query) or 0

    def steps_overdue(self, due_before: datetime) -> int:
        """Count steps of ladders that fell due before a moment, and that nobody took or stopped."""
        row = TimerRow
        waiting = row.taken_at.is_(None) & row.stopped_at.is_(None)
        query = select(func.count()).where(waiting, row.due_at < due_before)
        return self._session.scalar(query) or 0


def _ripe(wall: datetime) -> Any:
    """A message that waits, that nobody holds, and that may be tried by now."""
    row = MessageRow
    free = or_(row.leased_until.is_(None), row.leased_until <= wall)
    return and_(WAITING, free, or_(row.try_at.is_(None), row.try_at <= wall))
