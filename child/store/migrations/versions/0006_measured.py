"""How far a model can be relied on here, which was forgotten when the child ended."""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"


def upgrade() -> None:
    """Adds the table; it fills with the next picture that is classified."""
    op.create_table(
        "measured",
        sa.Column("study", sa.String(64), nullable=False),
        sa.Column("document", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("study", name="pk_measured"),
    )


def downgrade() -> None:
    """Takes it away."""
    op.drop_table("measured")
