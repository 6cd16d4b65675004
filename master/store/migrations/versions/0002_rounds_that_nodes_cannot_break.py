"""Quorum, leases that come back, attempts, staleness, measured speed, assigned batches."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

KEY = sa.BigInteger().with_variant(sa.Integer(), "sqlite")

ROUND: tuple[sa.Column[Any], ...] = (
    sa.Column("quorum", sa.BigInteger(), server_default="1", nullable=False),
    sa.Column("target", sa.BigInteger(), server_default="1", nullable=False),
    sa.Column("extended", sa.Boolean(), server_default=sa.false(), nullable=False),
)
TASK: tuple[sa.Column[Any], ...] = (
    sa.Column("slot", sa.Text(), server_default="", nullable=False),
    sa.Column("batch_bytes", sa.BigInteger(), nullable=True),
    sa.Column("base_id", KEY, sa.ForeignKey("versions.id"), nullable=True),
    sa.Column("counted_in", sa.BigInteger(), nullable=True),
    sa.Column("leased_at", sa.Double(), nullable=True),
    sa.Column("lost_at", sa.Double(), nullable=True),
)

# What a database of version 0001 says of its rounds and tasks in other words.
FILL = (
    """UPDATE rounds SET target = (
        SELECT count(*) FROM tasks
        WHERE tasks.run_id = rounds.run_id AND tasks.round = rounds.number)""",
    """UPDATE tasks SET slot = 'node/' || node_id, base_id = (
        SELECT before_id FROM rounds
        WHERE rounds.run_id = tasks.run_id AND rounds.number = tasks.round)""",
    """UPDATE tasks SET counted_in = round
        WHERE state = 'accepted' AND EXISTS (
            SELECT 1 FROM rounds
            WHERE rounds.run_id = tasks.run_id AND rounds.number = tasks.round
            AND rounds.state IN ('aggregating', 'closed'))""",
    "UPDATE tasks SET leased_at = created_at WHERE state NOT IN ('queued', 'cancelled')",
)


def upgrade() -> None:
    """Brings the tables one step forward."""
    op.add_column("nodes", sa.Column("examples_per_second", sa.Double(), nullable=True))
    for column in ROUND:
        op.add_column("rounds", column)
    for column in TASK:
        op.add_column("tasks", column, inline_references=True)
    op.create_index("tasks_counted", "tasks", ["run_id", "counted_in"], unique=False)
    op.create_table(
        "run_batches",
        sa.Column("run_id", sa.String(length=64), nullable=False),
        sa.Column("sha256", sa.String(length=64), nullable=False),
        sa.Column("document", sa.JSON(), nullable=False),
        sa.ForeignKeyConstraint(["run_id"], ["runs.id"]),
        sa.PrimaryKeyConstraint("run_id"),
    )
    for statement in FILL:
        op.execute(statement)
    _fill_quorum(op.get_bind())


def downgrade() -> None:
    """Takes the tables one step back."""
    op.drop_table("run_batches")
    op.drop_index("tasks_counted", "tasks")
    for table, columns in (("tasks", TASK), ("rounds", ROUND)):
        with op.batch_alter_table(table) as batch:
            for column in columns:
                batch.drop_column(column.name)
    op.drop_column("nodes", "examples_per_second")


def _fill_quorum(connection: sa.Connection) -> None:
    """The quorum stood in the plans alone, as a whole number."""
    runs = sa.table("runs", sa.column("id", sa.String), sa.column("plan", sa.JSON))
    rounds = sa.table("rounds", sa.column("run_id", sa.String), sa.column("quorum", sa.BigInteger))
    for run, plan in connection.execute(sa.select(runs.c.id, runs.c.plan)).all():
        connection.execute(
            rounds.update().where(rounds.c.run_id == run).values(quorum=int(plan.get("quorum", 1)))
        )
