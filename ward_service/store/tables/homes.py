"""Gateways, the places in them, and what is known of each home."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import (
    BigInteger,
    ForeignKey,
    Index,
    UniqueConstraint,
    text,
)
from sqlalchemy.orm import Mapped, mapped_column

from ward_service.store.tables.base import Base, Counter


class GatewayRow(Base):
    """A gateway. Its key is derived from the ward's secret and `generation`; none is stored.

    `keyed_at` is when the key of this generation was handed out, None while nobody has it.
    `previous_until` is up to when what the generation before it signed is taken too. `asked_at` is
    the moment that the last signed request to renew named, `nonce_hmac` what it could be
    asked again with. `software` is what the box said of itself. All but `added_at` in real time.
    """

    __tablename__ = "gateway"
    id: Mapped[str] = mapped_column(primary_key=True)
    generation: Mapped[int] = mapped_column(default=1)
    added_at: Mapped[datetime]
    revoked_at: Mapped[datetime | None]
    keyed_at: Mapped[datetime | None]
    previous_until: Mapped[datetime | None]
    asked_at: Mapped[datetime | None]
    nonce_hmac: Mapped[str | None]
    software: Mapped[str] = mapped_column(default="")


class InvitationRow(Base):
    """A code by which a gateway gets its key, once: an HMAC of it, and of the nonce that used it.

    `generation` is that of the key which it gave. All moments are real time.
    """

    __tablename__ = "invitation"
    code_hmac: Mapped[str] = mapped_column(primary_key=True)
    gateway_id: Mapped[str] = mapped_column(ForeignKey("gateway.id"), index=True)
    made_at: Mapped[datetime]
    made_by: Mapped[str]
    expires_at: Mapped[datetime]
    used_at: Mapped[datetime | None]
    nonce_hmac: Mapped[str | None]
    generation: Mapped[int | None]


class TriesRow(Base):
    """Wrong codes, as a leaking bucket: at `empty_at`, in real time, all of them have leaked away.

    `source` is a keyed hash of where they came from, or the word for all of them together.
    """

    __tablename__ = "tries"
    source: Mapped[str] = mapped_column(primary_key=True)
    empty_at: Mapped[datetime]


class SlotRow(Base):
    """Who has a place in a home, from when to when (`until` is open for the one who has it)."""

    __tablename__ = "slot"
    id: Mapped[UUID] = mapped_column(primary_key=True)
    gateway_id: Mapped[str] = mapped_column(ForeignKey("gateway.id"))
    slot: Mapped[int]
    episode_id: Mapped[UUID] = mapped_column(ForeignKey("episode.id"), index=True)
    since: Mapped[datetime]
    until: Mapped[datetime | None]
    __table_args__ = (Index("ix_slot_place", "gateway_id", "slot"),)


class PlanRow(Base):
    """What a place in a home is to advise by: whose plan, and whether it has gone out.

    `asked` rises with whatever may have changed the plan, or asks for it again; `sent` is the
    `asked` of the plan that a broker last took. `number` and `sha256` are of the last plan made.
    `frame` is what surrounds all plans of a pathway: what the ward is used for, and its signature.
    """

    __tablename__ = "plan"
    gateway_id: Mapped[str] = mapped_column(ForeignKey("gateway.id"), primary_key=True)
    slot: Mapped[int] = mapped_column(primary_key=True)
    episode_id: Mapped[UUID] = mapped_column(ForeignKey("episode.id"), index=True)
    pathway: Mapped[str]
    ended: Mapped[bool] = mapped_column(default=False)
    frame: Mapped[str] = mapped_column(default="")
    asked: Mapped[int] = mapped_column(default=1)
    sent: Mapped[int] = mapped_column(default=0)
    number: Mapped[int] = mapped_column(BigInteger, default=0)
    sha256: Mapped[str] = mapped_column(default="")
    # Ingest asks this every second, of all homes there are; those that wait are few.
    __table_args__ = (
        Index(
            "ix_plan_to_send",
            "gateway_id",
            "slot",
            postgresql_where=text("asked > sent"),
            sqlite_where=text("asked > sent"),
        ),
    )


class PlanSentRow(Base):
    """A plan that a home was sent, by its number: what its advice was filled from. Only added.

    `limits` are the person's own of then; `pathway` and `language` give the words.
    """

    __tablename__ = "plan_sent"
    gateway_id: Mapped[str] = mapped_column(primary_key=True)
    slot: Mapped[int] = mapped_column(primary_key=True)
    number: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    episode_id: Mapped[UUID] = mapped_column(ForeignKey("episode.id"))
    pathway: Mapped[str]
    language: Mapped[str]
    limits: Mapped[dict[str, Any] | None]
    sha256: Mapped[str]
    made_at: Mapped[datetime]


class DoorRow(Base):
    """A door to the patient's page: a code on a letter opens it, of which only a slow hash is here.

    `door` begins the code and is no secret; among the doors that are open it is the only one of its
    name. `who` is the patient or a carer: no name and no kinship, that would be identity. `key` is
    the idempotency key of the request that made it.
    """

    __tablename__ = "door"
    id: Mapped[int] = mapped_column(Counter, primary_key=True, autoincrement=True)
    door: Mapped[str]
    episode_id: Mapped[UUID] = mapped_column(ForeignKey("episode.id"), index=True)
    who: Mapped[str]
    algorithm: Mapped[str]
    parameters: Mapped[dict[str, Any]]
    salt: Mapped[str]
    hash: Mapped[str]
    key: Mapped[str]
    made_at: Mapped[datetime]
    made_by: Mapped[str]
    revoked_at: Mapped[datetime | None]
    revoked_by: Mapped[str | None]
    __table_args__ = (
        UniqueConstraint("key", "made_by"),
        Index(
            "uq_door_open",
            "door",
            unique=True,
            postgresql_where=text("revoked_at IS NULL"),
            sqlite_where=text("revoked_at IS NULL"),
        ),
    )


class SeenRow(Base):
    """That a clinician has seen a reading: when first, who, and whether its home was told.

    `asked` rises whenever its home is to be told, `sent` is the `asked` that a broker last took.
    """

    __tablename__ = "seen"
    gateway_id: Mapped[str] = mapped_column(primary_key=True)
    reading_id: Mapped[UUID] = mapped_column(primary_key=True)
    seen_at: Mapped[datetime]
    seen_by: Mapped[str]
    asked: Mapped[int] = mapped_column(default=1)
    sent: Mapped[int] = mapped_column(default=0)
    # Ingest asks this every second, of all readings there are; those that wait are few.
    __table_args__ = (
        Index(
            "ix_seen_to_send",
            "seen_at",
            postgresql_where=text("asked > sent"),
            sqlite_where=text("asked > sent"),
        ),
        Index("ix_seen_recent", "gateway_id", "seen_at"),
    )


class StreamRow(Base):
    """Which numbers of a home's stream have come: `domain.numbers.Numbers`, written down.

    `beyond` holds [first, last, seen at] of each stretch. `last_at` is when a number came last,
    `look_at` when somebody must be told of a gap that nobody was told of.
    """

    __tablename__ = "stream"
    gateway_id: Mapped[str] = mapped_column(primary_key=True)
    stream: Mapped[str] = mapped_column(primary_key=True)
    upto: Mapped[int] = mapped_column(BigInteger)
    beyond: Mapped[list[Any] | None]
    made: Mapped[int] = mapped_column(BigInteger)
    made_at: Mapped[datetime | None]
    told_upto: Mapped[int] = mapped_column(BigInteger)
    given_up: Mapped[int] = mapped_column(BigInteger)
    given_up_to: Mapped[int] = mapped_column(BigInteger)
    last_at: Mapped[datetime | None]
    look_at: Mapped[datetime | None]
    # The worker asks this all the time; streams with a gap are few.
    __table_args__ = (
        Index(
            "ix_stream_look_at",
            "look_at",
            postgresql_where=text("look_at IS NOT NULL"),
            sqlite_where=text("look_at IS NOT NULL"),
        ),
    )


class HomeStatusRow(Base):
    """What a gateway said of itself last. `since` is since when it is online, or offline.

    `received_at` is when we heard that. All from `stream` on is what it said at `told_at`: its last
    will says nothing of it. `sent_at` and `will_at` are by the home's clock: an older status, or a
    will that was known, changes nothing.
    """

    __tablename__ = "home_status"
    gateway_id: Mapped[str] = mapped_column(ForeignKey("gateway.id"), primary_key=True)
    online: Mapped[bool]
    since: Mapped[datetime]
    sent_at: Mapped[datetime | None]
    will_at: Mapped[datetime | None]
    received_at: Mapped[datetime]
    told_at: Mapped[datetime | None]
    stream: Mapped[str | None]
    next_seq: Mapped[int | None] = mapped_column(BigInteger)
    depth: Mapped[int | None] = mapped_column(BigInteger)
    oldest_at: Mapped[datetime | None]
    bytes: Mapped[int | None] = mapped_column(BigInteger)
    radio: Mapped[str | None]
    software: Mapped[str | None]
    clock_ahead_s: Mapped[float | None]
    unclaimed: Mapped[int | None] = mapped_column(BigInteger)
    plans: Mapped[dict[str, Any] | None]
    devices: Mapped[list[Any] | None]
    troubles: Mapped[list[Any] | None]


class IgnoredStatusRow(Base):
    """Status messages that were not believed or not understood, counted.

    `gateway_id` is empty for gateways that this ward does not know: nobody can fill a disk.
    """

    __tablename__ = "ignored_status"
    gateway_id: Mapped[str] = mapped_column(primary_key=True)
    reason: Mapped[str] = mapped_column(primary_key=True)
    times: Mapped[int]
    last_at: Mapped[datetime]


class HomeTroubleRow(Base):
    """What people of a stay were told of its home: an input of the rules, kept for replay.

    `input_no` is its place among what the rules took in of the stay.
    """

    __tablename__ = "home_trouble"
    episode_id: Mapped[UUID] = mapped_column(ForeignKey("episode.id"), primary_key=True)
    input_no: Mapped[int] = mapped_column(primary_key=True)
    gateway_id: Mapped[str]
    at: Mapped[datetime]
    about: Mapped[str]
    words: Mapped[str]
