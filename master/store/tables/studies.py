"""Studies, their models, and the pictures that those are measured on."""

from __future__ import annotations

from sqlalchemy import ForeignKey, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from master.store.tables.base import Base, BigKey, Document


class StudyRow(Base):
    """A study; `version_id` names its current global model.

    No foreign key there: versions name their study, and a circle of keys could not be
    created in one go.
    """

    __tablename__ = "studies"

    id: Mapped[str] = mapped_column(String(64), primary_key=True)
    document: Mapped[Document]
    plan: Mapped[Document]
    created_at: Mapped[float]
    version_id: Mapped[int | None]
    problem: Mapped[str | None]


class PictureRow(Base):
    """One of the master's own public pictures; `row` is its place in the array file."""

    __tablename__ = "pictures"
    __table_args__ = (UniqueConstraint("study_id", "row"),)

    study_id: Mapped[str] = mapped_column(ForeignKey("studies.id"), primary_key=True)
    sha256: Mapped[str] = mapped_column(String(64), primary_key=True)
    part: Mapped[str] = mapped_column(String(16))
    label: Mapped[str] = mapped_column(String(64))
    row: Mapped[int]
    width: Mapped[int]
    height: Mapped[int]
    added_at: Mapped[float]


class SignatureRow(Base):
    """A signature, kept once however many versions have it."""

    __tablename__ = "signatures"

    sha256: Mapped[str] = mapped_column(String(64), primary_key=True)
    document: Mapped[Document]


class VersionRow(Base):
    """One version of a global model; `run_id` is empty for an initial model.

    `frozen` is the blob of the part that nothing trains, if there is one; `frozen_signature`
    goes with it.
    """

    __tablename__ = "versions"

    id: Mapped[int] = mapped_column(BigKey, primary_key=True, autoincrement=True)
    study_id: Mapped[str] = mapped_column(ForeignKey("studies.id"), index=True)
    run_id: Mapped[str | None] = mapped_column(String(64))
    round: Mapped[int]
    plan: Mapped[Document]
    weights: Mapped[str] = mapped_column(String(64), index=True)
    signature: Mapped[str] = mapped_column(ForeignKey("signatures.sha256"))
    strategy_state: Mapped[str | None] = mapped_column(String(64))
    frozen: Mapped[str | None] = mapped_column(String(64), index=True)
    frozen_signature: Mapped[str | None] = mapped_column(ForeignKey("signatures.sha256"))
    parameters: Mapped[int]
    nbytes: Mapped[int]
    created_at: Mapped[float]


class StatisticsRow(Base):
    """Statistics of a blob of weights, once computed."""

    __tablename__ = "weight_statistics"

    weights: Mapped[str] = mapped_column(String(64), primary_key=True)
    document: Mapped[Document]
