"""The typed tables. Identity lives in one of them, `patient`, and in no other column.

Deadlines are columns (`next_deadline_at`), so a restart forgets nothing.
"""

from datetime import UTC, date, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import (
    JSON,
    BigInteger,
    Date,
    DateTime,
    Dialect,
    Enum,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    UniqueConstraint,
    text,
)
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column
from sqlalchemy.types import TypeDecorator

from ward_service.contract.vocabulary import (
    AlertClass,
    AlertOutcome,
    AlertState,
    Channel,
    Context,
    EndReason,
    Level,
    Mode,
    Source,
    TaskKind,
)


class UtcDateTime(TypeDecorator[datetime]):
    """Aware datetimes in, aware UTC out, on every database; a naive one is a bug and raises."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError("naive datetime")
        return value.astimezone(UTC)

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        return (value if value.tzinfo else value.replace(tzinfo=UTC)).astimezone(UTC)


def _words(kind: type[Any]) -> Enum:
    """Store an enumeration by its value, as text: readable in SQL, and easy to add to."""
    return Enum(
        kind, native_enum=False, length=30, values_callable=lambda words: [str(w) for w in words]
    )


# A growing number: SQLite counts only a plain INTEGER up by itself.
Counter = BigInteger().with_variant(Integer, "sqlite")


class Base(DeclarativeBase):
    """The tables of the ward. Constraints are named, so that migrations can name them."""

    metadata = MetaData(
        naming_convention={
            "ix": "ix_%(column_0_label)s",
            "uq": "uq_%(table_name)s_%(column_0_name)s",
            "fk": "fk_%(table_name)s_%(column_0_name)s",
            "pk": "pk_%(table_name)s",
        }
    )
    type_annotation_map = {
        datetime: UtcDateTime(),
        date: Date(),
        AlertClass: _words(AlertClass),
        AlertState: _words(AlertState),
        Level: _words(Level),
        Source: _words(Source),
        Context: _words(Context),
        Mode: _words(Mode),
        Channel: _words(Channel),
        AlertOutcome: _words(AlertOutcome),
        EndReason: _words(EndReason),
        TaskKind: _words(TaskKind),
        dict[str, Any]: JSON(none_as_null=True),
        list[Any]: JSON(none_as_null=True),
        bytes: LargeBinary(),
    }


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
    messages that it sends (RELIABILITY.md F.2).
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
