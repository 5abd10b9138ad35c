"""Doors to the patient's page, and which readings a clinician has seen."""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "door",
        sa.Column(
            "id",
            sa.BigInteger().with_variant(sa.Integer(), "sqlite"),
            autoincrement=True,
            nullable=False,
        ),
        sa.Column("door", sa.String(), nullable=False),
        sa.Column("episode_id", sa.Uuid(), nullable=False),
        sa.Column("who", sa.String(), nullable=False),
        sa.Column("algorithm", sa.String(), nullable=False),
        sa.Column("parameters", sa.JSON(none_as_null=True), nullable=False),
        sa.Column("salt", sa.String(), nullable=False),
        sa.Column("hash", sa.String(), nullable=False),
        sa.Column("key", sa.String(), nullable=False),
        sa.Column("made_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("made_by", sa.String(), nullable=False),
        sa.Column("revoked_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("revoked_by", sa.String(), nullable=True),
        sa.ForeignKeyConstraint(["episode_id"], ["episode.id"], name=op.f("fk_door_episode_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_door")),
        sa.UniqueConstraint("key", "made_by", name=op.f("uq_door_key")),
    )
    op.create_index(op.f("ix_door_episode_id"), "door", ["episode_id"], unique=False)
    op.create_index(
        "uq_door_open",
        "door",
        ["door"],
        unique=True,
        postgresql_where=sa.text("revoked_at IS NULL"),
        sqlite_where=sa.text("revoked_at IS NULL"),
    )
    op.create_table(
        "seen",
        sa.Column("gateway_id", sa.String(), nullable=False),
        sa.Column("reading_id", sa.Uuid(), nullable=False),
        sa.Column("seen_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("seen_by", sa.String(), nullable=False),
        sa.Column("asked", sa.Integer(), nullable=False),
        sa.Column("sent", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("gateway_id", "reading_id", name=op.f("pk_seen")),
    )
    op.create_index(
        "ix_seen_to_send",
        "seen",
        ["seen_at"],
        unique=False,
        postgresql_where=sa.text("asked > sent"),
        sqlite_where=sa.text("asked > sent"),
    )
    op.create_index("ix_seen_recent", "seen", ["gateway_id", "seen_at"], unique=False)
