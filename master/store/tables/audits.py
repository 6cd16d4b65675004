"""What audits compare, and what is remembered of nodes."""

from __future__ import annotations

from sqlalchemy import ForeignKey, Index, LargeBinary, String
from sqlalchemy.orm import Mapped, mapped_column

from master.store.tables.base import Base, Document


class SketchRow(Base):
    """The sketch of an update (`master.audit.sketch`): the projection as little-endian float32."""

    __tablename__ = "update_sketches"
    __table_args__ = (
        Index("sketches_by_digest", "run_id", "digest"),
        Index("sketches_by_norm", "run_id", "norm"),
    )

    task_id: Mapped[str] = mapped_column(ForeignKey("tasks.id"), primary_key=True)
    run_id: Mapped[str] = mapped_column(ForeignKey("runs.id"))
    digest: Mapped[str] = mapped_column(String(64))
    weights: Mapped[int]
    norm: Mapped[float]
    projection: Mapped[bytes] = mapped_column(LargeBinary)


class AuditSeedRow(Base):
    """The secret of a run by which sketches are drawn, and who is looked at closely."""

    __tablename__ = "audit_seeds"

    run_id: Mapped[str] = mapped_column(ForeignKey("runs.id"), primary_key=True)
    seed: Mapped[str] = mapped_column(String(64))


class StartRow(Base):
    """Figures on the audit pictures of a version that rounds have started from."""

    __tablename__ = "start_figures"

    version_id: Mapped[int] = mapped_column(
        ForeignKey("versions.id"), primary_key=True, autoincrement=False
    )
    figures: Mapped[Document]


class NodeRecordRow(Base):
    """What is remembered of a node's results (`master.audit.standing`)."""

    __tablename__ = "node_records"

    node_id: Mapped[str] = mapped_column(ForeignKey("nodes.id"), primary_key=True)
    good: Mapped[int]
    reason: Mapped[str | None]
    at: Mapped[float]
