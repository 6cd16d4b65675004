"""How a site takes part: which plans it has met, when it trains, what came of its rounds."""

from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"

CHOICES: dict[str, sa.types.TypeEngine[Any]] = {
    "approval": sa.String(16),
    "opens": sa.String(5),
    "closes": sa.String(5),
    "threads": sa.Integer(),
    "credits": sa.Float(),
}


def upgrade() -> None:
    """Adds them; a site that has chosen nothing goes on as before."""
    for name, kind in CHOICES.items():
        op.add_column("participation", sa.Column(name, kind, nullable=True))
    op.add_column("departures", sa.Column("norm", sa.Float, nullable=True))
    op.create_table(
        "plans",
        sa.Column("sha256", sa.String(64), nullable=False),
        sa.Column("study", sa.String(64), nullable=False),
        sa.Column("run", sa.String(64), nullable=False),
        sa.Column("document", sa.Text, nullable=False),
        sa.Column("nbytes", sa.BigInteger, nullable=False),
        sa.Column("decision", sa.String(16), nullable=False),
        sa.Column("seen_at", sa.Float, nullable=False),
        sa.PrimaryKeyConstraint("sha256", name="pk_plans"),
    )
    op.create_table(
        "round_figures",
        sa.Column("number", sa.Integer, autoincrement=True, nullable=False),
        sa.Column("task", sa.String(64), nullable=False),
        sa.Column("run", sa.String(64), nullable=False),
        sa.Column("study", sa.String(64), nullable=False),
        sa.Column("round", sa.Integer, nullable=False),
        sa.Column("received", sa.Float, nullable=False),
        sa.Column("trained", sa.Float, nullable=False),
        sa.Column("at", sa.Float, nullable=False),
        sa.PrimaryKeyConstraint("number", name="pk_round_figures"),
        sa.UniqueConstraint("task", name="uq_round_figures_task"),
    )


def downgrade() -> None:
    """Takes them away."""
    op.drop_table("round_figures")
    op.drop_table("plans")
    op.drop_column("departures", "norm")
    for name in CHOICES:
        op.drop_column("participation", name)
