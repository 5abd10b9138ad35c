"""People, their stays, the pathway versions that they are under, and what is to do for them."""

from datetime import date, datetime
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
    EndReason,
    Mode,
    TaskKind,
)
from ward_service.store.tables.base import Base


class PatientRow(Base):
    """Identity. No view of the extract and no message to a home reads this table.

    `reach` is how this person agreed to be reached, `reach_tested_at` when that was last tried.
    """

    __tablename__ = "patient"
    id: Mapped[UUID] = mapped_column(primary_key=True)
    family_name: Mapped[str]
    given_name: Mapped[str]
    birth_date: Mapped[date]
    nhs_number: Mapped[str] = mapped_column(index=True)
    phone: Mapped[str] = mapped_column(default="")
    email: Mapped[str] = mapped_column(default="")
    reach: Mapped[Channel] = mapped_column(default=Channel.PHONE)
    reach_tested_at: Mapped[datetime | None]


class PathwayVersionRow(Base):
    """A pathway version, word for word as it ran. It never changes: a new number is a new row."""

    __tablename__ = "pathway_version"
    id: Mapped[str] = mapped_column(primary_key=True)
    version: Mapped[int] = mapped_column(primary_key=True)
    sha256: Mapped[str]
    text: Mapped[str]
    loaded_at: Mapped[datetime]


class SignatureRow(Base):
    """A named clinical lead signed exactly this text of a pathway version. Only ever added."""

    __tablename__ = "signature"
    pathway_id: Mapped[str] = mapped_column(primary_key=True)
    version: Mapped[int] = mapped_column(primary_key=True)
    sha256: Mapped[str] = mapped_column(primary_key=True)
    lead: Mapped[str]
    role: Mapped[str]
    signed_at: Mapped[datetime]


class EpisodeRow(Base):
    """One stay. `state` is what the fold remembers; what evaluators split by is here, not a name.

    `channel` is how readings were planned to come. `rest_spo2` was measured at enrolment. `version`
    rises with every change; `next_deadline_at` is when silence must be looked at. `admitted_as` is
    what the rules were told of the person at admission, `inputs` how much they have taken in since
    (readings, what could not be read, what was wrong at home, acts), and `looked_at` up to when
    they have worked: with these a replay begins where the stay began, and takes everything in the
    order of then.
    """

    __tablename__ = "episode"
    id: Mapped[UUID] = mapped_column(primary_key=True)
    patient_id: Mapped[UUID] = mapped_column(ForeignKey("patient.id"))
    pathway: Mapped[str]
    admitted_at: Mapped[datetime]
    ended_at: Mapped[datetime | None]
    birth_year: Mapped[int]
    sex: Mapped[str]
    ethnicity: Mapped[str | None]
    deprivation_decile: Mapped[int | None]
    language: Mapped[str | None]
    channel: Mapped[str]
    mode: Mapped[Mode]
    referral_source: Mapped[str | None]
    referral_at: Mapped[datetime | None]
    symptom_onset_date: Mapped[date | None]
    rest_spo2: Mapped[float | None]
    end_reason: Mapped[EndReason | None]
    admitted_as: Mapped[dict[str, Any]]
    state: Mapped[dict[str, Any]]
    inputs: Mapped[int] = mapped_column(default=0)
    looked_at: Mapped[datetime | None]
    version: Mapped[int] = mapped_column(default=1)
    next_deadline_at: Mapped[datetime | None]
    due_written_until: Mapped[datetime]
    # The worker asks this all the time; stays that have ended are many and never due.
    __table_args__ = (
        Index(
            "ix_episode_next_deadline_at",
            "next_deadline_at",
            postgresql_where=text("ended_at IS NULL"),
            sqlite_where=text("ended_at IS NULL"),
        ),
    )


class TaskRow(Base):
    """What a person at the ward is to do for a patient, besides the alerts."""

    __tablename__ = "task"
    episode_id: Mapped[UUID] = mapped_column(ForeignKey("episode.id"), primary_key=True)
    kind: Mapped[TaskKind] = mapped_column(primary_key=True)
    number: Mapped[int] = mapped_column(primary_key=True)
    due_at: Mapped[datetime]
    words: Mapped[str]
    done_at: Mapped[datetime | None]
    done_by: Mapped[str | None]
    note: Mapped[str | None]


class DueRow(Base):
    """A reading that the plan expected, and whose window has passed: the denominator."""

    __tablename__ = "due"
    episode_id: Mapped[UUID] = mapped_column(ForeignKey("episode.id"), primary_key=True)
    due_at: Mapped[datetime] = mapped_column(primary_key=True)
    window_from: Mapped[datetime]
    window_until: Mapped[datetime]


class ActRow(Base):
    """An act that the rules took in, by its idempotency key: the same act again changes nothing.

    `deed` is the act as the rules took it, `kind` its name: replay takes it again, in its place
    among what they took in (`input_no`). `refused` says why one that was written down was not
    carried out: somebody was first.
    """

    __tablename__ = "act"
    key: Mapped[str] = mapped_column(primary_key=True)
    username: Mapped[str] = mapped_column(primary_key=True)
    episode_id: Mapped[UUID] = mapped_column(ForeignKey("episode.id"), index=True)
    alert_id: Mapped[UUID | None]
    at: Mapped[datetime]
    kind: Mapped[str]
    deed: Mapped[dict[str, Any]]
    input_no: Mapped[int]
    refused: Mapped[str] = mapped_column(default="")
