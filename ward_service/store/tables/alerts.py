"""Alerts, the ledger of everything that happened to them, and the deadlines of a stay."""

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
    AlertClass,
    AlertOutcome,
    AlertState,
    Level,
)
from ward_service.store.tables.base import Base, Counter


class AlertRow(Base):
    """An alert as it stands; its history is the ledger. `pathway` is what it opened under.

    `limits` numbers the person's own limits then. The moments of the ladder are those of
    `domain.alerts.AlertInPlay`.
    """

    __tablename__ = "alert"
    id: Mapped[UUID] = mapped_column(primary_key=True)
    episode_id: Mapped[UUID] = mapped_column(ForeignKey("episode.id"), index=True)
    alert_class: Mapped[AlertClass]
    level: Mapped[Level]
    state: Mapped[AlertState]
    version: Mapped[int]
    pathway: Mapped[str]
    findings: Mapped[list[Any]]
    opened_at: Mapped[datetime]
    noticed_at: Mapped[datetime]
    late: Mapped[bool]
    review: Mapped[bool]
    limits: Mapped[int]
    round: Mapped[int]
    step: Mapped[int]
    step_at: Mapped[datetime | None]
    respond_by: Mapped[datetime | None]
    owner: Mapped[str | None]
    acknowledged_at: Mapped[datetime | None]
    contact_by: Mapped[datetime | None]
    contacted_at: Mapped[datetime | None]
    shift_ends_at: Mapped[datetime | None]
    resume_at: Mapped[datetime | None]
    resolved_at: Mapped[datetime | None]
    outcome: Mapped[AlertOutcome | None]
    response_needed: Mapped[bool | None]
    response_completed: Mapped[bool | None]
    management_changed: Mapped[bool | None]
    # One alert in play per episode and class, whatever our code believes.
    __table_args__ = (
        Index(
            "uq_alert_in_play",
            "episode_id",
            "alert_class",
            unique=True,
            postgresql_where=text("state NOT IN ('resolved', 'withdrawn')"),
            sqlite_where=text("state NOT IN ('resolved', 'withdrawn')"),
        ),
    )


class LedgerRow(Base):
    """One line of the history of an alert, or of the stay (`alert_id` empty). Only ever added.

    `change` is what became different of the alert, field by field: the alerts can be worked out
    again from these lines alone.
    """

    __tablename__ = "ledger"
    id: Mapped[int] = mapped_column(Counter, primary_key=True, autoincrement=True)
    episode_id: Mapped[UUID] = mapped_column(ForeignKey("episode.id"), index=True)
    alert_id: Mapped[UUID | None] = mapped_column(ForeignKey("alert.id"), index=True)
    at: Mapped[datetime]
    noticed_at: Mapped[datetime]
    by: Mapped[str]
    what: Mapped[str]
    words: Mapped[str]
    change: Mapped[dict[str, Any] | None]


class TimerRow(Base):
    """One step of an alert's ladder: due, and then taken, or stopped because somebody answered.

    A step belongs to whoever locks its stay first, and is taken in one transaction with the
    messages that it sends (docs/reference/brokers-and-databases.md#deadlines-as-rows).
    """

    __tablename__ = "timer"
    alert_id: Mapped[UUID] = mapped_column(ForeignKey("alert.id"), primary_key=True)
    round: Mapped[int] = mapped_column(primary_key=True)
    step: Mapped[int] = mapped_column(primary_key=True)
    due_at: Mapped[datetime]
    taken_at: Mapped[datetime | None]
    stopped_at: Mapped[datetime | None]
    # The watchdog asks for steps that are due and that nobody takes.
    __table_args__ = (
        Index(
            "ix_timer_waiting",
            "due_at",
            postgresql_where=text("taken_at IS NULL AND stopped_at IS NULL"),
            sqlite_where=text("taken_at IS NULL AND stopped_at IS NULL"),
        ),
    )
