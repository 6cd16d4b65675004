"""Sketches of updates, what a verdict left open, and what is remembered of nodes."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Brings the tables one step forward."""
    op.add_column("audits", sa.Column("unchecked", sa.JSON(), server_default="[]", nullable=False))
    # Every update so far was measured wherever there were pictures.
    op.add_column(
        "audits", sa.Column("close", sa.Boolean(), server_default=sa.true(), nullable=False)
    )
    op.create_table(
        "update_sketches",
        sa.Column("task_id", sa.String(length=64), nullable=False),
        sa.Column("run_id", sa.String(length=64), nullable=False),
        sa.Column("digest", sa.String(length=64), nullable=False),
        sa.Column("weights", sa.BigInteger(), nullable=False),
        sa.Column("norm", sa.Double(), nullable=False),
        sa.Column("projection", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(["run_id"], ["runs.id"]),
        sa.ForeignKeyConstraint(["task_id"], ["tasks.id"]),
        sa.PrimaryKeyConstraint("task_id"),
    )
    op.create_index("sketches_by_digest", "update_sketches", ["run_id", "digest"])
    op.create_index("sketches_by_norm", "update_sketches", ["run_id", "norm"])
    op.create_table(
        "audit_seeds",
        sa.Column("run_id", sa.String(length=64), nullable=False),
        sa.Column("seed", sa.String(length=64), nullable=False),
        sa.ForeignKeyConstraint(["run_id"], ["runs.id"]),
        sa.PrimaryKeyConstraint("run_id"),
    )
    op.create_table(
        "start_figures",
        sa.Column(
            "version_id",
            sa.BigInteger().with_variant(sa.Integer(), "sqlite"),
            autoincrement=False,
            nullable=False,
        ),
        sa.Column("figures", sa.JSON(), nullable=False),
        sa.ForeignKeyConstraint(["version_id"], ["versions.id"]),
        sa.PrimaryKeyConstraint("version_id"),
    )
    op.create_table(
        "node_records",
        sa.Column("node_id", sa.String(length=64), nullable=False),
        sa.Column("good", sa.BigInteger(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.Column("at", sa.Double(), nullable=False),
        sa.ForeignKeyConstraint(["node_id"], ["nodes.id"]),
        sa.PrimaryKeyConstraint("node_id"),
    )


def downgrade() -> None:
    """Takes the tables one step back."""
    op.drop_table("node_records")
    op.drop_table("start_figures")
    op.drop_table("audit_seeds")
    op.drop_index("sketches_by_norm", "update_sketches")
    op.drop_index("sketches_by_digest", "update_sketches")
    op.drop_table("update_sketches")
    with op.batch_alter_table("audits") as batch:
        batch.drop_column("close")
        batch.drop_column("unchecked")
