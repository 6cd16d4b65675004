"""Departures keep the numbers that left, where they are figures of the site's pictures."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    """Adds the column."""
    op.add_column("departures", sa.Column("told", sa.Text, nullable=True))


def downgrade() -> None:
    """Takes it away."""
    op.drop_column("departures", "told")
