"""Runs side by side, and each site's model measured at the other sites."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Brings the tables one step forward."""
    # Every run so far has moved its study's model on.
    op.add_column(
        "runs", sa.Column("publish", sa.Boolean(), server_default=sa.true(), nullable=False)
    )
    op.create_table(
        "cross_sites",
        sa.Column("run_id", sa.String(length=64), nullable=False),
        sa.Column("round", sa.BigInteger(), nullable=False),
        sa.Column("models", sa.JSON(), nullable=False),
        sa.Column("missing", sa.JSON(), nullable=False),
        sa.Column("began_at", sa.Double(), nullable=False),
        sa.Column("deadline_at", sa.Double(), nullable=False),
        sa.Column("opened_at", sa.Double(), nullable=True),
        sa.Column("closed_at", sa.Double(), nullable=True),
        sa.ForeignKeyConstraint(["run_id", "round"], ["rounds.run_id", "rounds.number"]),
        sa.PrimaryKeyConstraint("run_id"),
    )
    op.create_table(
        "site_evaluations",
        sa.Column("task_id", sa.String(length=64), nullable=False),
        sa.Column("sha256", sa.String(length=64), nullable=False),
        sa.Column("nbytes", sa.BigInteger(), nullable=False),
        sa.Column("document", sa.JSON(), nullable=False),
        sa.Column("received_at", sa.Double(), nullable=False),
        sa.ForeignKeyConstraint(["task_id"], ["tasks.id"]),
        sa.PrimaryKeyConstraint("task_id"),
    )


def downgrade() -> None:
    """Takes the tables one step back."""
    op.drop_table("site_evaluations")
    op.drop_table("cross_sites")
    with op.batch_alter_table("runs") as batch:
        batch.drop_column("publish")
