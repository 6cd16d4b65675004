"""Evaluations of global models on the master's own pictures: due, done, or not possible."""

from __future__ import annotations

from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from master.headline import headline as figures_of
from master.store.tables import EvaluationRow, PictureRow

DUE, DONE, FAILED = "due", "done", "failed"

HEADLINES = ("loss", "accuracy", "balanced_accuracy", "auc")
"""Names of a report's figures that models are compared by."""


def demand(session: Session, version_id: int, run_id: str, study_id: str, now: float) -> None:
    """Notes that a version is to be evaluated on each part that has pictures."""
    query = select(PictureRow.part).where(PictureRow.study_id == study_id).distinct()
    for part in sorted(session.scalars(query)):
        session.add(
            EvaluationRow(version_id=version_id, run_id=run_id, part=part, state=DUE, at=now)
        )


def has_pictures(session: Session, study_id: str, part: str) -> bool:
    """Whether the master has pictures of its own for a part."""
    query = select(PictureRow.row).where(PictureRow.study_id == study_id, PictureRow.part == part)
    return session.scalar(query.limit(1)) is not None


def due(session: Session) -> list[tuple[int, int, str]]:
    """`(id, version, part)` of the evaluations that are still to be done, oldest first."""
    query = select(EvaluationRow).where(EvaluationRow.state == DUE).order_by(EvaluationRow.id)
    return [(row.id, row.version_id, row.part) for row in session.scalars(query)]


def are_due(session: Session, run_id: str) -> bool:
    """Whether a run still waits for evaluations."""
    query = select(func.count()).where(EvaluationRow.run_id == run_id, EvaluationRow.state == DUE)
    return bool(session.scalar(query))


def finish(
    session: Session,
    evaluation_id: int,
    report: dict[str, Any] | None,
    note: str | None,
    now: float,
) -> None:
    """Notes a report, or why there is none."""
    row = session.get_one(EvaluationRow, evaluation_id)
    row.state, row.report = (DONE if report is not None else FAILED), report
    row.note, row.at = note, now


def of_version(session: Session, version_id: int) -> dict[str, EvaluationRow]:
    """Evaluations of a version by part."""
    query = select(EvaluationRow).where(EvaluationRow.version_id == version_id)
    return {row.part: row for row in session.scalars(query)}


def headline(session: Session, version_id: int | None) -> dict[str, float | None] | None:
    """The figures of a version on the test part that are shown first."""
    if version_id is None:
        return None
    row = of_version(session, version_id).get("test")
    if row is None or row.report is None:
        return None
    return figures_of(row.report)
