"""How the credits of a round arose, or that they are being worked out."""

from __future__ import annotations

from sqlalchemy import ForeignKey, ForeignKeyConstraint, String
from sqlalchemy.orm import Mapped, mapped_column

from master.store.tables.base import Base, BigKey, Document


class LedgerRow(Base):
    """One entry of the append-only ledger; `amount` in thousandths of a credit."""

    __tablename__ = "ledger"

    id: Mapped[int] = mapped_column(BigKey, primary_key=True, autoincrement=True)
    entry: Mapped[str] = mapped_column(String(32))
    at: Mapped[float]
    node_id: Mapped[str] = mapped_column(ForeignKey("nodes.id"), index=True)
    run_id: Mapped[str | None] = mapped_column(ForeignKey("runs.id"), index=True)
    round: Mapped[int | None]
    task_id: Mapped[str | None] = mapped_column(ForeignKey("tasks.id"))
    amount: Mapped[int]
    policy: Mapped[str] = mapped_column(String(32))
    reason: Mapped[str]


class RoundCreditsRow(Base):
    """The credits of a closed round: pending, granted, or none and why.

    `pictures` bounds the audit pictures that they go by: those of rows below it, which were
    there when the round closed. `seconds` and `models` are what measuring has taken. `found`
    is the arithmetic, once it is done.
    """

    __tablename__ = "round_credits"
    __table_args__ = (
        ForeignKeyConstraint(["run_id", "round"], ["rounds.run_id", "rounds.number"]),
    )

    run_id: Mapped[str] = mapped_column(String(64), primary_key=True)
    round: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    state: Mapped[str] = mapped_column(String(16), index=True)
    policy: Mapped[str] = mapped_column(String(32))
    pool: Mapped[int]
    pictures: Mapped[int]
    seconds: Mapped[float] = mapped_column(default=0.0)
    models: Mapped[int] = mapped_column(default=0)
    found: Mapped[Document | None]
    reason: Mapped[str | None]
    created_at: Mapped[float]
    settled_at: Mapped[float | None]


class MeasuredCoalitionRow(Base):
    """The accuracy of a model that some updates of a round make, until its credits are settled.

    `key` names the updates by their bytes.
    """

    __tablename__ = "measured_coalitions"
    __table_args__ = (
        ForeignKeyConstraint(["run_id", "round"], ["round_credits.run_id", "round_credits.round"]),
    )

    run_id: Mapped[str] = mapped_column(String(64), primary_key=True)
    round: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    key: Mapped[str] = mapped_column(String(64), primary_key=True)
    accuracy: Mapped[float]
