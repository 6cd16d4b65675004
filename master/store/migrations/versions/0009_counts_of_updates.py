"""The pictures by class that a node had announced when its update came."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None

# The updates that wait for their verdict: of what was announced before nothing is kept.
FILL = """UPDATE updates SET counts = (
    SELECT holdings.counts FROM tasks
    JOIN runs ON runs.id = tasks.run_id
    JOIN holdings ON holdings.study_id = runs.study_id AND holdings.node_id = tasks.node_id
    WHERE tasks.id = updates.task_id AND tasks.slot = 'node/' || tasks.node_id)"""


def upgrade() -> None:
    """Brings the tables one step forward."""
    op.add_column("updates", sa.Column("counts", sa.JSON(), nullable=True))
    op.execute(FILL)


def downgrade() -> None:
    """Takes the tables one step back."""
    with op.batch_alter_table("updates") as batch:
        batch.drop_column("counts")
