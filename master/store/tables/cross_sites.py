"""Each site's model at each other site: which models, and what the sites found."""

from __future__ import annotations

from typing import Any

from sqlalchemy import ForeignKey, ForeignKeyConstraint, String
from sqlalchemy.orm import Mapped, mapped_column

from master.store.tables.base import Base, Document


class CrossSiteRow(Base):
    """The measurement of a run's last models at its sites.

    `models` are what is measured, in order; `missing` are the sites that were not asked and
    the models that could not be had, each with its reason. It is open from `opened_at`, when
    the models lie ready and the sites have their tasks, to `closed_at`.
    """

    __tablename__ = "cross_sites"
    __table_args__ = (
        ForeignKeyConstraint(["run_id", "round"], ["rounds.run_id", "rounds.number"]),
    )

    run_id: Mapped[str] = mapped_column(String(64), primary_key=True)
    round: Mapped[int]
    models: Mapped[list[Any]]
    missing: Mapped[list[Any]]
    began_at: Mapped[float]
    deadline_at: Mapped[float]
    opened_at: Mapped[float | None]
    closed_at: Mapped[float | None]


class SiteEvaluationRow(Base):
    """What a site has answered to an `evaluate` task: numbers, as they came."""

    __tablename__ = "site_evaluations"

    task_id: Mapped[str] = mapped_column(ForeignKey("tasks.id"), primary_key=True)
    sha256: Mapped[str] = mapped_column(String(64))
    nbytes: Mapped[int]
    document: Mapped[Document]
    received_at: Mapped[float]
