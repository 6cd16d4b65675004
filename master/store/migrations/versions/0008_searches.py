"""What a task of a search is trained with."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Brings the tables one step forward."""
    op.add_column("tasks", sa.Column("hyperparameters", sa.JSON(), nullable=True))


def downgrade() -> None:
    """Takes the tables one step back."""
    with op.batch_alter_table("tasks") as batch:
        batch.drop_column("hyperparameters")
