"""What happened, and who may make things happen."""

from __future__ import annotations

from sqlalchemy import String
from sqlalchemy.orm import Mapped, mapped_column

from master.store.tables.base import Base, BigKey, Document


class EventRow(Base):
    """Something that happened, as a sentence, with the facts beside it."""

    __tablename__ = "events"

    id: Mapped[int] = mapped_column(BigKey, primary_key=True, autoincrement=True)
    at: Mapped[float]
    run_id: Mapped[str | None] = mapped_column(String(64), index=True)
    kind: Mapped[str] = mapped_column(String(64))
    text: Mapped[str]
    data: Mapped[Document]


class LeaseRow(Base):
    """Who may move states, and until when."""

    __tablename__ = "leases"

    name: Mapped[str] = mapped_column(String(32), primary_key=True)
    holder: Mapped[str] = mapped_column(String(64))
    until: Mapped[float]
