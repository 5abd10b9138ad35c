"""Rules of many facts: ladders as rows, an outbox, signatures, tasks, a roster, one ledger a stay.

What the rules remember of a stay has another shape than before 0.1 was released, and cannot be
made from the old one. A database that holds stays is therefore left as it is.
"""

import sqlalchemy as sa
from alembic import op

from ward_service.errors import WardError

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

_VIEWS = ("extract_episode", "extract_reading", "extract_alert", "extract_due")


def upgrade() -> None:
    if op.get_bind().scalar(sa.text("SELECT count(*) FROM episode")):
        raise WardError(
            "This database holds stays of an unreleased version, which this one cannot carry on. "
            "Nothing was changed. Keep it, and begin with an empty database."
        )
    for view in _VIEWS:  # they are made anew afterwards, and would hold the tables still
        op.execute(f"DROP VIEW IF EXISTS {view}")
    op.execute("DELETE FROM pathway_version")
    op.create_table(
        "roster",
        sa.Column(
            "id",
            sa.BigInteger().with_variant(sa.Integer(), "sqlite"),
            autoincrement=True,
            nullable=False,
        ),
        sa.Column("role", sa.String(), nullable=False),
        sa.Column(
            "channel",
            sa.Enum(
                "screen",
                "email",
                "sms",
                "webhook",
                "phone",
                name="channel",
                native_enum=False,
                length=30,
            ),
            nullable=False,
        ),
        sa.Column("address", sa.String(), nullable=False),
        sa.Column("since", sa.DateTime(timezone=True), nullable=False),
        sa.Column("until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("tested_at", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_roster")),
    )
    with op.batch_alter_table("roster", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_roster_role"), ["role"], unique=False)

    op.create_table(
        "signature",
        sa.Column("pathway_id", sa.String(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("sha256", sa.String(), nullable=False),
        sa.Column("lead", sa.String(), nullable=False),
        sa.Column("role", sa.String(), nullable=False),
        sa.Column("signed_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("pathway_id", "version", "sha256", name=op.f("pk_signature")),
    )
    op.create_table(
        "task",
        sa.Column("episode_id", sa.Uuid(), nullable=False),
        sa.Column(
            "kind",
            sa.Enum("check_in", "discharge_review", name="taskkind", native_enum=False, length=30),
            nullable=False,
        ),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("due_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("words", sa.String(), nullable=False),
        sa.Column("done_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("done_by", sa.String(), nullable=True),
        sa.Column("note", sa.String(), nullable=True),
        sa.ForeignKeyConstraint(["episode_id"], ["episode.id"], name=op.f("fk_task_episode_id")),
        sa.PrimaryKeyConstraint("episode_id", "kind", "number", name=op.f("pk_task")),
    )
    op.create_table(
        "message",
        sa.Column("key", sa.String(), nullable=False),
        sa.Column("episode_id", sa.Uuid(), nullable=False),
        sa.Column("alert_id", sa.Uuid(), nullable=True),
        sa.Column("to", sa.String(), nullable=False),
        sa.Column("by", sa.JSON(none_as_null=True), nullable=False),
        sa.Column("text_id", sa.String(), nullable=False),
        sa.Column(
            "level",
            sa.Enum(
                "green",
                "amber",
                "red",
                "overdue",
                "technical",
                name="level",
                native_enum=False,
                length=30,
            ),
            nullable=True,
        ),
        sa.Column("due_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("not_after", sa.DateTime(timezone=True), nullable=True),
        sa.Column("written_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("try_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("leased_until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("way", sa.String(), nullable=True),
        sa.Column(
            "channel",
            sa.Enum(
                "screen",
                "email",
                "sms",
                "webhook",
                "phone",
                name="channel",
                native_enum=False,
                length=30,
            ),
            nullable=True,
        ),
        sa.Column("tried", sa.JSON(none_as_null=True), nullable=False),
        sa.Column("sent_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("stopped_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("given_up_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("problem", sa.String(), nullable=True),
        sa.Column("ask_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("asked", sa.Integer(), nullable=False),
        sa.Column("arrived_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["alert_id"], ["alert.id"], name=op.f("fk_message_alert_id")),
        sa.ForeignKeyConstraint(["episode_id"], ["episode.id"], name=op.f("fk_message_episode_id")),
        sa.PrimaryKeyConstraint("key", name=op.f("pk_message")),
    )
    with op.batch_alter_table("message", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_message_alert_id"), ["alert_id"], unique=False)
        batch_op.create_index(
            "ix_message_ask_at",
            ["ask_at"],
            unique=False,
            postgresql_where=sa.text("ask_at IS NOT NULL"),
            sqlite_where=sa.text("ask_at IS NOT NULL"),
        )
        batch_op.create_index(
            "ix_message_given_up",
            ["given_up_at"],
            unique=False,
            postgresql_where=sa.text("given_up_at IS NOT NULL"),
            sqlite_where=sa.text("given_up_at IS NOT NULL"),
        )
        batch_op.create_index(
            "ix_message_to_ring",
            ["episode_id"],
            unique=False,
            postgresql_where=sa.text("channel = 'phone' AND sent_at IS NOT NULL"),
            sqlite_where=sa.text("channel = 'phone' AND sent_at IS NOT NULL"),
        )
        batch_op.create_index(
            "ix_message_waiting",
            ["try_at"],
            unique=False,
            postgresql_where=sa.text(
                "sent_at IS NULL AND stopped_at IS NULL AND given_up_at IS NULL"
            ),
            sqlite_where=sa.text("sent_at IS NULL AND stopped_at IS NULL AND given_up_at IS NULL"),
        )

    op.create_table(
        "timer",
        sa.Column("alert_id", sa.Uuid(), nullable=False),
        sa.Column("round", sa.Integer(), nullable=False),
        sa.Column("step", sa.Integer(), nullable=False),
        sa.Column("due_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("taken_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("stopped_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["alert_id"], ["alert.id"], name=op.f("fk_timer_alert_id")),
        sa.PrimaryKeyConstraint("alert_id", "round", "step", name=op.f("pk_timer")),
    )
    with op.batch_alter_table("timer", schema=None) as batch_op:
        batch_op.create_index(
            "ix_timer_waiting",
            ["due_at"],
            unique=False,
            postgresql_where=sa.text("taken_at IS NULL AND stopped_at IS NULL"),
            sqlite_where=sa.text("taken_at IS NULL AND stopped_at IS NULL"),
        )

    op.create_table(
        "channel",
        sa.Column(
            "channel",
            sa.Enum(
                "screen",
                "email",
                "sms",
                "webhook",
                "phone",
                name="channel",
                native_enum=False,
                length=30,
            ),
            nullable=False,
        ),
        sa.Column("failing_since", sa.DateTime(timezone=True), nullable=True),
        sa.Column("failed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("problem", sa.String(), nullable=True),
        sa.PrimaryKeyConstraint("channel", name=op.f("pk_channel")),
    )
    with op.batch_alter_table("act", schema=None) as batch_op:
        batch_op.add_column(sa.Column("episode_id", sa.Uuid(), nullable=False))
        batch_op.add_column(sa.Column("kind", sa.String(), nullable=False))
        batch_op.add_column(sa.Column("deed", sa.JSON(none_as_null=True), nullable=False))
        batch_op.add_column(sa.Column("input_no", sa.Integer(), nullable=False))
        batch_op.add_column(sa.Column("refused", sa.String(), nullable=False))
        batch_op.alter_column("alert_id", nullable=True)
        batch_op.create_index(batch_op.f("ix_act_episode_id"), ["episode_id"], unique=False)
        batch_op.create_foreign_key(
            batch_op.f("fk_act_episode_id"), "episode", ["episode_id"], ["id"]
        )

    with op.batch_alter_table("alert", schema=None) as batch_op:
        batch_op.add_column(sa.Column("limits", sa.Integer(), nullable=False))
        batch_op.add_column(sa.Column("round", sa.Integer(), nullable=False))
        batch_op.add_column(sa.Column("step", sa.Integer(), nullable=False))
        batch_op.add_column(sa.Column("step_at", sa.DateTime(timezone=True), nullable=True))
        batch_op.add_column(sa.Column("respond_by", sa.DateTime(timezone=True), nullable=True))
        batch_op.add_column(sa.Column("contact_by", sa.DateTime(timezone=True), nullable=True))
        batch_op.add_column(sa.Column("contacted_at", sa.DateTime(timezone=True), nullable=True))
        batch_op.add_column(sa.Column("shift_ends_at", sa.DateTime(timezone=True), nullable=True))
        batch_op.add_column(sa.Column("resume_at", sa.DateTime(timezone=True), nullable=True))

    with op.batch_alter_table("episode", schema=None) as batch_op:
        batch_op.add_column(sa.Column("channel", sa.String(), nullable=False))
        batch_op.add_column(sa.Column("admitted_as", sa.JSON(none_as_null=True), nullable=False))
        batch_op.add_column(sa.Column("inputs", sa.Integer(), nullable=False))
        batch_op.add_column(sa.Column("looked_at", sa.DateTime(timezone=True), nullable=True))
        batch_op.add_column(sa.Column("referral_source", sa.String(), nullable=True))
        batch_op.add_column(sa.Column("referral_at", sa.DateTime(timezone=True), nullable=True))
        batch_op.add_column(sa.Column("symptom_onset_date", sa.Date(), nullable=True))
        batch_op.add_column(sa.Column("rest_spo2", sa.Double(), nullable=True))
        batch_op.add_column(
            sa.Column(
                "end_reason",
                sa.Enum(
                    "recovered_end_of_period",
                    "recovered_early",
                    "admitted_from_pathway",
                    "ed_not_admitted_then_left",
                    "died",
                    "withdrew",
                    "uncontactable",
                    "moved_area",
                    "transferred_other_pathway",
                    "ineligible_after_onboarding",
                    "other",
                    name="endreason",
                    native_enum=False,
                    length=30,
                ),
                nullable=True,
            )
        )

    with op.batch_alter_table("ledger", schema=None) as batch_op:
        batch_op.add_column(sa.Column("episode_id", sa.Uuid(), nullable=False))
        batch_op.add_column(sa.Column("change", sa.JSON(none_as_null=True), nullable=True))
        batch_op.alter_column("alert_id", nullable=True)
        batch_op.create_index(batch_op.f("ix_ledger_episode_id"), ["episode_id"], unique=False)
        batch_op.create_foreign_key(
            batch_op.f("fk_ledger_episode_id"), "episode", ["episode_id"], ["id"]
        )

    with op.batch_alter_table("patient", schema=None) as batch_op:
        batch_op.add_column(sa.Column("email", sa.String(), nullable=False))
        batch_op.add_column(
            sa.Column(
                "reach",
                sa.Enum(
                    "screen",
                    "email",
                    "sms",
                    "webhook",
                    "phone",
                    name="channel",
                    native_enum=False,
                    length=30,
                ),
                nullable=False,
            )
        )
        batch_op.add_column(sa.Column("reach_tested_at", sa.DateTime(timezone=True), nullable=True))

    with op.batch_alter_table("reading", schema=None) as batch_op:
        batch_op.add_column(sa.Column("news2", sa.JSON(none_as_null=True), nullable=True))
        batch_op.add_column(sa.Column("input_no", sa.Integer(), nullable=False))

    with op.batch_alter_table("quarantine", schema=None) as batch_op:
        batch_op.add_column(sa.Column("input_no", sa.Integer(), nullable=True))
