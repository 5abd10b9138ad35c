"""Who may sign in, and which processes are alive."""

from datetime import datetime

from sqlalchemy import (
    ForeignKey,
)
from sqlalchemy.orm import Mapped, mapped_column

from ward_service.store.tables.base import Base, Counter


class AccountRow(Base):
    """A clinician who may sign in. `failures` and `locked_until` slow down guessing."""

    __tablename__ = "account"
    username: Mapped[str] = mapped_column(primary_key=True)
    name: Mapped[str]
    password_hash: Mapped[str]
    failures: Mapped[int] = mapped_column(default=0)
    locked_until: Mapped[datetime | None]


class SessionRow(Base):
    """A signed-in session. Only the hash of its token is kept; its moments are real time."""

    __tablename__ = "session"
    token_sha256: Mapped[str] = mapped_column(primary_key=True)
    username: Mapped[str] = mapped_column(ForeignKey("account.username"))
    began_at: Mapped[datetime]
    last_act_at: Mapped[datetime]


class HeartbeatRow(Base):
    """When a stage last did its work: on the ward's clock (`at`) and in real time (`wall_at`)."""

    __tablename__ = "heartbeat"
    stage: Mapped[str] = mapped_column(primary_key=True)
    at: Mapped[datetime]
    wall_at: Mapped[datetime]


class BlindRow(Base):
    """A stretch in which the ward was down. Absence inside it waits until `grace_until`."""

    __tablename__ = "blind"
    id: Mapped[int] = mapped_column(Counter, primary_key=True, autoincrement=True)
    blind_from: Mapped[datetime]
    blind_until: Mapped[datetime]
    grace_until: Mapped[datetime]


class LockRow(Base):
    """On SQLite one process holds all roles: this row says which, and when it was last alive."""

    __tablename__ = "ward_lock"
    id: Mapped[int] = mapped_column(primary_key=True)
    owner: Mapped[str]
    wall_at: Mapped[datetime]
