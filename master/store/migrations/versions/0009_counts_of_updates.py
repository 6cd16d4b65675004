"""The pictures by class that a node had announced when its update came."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Brings the tables one step forward."""
    op.add_column("updates", sa.Column("counts", sa.JSON(), nullable=True))


def downgrade() -> None:
    """Takes the tables one step back."""
    with op.batch_alter_table("updates") as batch:
        batch.drop_column("counts")
