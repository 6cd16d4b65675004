"""Models with a frozen part, which is a blob of its own."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

HASH = sa.String(length=64)


def upgrade() -> None:
    """Brings the tables one step forward."""
    op.add_column("versions", sa.Column("frozen", HASH, nullable=True))
    signature = sa.Column(
        "frozen_signature", HASH, sa.ForeignKey("signatures.sha256"), nullable=True
    )
    op.add_column("versions", signature, inline_references=True)
    op.create_index("ix_versions_frozen", "versions", ["frozen"], unique=False)
    for table in ("holdings", "receipts"):
        op.add_column(table, sa.Column("frozen", HASH, nullable=True))


def downgrade() -> None:
    """Takes the tables one step back."""
    op.drop_index("ix_versions_frozen", "versions")
    for table, columns in (
        ("versions", ("frozen_signature", "frozen")),
        ("holdings", ("frozen",)),
        ("receipts", ("frozen",)),
    ):
        with op.batch_alter_table(table) as batch:
            for column in columns:
                batch.drop_column(column)
