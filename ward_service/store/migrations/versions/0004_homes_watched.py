"""Homes watched: how each is, which numbers of its stream never came, what people were told."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "stream",
        sa.Column("gateway_id", sa.String(), nullable=False),
        sa.Column("stream", sa.String(), nullable=False),
        sa.Column("upto", sa.BigInteger(), nullable=False),
        sa.Column("beyond", sa.JSON(), nullable=True),
        sa.Column("made", sa.BigInteger(), nullable=False),
        sa.Column("made_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("told_upto", sa.BigInteger(), nullable=False),
        sa.Column("given_up", sa.BigInteger(), nullable=False),
        sa.Column("given_up_to", sa.BigInteger(), nullable=False),
        sa.Column("last_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("look_at", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("gateway_id", "stream", name=op.f("pk_stream")),
    )
    op.create_index(
        "ix_stream_look_at",
        "stream",
        ["look_at"],
        unique=False,
        postgresql_where=sa.text("look_at IS NOT NULL"),
        sqlite_where=sa.text("look_at IS NOT NULL"),
    )
    op.create_table(
        "home_status",
        sa.Column("gateway_id", sa.String(), nullable=False),
        sa.Column("online", sa.Boolean(), nullable=False),
        sa.Column("since", sa.DateTime(timezone=True), nullable=False),
        sa.Column("sent_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("will_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("received_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("told_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("stream", sa.String(), nullable=True),
        sa.Column("next_seq", sa.BigInteger(), nullable=True),
        sa.Column("depth", sa.BigInteger(), nullable=True),
        sa.Column("oldest_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("bytes", sa.BigInteger(), nullable=True),
        sa.Column("radio", sa.String(), nullable=True),
        sa.Column("software", sa.String(), nullable=True),
        sa.Column("clock_ahead_s", sa.Float(), nullable=True),
        sa.Column("unclaimed", sa.BigInteger(), nullable=True),
        sa.Column("plans", sa.JSON(), nullable=True),
        sa.Column("devices", sa.JSON(), nullable=True),
        sa.Column("troubles", sa.JSON(), nullable=True),
        sa.ForeignKeyConstraint(
            ["gateway_id"], ["gateway.id"], name=op.f("fk_home_status_gateway_id")
        ),
        sa.PrimaryKeyConstraint("gateway_id", name=op.f("pk_home_status")),
    )
    op.create_table(
        "ignored_status",
        sa.Column("gateway_id", sa.String(), nullable=False),
        sa.Column("reason", sa.String(), nullable=False),
        sa.Column("times", sa.Integer(), nullable=False),
        sa.Column("last_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("gateway_id", "reason", name=op.f("pk_ignored_status")),
    )
    op.create_table(
        "home_trouble",
        sa.Column("episode_id", sa.Uuid(), nullable=False),
        sa.Column("input_no", sa.Integer(), nullable=False),
        sa.Column("gateway_id", sa.String(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("about", sa.String(), nullable=False),
        sa.Column("words", sa.String(), nullable=False),
        sa.ForeignKeyConstraint(
            ["episode_id"], ["episode.id"], name=op.f("fk_home_trouble_episode_id")
        ),
        sa.PrimaryKeyConstraint("episode_id", "input_no", name=op.f("pk_home_trouble")),
    )
