"""What was reported, and what could not be read."""

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

from ward_service.contract.vocabulary import (
    Context,
    Level,
    Source,
)
from ward_service.store.tables.base import Base, Counter


class ReadingRow(Base):
    """A reading as it was kept, and what the ward made of it (its assessment).

    `received_no` rises in order of receipt, `input_no` counts within the stay what the rules took
    in: the readings of one diary have one. `fills`: fully believed, so it may fill a due time.
    `entered_by` is the account that typed it, `spoke` who told it (`contract.vocabulary.Speaker`);
    of a reading that no staff typed both are empty, of one from paper `spoke` is.
    """

    __tablename__ = "reading"
    received_no: Mapped[int] = mapped_column(Counter, primary_key=True, autoincrement=True)
    reading_id: Mapped[UUID]
    gateway_id: Mapped[str]  # empty for a reading that no gateway sent
    slot: Mapped[int | None]
    episode_id: Mapped[UUID] = mapped_column(ForeignKey("episode.id"))
    input_no: Mapped[int]
    source_key: Mapped[str | None]
    stream: Mapped[str | None]
    seq: Mapped[int | None] = mapped_column(BigInteger)
    measured_at: Mapped[datetime]
    judged_at: Mapped[datetime]
    received_at: Mapped[datetime]
    source: Mapped[Source]
    context: Mapped[Context]
    spo2: Mapped[float | None]
    pulse_rate: Mapped[float | None]
    payload: Mapped[str]  # as it was sent, word for word
    level: Mapped[Level | None]
    findings: Mapped[list[Any] | None]
    doubts: Mapped[list[Any] | None]
    fills: Mapped[bool]
    doubtful: Mapped[bool]
    time_doubtful: Mapped[bool]
    late: Mapped[bool]
    news2: Mapped[dict[str, Any] | None]
    pathway: Mapped[str]
    entered_by: Mapped[str | None]
    spoke: Mapped[str | None]
    __table_args__ = (
        UniqueConstraint("gateway_id", "reading_id"),
        Index(
            "uq_reading_source_key",
            "gateway_id",
            "source_key",
            unique=True,
            postgresql_where=text("source_key IS NOT NULL"),
            sqlite_where=text("source_key IS NOT NULL"),
        ),
        Index("ix_reading_episode", "episode_id", "judged_at"),
    )


class QuarantineRow(Base):
    """What could not be read, or not be filed: kept with its reason, and counted when repeated.

    `input_no` is its place among what the rules took in of its stay.
    """

    __tablename__ = "quarantine"
    id: Mapped[int] = mapped_column(Counter, primary_key=True, autoincrement=True)
    gateway_id: Mapped[str]
    slot: Mapped[int | None]
    episode_id: Mapped[UUID | None]
    input_no: Mapped[int | None]
    reading_id: Mapped[UUID | None]
    properties: Mapped[dict[str, Any]]
    payload: Mapped[bytes]
    sha256: Mapped[str]
    reason: Mapped[str]
    received_at: Mapped[datetime]
    last_at: Mapped[datetime]
    times: Mapped[int] = mapped_column(default=1)
    # The same message sent again is the same row, counted: a home that resends cannot fill a disk.
    __table_args__ = (UniqueConstraint("gateway_id", "sha256"),)
