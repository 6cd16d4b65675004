"""Pictures know which others were taken from the same, by a keyed hash."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    """Adds the column; a picture without a value is alone."""
    op.add_column("pictures", sa.Column("group_hash", sa.String(64), nullable=True))


def downgrade() -> None:
    """Takes it away."""
    op.drop_column("pictures", "group_hash")
