"""Statistics of weights, kept once computed."""

from __future__ import annotations

from sqlalchemy import select
from sqlalchemy.orm import Session

from federated.signature import Signature
from federated.statistics import WeightStatistics
from master.store import versions
from master.store.tables import StatisticsRow, VersionRow

AT_ONCE = 8


def get(session: Session, weights: str) -> WeightStatistics | None:
    """The statistics of a blob of weights, if they were computed before."""
    row = session.get(StatisticsRow, weights)
    return WeightStatistics.model_validate(row.document) if row else None


def put(session: Session, weights: str, statistics: WeightStatistics) -> None:
    """Keeps the statistics of a blob; a second time changes nothing."""
    if session.get(StatisticsRow, weights) is None:
        session.add(StatisticsRow(weights=weights, document=statistics.model_dump(mode="json")))


def missing(session: Session) -> list[tuple[str, Signature]]:
    """A few global models, newest first, whose statistics are still to be computed."""
    query = (
        select(VersionRow.weights, VersionRow.signature)
        .outerjoin(StatisticsRow, StatisticsRow.weights == VersionRow.weights)
        .where(StatisticsRow.weights.is_(None))
        .order_by(VersionRow.id.desc())
        .limit(AT_ONCE)
    )
    return [
        (weights, versions.signature(session, name)) for weights, name in session.execute(query)
    ]
