"""Nodes in one order on every database: updates are averaged in the order of their names."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Brings the tables one step forward."""
    _sort_names(sa.String(length=64, collation="C"))


def downgrade() -> None:
    """Takes the tables one step back."""
    _sort_names(sa.String(length=64))


def _sort_names(kind: sa.String) -> None:
    # SQLite compares bytes anyway; PostgreSQL as the machine's language has it.
    if op.get_bind().dialect.name == "postgresql":
        op.alter_column("nodes", "name", type_=kind, existing_nullable=False)
