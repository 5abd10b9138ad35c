"""Enrolment: gateways get their keys by a code that works once."""

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    pass
