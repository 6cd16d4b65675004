"""Nodes, their tokens, and what they hold of each study."""

from __future__ import annotations

from sqlalchemy import ForeignKey, String
from sqlalchemy.orm import Mapped, mapped_column

from master.store.tables.base import Base, Document

BYTEWISE = String(64).with_variant(String(64, collation="C"), "postgresql")


class NodeRow(Base):
    """A child. `failed_at` is when a call to it last failed, cleared by one that did not.

    `examples_per_second` is a moving average over its accepted updates.
    """

    __tablename__ = "nodes"

    id: Mapped[str] = mapped_column(String(64), primary_key=True)
    name: Mapped[str] = mapped_column(BYTEWISE, unique=True)
    state: Mapped[str] = mapped_column(String(16))
    url: Mapped[str | None]
    version: Mapped[str] = mapped_column(String(40), default="unknown")
    activity: Mapped[str] = mapped_column(String(16), default="idle")
    joined_at: Mapped[float]
    last_seen: Mapped[float | None]
    failed_at: Mapped[float | None]
    examples_per_second: Mapped[float | None]


class TokenRow(Base):
    """A token that this server verifies: only its hash is kept."""

    __tablename__ = "tokens"

    id: Mapped[str] = mapped_column(String(64), primary_key=True)
    role: Mapped[str] = mapped_column(String(16))
    hash: Mapped[str] = mapped_column(String(64), unique=True)
    node_id: Mapped[str | None] = mapped_column(ForeignKey("nodes.id"))
    approve: Mapped[bool] = mapped_column(default=False)
    created_at: Mapped[float]
    expires_at: Mapped[float | None]
    used_at: Mapped[float | None]


class HoldingRow(Base):
    """What a node says that it holds of a study.

    `offered` is the part of `new_labelled` for which a standing run has opened a round
    already: a round that failed is not opened again for the same pictures.
    """

    __tablename__ = "holdings"

    node_id: Mapped[str] = mapped_column(ForeignKey("nodes.id"), primary_key=True)
    study_id: Mapped[str] = mapped_column(ForeignKey("studies.id"), primary_key=True)
    counts: Mapped[Document]
    new_labelled: Mapped[int] = mapped_column(default=0)
    offered: Mapped[int] = mapped_column(default=0)
    weights: Mapped[str | None] = mapped_column(String(64))
    frozen: Mapped[str | None] = mapped_column(String(64))
    reported_at: Mapped[float]


class ReceiptRow(Base):
    """The last global model of a study that was sent to a node, and how that went."""

    __tablename__ = "receipts"

    node_id: Mapped[str] = mapped_column(ForeignKey("nodes.id"), primary_key=True)
    study_id: Mapped[str] = mapped_column(ForeignKey("studies.id"), primary_key=True)
    weights: Mapped[str] = mapped_column(String(64))
    frozen: Mapped[str | None] = mapped_column(String(64))
    round: Mapped[int]
    http_status: Mapped[int | None]
    detail: Mapped[str]
    at: Mapped[float]
