"""Enrolment: gateways get their keys by a code that works once."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    with op.batch_alter_table("gateway", schema=None) as batch_op:
        for name in ("keyed_at", "previous_until", "asked_at"):
            batch_op.add_column(sa.Column(name, sa.DateTime(timezone=True), nullable=True))
        batch_op.add_column(sa.Column("nonce_hmac", sa.String(), nullable=True))
        batch_op.add_column(sa.Column("software", sa.String(), nullable=False, server_default=""))
    # Until now a gateway was made known by printing its key.
    op.execute("UPDATE gateway SET keyed_at = added_at")
    op.create_table(
        "invitation",
        sa.Column("code_hmac", sa.String(), nullable=False),
        sa.Column("gateway_id", sa.String(), nullable=False),
        sa.Column("made_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("made_by", sa.String(), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("used_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("nonce_hmac", sa.String(), nullable=True),
        sa.Column("generation", sa.Integer(), nullable=True),
        sa.ForeignKeyConstraint(
            ["gateway_id"], ["gateway.id"], name=op.f("fk_invitation_gateway_id")
        ),
        sa.PrimaryKeyConstraint("code_hmac", name=op.f("pk_invitation")),
    )
    with op.batch_alter_table("invitation", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_invitation_gateway_id"), ["gateway_id"], unique=False)
    op.create_table(
        "tries",
        sa.Column("source", sa.String(), nullable=False),
        sa.Column("empty_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("source", name=op.f("pk_tries")),
    )
