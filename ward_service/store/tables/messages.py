"""Calls to people: what waits to be sent, who is called when, and by which channel."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import (
    ForeignKey,
    Index,
    text,
)
from sqlalchemy.orm import Mapped, mapped_column

from ward_service.contract.vocabulary import (
    Channel,
    Level,
)
from ward_service.store.tables.base import Base, Counter


class MessageRow(Base):
    """A call to somebody, to be sent once. Written with what it is about, sent afterwards.

    `key` is the idempotency key that the receiver sees. `to` is a role, the patient, or
    `owner:NAME`; the address is looked up when it is sent, and kept nowhere else. `way` is the
    line of the roster by which it is tried, or was sent, `channel` that line's channel, `attempts`
    how often by this way; `tried` are the ways that were given up. `try_at` (empty: at once) and
    `leased_until` are real time, all other moments the ward's. It ends as sent, stopped (somebody
    answered, or it came too late) or given up (nobody could be reached).

    To be sent is to be taken. By a channel that can say so (SMS) it is asked from `ask_at` (real
    time) on whether it arrived, `asked` times by now; `arrived_at` is when we knew. One that did
    not arrive is no longer sent: it waits again, for its next way.
    """

    __tablename__ = "message"
    key: Mapped[str] = mapped_column(primary_key=True)
    episode_id: Mapped[UUID] = mapped_column(ForeignKey("episode.id"))
    alert_id: Mapped[UUID | None] = mapped_column(ForeignKey("alert.id"), index=True)
    to: Mapped[str]
    by: Mapped[list[Any]]
    text_id: Mapped[str]
    level: Mapped[Level | None]
    due_at: Mapped[datetime]
    not_after: Mapped[datetime | None]
    written_at: Mapped[datetime]
    try_at: Mapped[datetime | None]
    leased_until: Mapped[datetime | None]
    attempts: Mapped[int] = mapped_column(default=0)
    way: Mapped[str | None]
    channel: Mapped[Channel | None]
    tried: Mapped[list[Any]] = mapped_column(default=list)
    sent_at: Mapped[datetime | None]
    stopped_at: Mapped[datetime | None]
    given_up_at: Mapped[datetime | None]
    problem: Mapped[str | None]
    ask_at: Mapped[datetime | None]
    asked: Mapped[int] = mapped_column(default=0)
    arrived_at: Mapped[datetime | None]
    # The sender asks the first and last all the time, and /health the others: all are few.
    __table_args__ = (
        Index(
            "ix_message_ask_at",
            "ask_at",
            postgresql_where=text("ask_at IS NOT NULL"),
            sqlite_where=text("ask_at IS NOT NULL"),
        ),
        Index(
            "ix_message_given_up",
            "given_up_at",
            postgresql_where=text("given_up_at IS NOT NULL"),
            sqlite_where=text("given_up_at IS NOT NULL"),
        ),
        Index(
            "ix_message_to_ring",
            "episode_id",
            postgresql_where=text("channel = 'phone' AND sent_at IS NOT NULL"),
            sqlite_where=text("channel = 'phone' AND sent_at IS NOT NULL"),
        ),
        Index(
            "ix_message_waiting",
            "try_at",
            postgresql_where=text("sent_at IS NULL AND stopped_at IS NULL AND given_up_at IS NULL"),
            sqlite_where=text("sent_at IS NULL AND stopped_at IS NULL AND given_up_at IS NULL"),
        ),
    )


class RosterRow(Base):
    """Who answers for a role, and how they are reached, from when to when.

    `tested_at` is when this address was last tried and answered: an untested one is no promise.
    """

    __tablename__ = "roster"
    id: Mapped[int] = mapped_column(Counter, primary_key=True, autoincrement=True)
    role: Mapped[str] = mapped_column(index=True)
    channel: Mapped[Channel]
    address: Mapped[str]
    since: Mapped[datetime]
    until: Mapped[datetime | None]
    tested_at: Mapped[datetime | None]


class ChannelRow(Base):
    """How a channel is doing, in real time. `failing_since`: nothing has gone out by it since.

    `failed_at` is the last failure and `problem` its reason, in words that name nobody.
    """

    __tablename__ = "channel"
    channel: Mapped[Channel] = mapped_column(primary_key=True)
    failing_since: Mapped[datetime | None]
    failed_at: Mapped[datetime | None]
    problem: Mapped[str | None]
