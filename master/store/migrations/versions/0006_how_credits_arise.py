"""How the credits of each round arise, also of those that are still being worked out."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Brings the tables one step forward."""
    op.create_table(
        "round_credits",
        sa.Column("run_id", sa.String(length=64), nullable=False),
        sa.Column("round", sa.BigInteger(), nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("policy", sa.String(length=32), nullable=False),
        sa.Column("pool", sa.BigInteger(), nullable=False),
        sa.Column("pictures", sa.BigInteger(), nullable=False),
        sa.Column("seconds", sa.Double(), nullable=False),
        sa.Column("models", sa.BigInteger(), nullable=False),
        sa.Column("found", sa.JSON(), nullable=True),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.Column("created_at", sa.Double(), nullable=False),
        sa.Column("settled_at", sa.Double(), nullable=True),
        sa.ForeignKeyConstraint(["run_id", "round"], ["rounds.run_id", "rounds.number"]),
        sa.PrimaryKeyConstraint("run_id", "round"),
    )
    op.create_index("ix_round_credits_state", "round_credits", ["state"])
    op.create_table(
        "measured_coalitions",
        sa.Column("run_id", sa.String(length=64), nullable=False),
        sa.Column("round", sa.BigInteger(), nullable=False),
        sa.Column("key", sa.String(length=64), nullable=False),
        sa.Column("accuracy", sa.Double(), nullable=False),
        sa.ForeignKeyConstraint(
            ["run_id", "round"], ["round_credits.run_id", "round_credits.round"]
        ),
        sa.PrimaryKeyConstraint("run_id", "round", "key"),
    )


def downgrade() -> None:
    """Takes the tables one step back."""
    op.drop_table("measured_coalitions")
    op.drop_index("ix_round_credits_state", "round_credits")
    op.drop_table("round_credits")
