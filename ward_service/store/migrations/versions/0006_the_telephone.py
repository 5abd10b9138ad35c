"""The telephone: who typed a reading, and who spoke."""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("reading", sa.Column("entered_by", sa.String(), nullable=True))
    op.add_column("reading", sa.Column("spoke", sa.String(), nullable=True))
