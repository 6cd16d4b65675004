"""Models with a frozen part, which is a blob of its own."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    """Lets a study ask for that blob too."""
    op.add_column("studies", sa.Column("wanted_frozen", sa.String(64)))


def downgrade() -> None:
    """Takes that back."""
    op.drop_column("studies", "wanted_frozen")
