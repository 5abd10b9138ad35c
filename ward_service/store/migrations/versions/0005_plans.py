"""Plans: what each home was sent to advise by."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "plan",
        sa.Column("gateway_id", sa.String(), nullable=False),
        sa.Column("slot", sa.Integer(), nullable=False),
        sa.Column("episode_id", sa.Uuid(), nullable=False),
        sa.Column("pathway", sa.String(), nullable=False),
        sa.Column("ended", sa.Boolean(), nullable=False),
        sa.Column("frame", sa.String(), nullable=False),
        sa.Column("asked", sa.Integer(), nullable=False),
        sa.Column("sent", sa.Integer(), nullable=False),
        sa.Column("number", sa.BigInteger(), nullable=False),
        sa.Column("sha256", sa.String(), nullable=False),
        sa.ForeignKeyConstraint(["episode_id"], ["episode.id"], name=op.f("fk_plan_episode_id")),
        sa.ForeignKeyConstraint(["gateway_id"], ["gateway.id"], name=op.f("fk_plan_gateway_id")),
        sa.PrimaryKeyConstraint("gateway_id", "slot", name=op.f("pk_plan")),
    )
    op.create_index(op.f("ix_plan_episode_id"), "plan", ["episode_id"], unique=False)
    op.create_index(
        "ix_plan_to_send",
        "plan",
        ["gateway_id", "slot"],
        unique=False,
        postgresql_where=sa.text("asked > sent"),
        sqlite_where=sa.text("asked > sent"),
    )
    op.create_table(
        "plan_sent",
        sa.Column("gateway_id", sa.String(), nullable=False),
        sa.Column("slot", sa.Integer(), nullable=False),
        sa.Column("number", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("episode_id", sa.Uuid(), nullable=False),
        sa.Column("pathway", sa.String(), nullable=False),
        sa.Column("language", sa.String(), nullable=False),
        sa.Column("limits", sa.JSON(none_as_null=True), nullable=True),
        sa.Column("sha256", sa.String(), nullable=False),
        sa.Column("made_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["episode_id"], ["episode.id"], name=op.f("fk_plan_sent_episode_id")
        ),
        sa.PrimaryKeyConstraint("gateway_id", "slot", "number", name=op.f("pk_plan_sent")),
    )
