"""The first tables: studies, pictures, tasks, departures, tokens, participation."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None


def upgrade() -> None:
    """Makes the tables."""
    op.create_table(
        "studies",
        sa.Column("id", sa.String(64)),
        sa.Column("wanted", sa.Text, nullable=False),
        sa.Column("wanted_weights", sa.String(64), nullable=False),
        sa.Column("current", sa.Text),
        sa.Column("received_at", sa.Float),
        sa.PrimaryKeyConstraint("id", name="pk_studies"),
    )
    op.create_table(
        "pictures",
        sa.Column("number", sa.Integer, autoincrement=True),
        sa.Column("study", sa.String(64), nullable=False),
        sa.Column("sha256", sa.String(64), nullable=False),
        sa.Column("label", sa.String(64)),
        sa.Column("part", sa.String(16)),
        sa.Column("width", sa.Integer, nullable=False),
        sa.Column("height", sa.Integer, nullable=False),
        sa.Column("added_at", sa.Float, nullable=False),
        sa.Column("row", sa.Integer, nullable=False),
        sa.Column("trained", sa.Boolean, nullable=False),
        sa.Column("claimed_by", sa.String(64)),
        sa.PrimaryKeyConstraint("number", name="pk_pictures"),
        sa.ForeignKeyConstraint(["study"], ["studies.id"], name="fk_pictures_study"),
        sa.UniqueConstraint("study", "sha256", name="uq_pictures_study_sha256"),
        sa.UniqueConstraint("study", "row", name="uq_pictures_study_row"),
    )
    op.create_index("ix_pictures_study_label", "pictures", ["study", "label"])
    op.create_index("ix_pictures_claimed_by", "pictures", ["claimed_by"])
    op.create_table(
        "tasks",
        sa.Column("number", sa.Integer, autoincrement=True),
        sa.Column("id", sa.String(64), nullable=False),
        sa.Column("document", sa.Text, nullable=False),
        sa.Column("state", sa.String(16), nullable=False),
        sa.Column("detail", sa.Text),
        sa.Column("update_sha256", sa.String(64)),
        sa.Column("failure", sa.Text),
        sa.Column("changed_at", sa.Float, nullable=False),
        sa.PrimaryKeyConstraint("number", name="pk_tasks"),
        sa.UniqueConstraint("id", name="uq_tasks_id"),
    )
    op.create_index("ix_tasks_state", "tasks", ["state"])
    op.create_table(
        "departures",
        sa.Column("number", sa.Integer, autoincrement=True),
        sa.Column("at", sa.Float, nullable=False),
        sa.Column("method", sa.String(8), nullable=False),
        sa.Column("path", sa.Text, nullable=False),
        sa.Column("nbytes", sa.BigInteger, nullable=False),
        sa.Column("sha256", sa.String(64)),
        sa.Column("status", sa.Integer),
        sa.PrimaryKeyConstraint("number", name="pk_departures"),
    )
    op.create_table(
        "tokens",
        sa.Column("hash", sa.String(64)),
        sa.Column("role", sa.String(16), nullable=False),
        sa.Column("created_at", sa.Float, nullable=False),
        sa.PrimaryKeyConstraint("hash", name="pk_tokens"),
    )
    op.create_table(
        "participation",
        sa.Column("number", sa.Integer, autoincrement=False),
        sa.Column("paused", sa.Boolean, nullable=False),
        sa.PrimaryKeyConstraint("number", name="pk_participation"),
    )


def downgrade() -> None:
    """Drops the tables."""
    for table in ("participation", "tokens", "departures", "tasks", "pictures", "studies"):
        op.drop_table(table)
