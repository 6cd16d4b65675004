"""How models did here before and after each training: figures that stay at the site."""

from __future__ import annotations

from collections.abc import Callable

from sqlalchemy import Float, String, delete, select
from sqlalchemy.orm import Mapped, mapped_column

from child.store.base import Base
from federated.messages import Task
from federated.views import RoundFigures
from serving.database import Database

KEPT = 2000
"""Rounds that are remembered."""


class RoundFiguresRow(Base):
    """The figures of one task that trained."""

    __tablename__ = "round_figures"

    number: Mapped[int] = mapped_column(primary_key=True, autoincrement=True)
    task: Mapped[str] = mapped_column(String(64), unique=True)
    run: Mapped[str] = mapped_column(String(64))
    study: Mapped[str] = mapped_column(String(64))
    round: Mapped[int]
    received: Mapped[float] = mapped_column(Float)
    trained: Mapped[float] = mapped_column(Float)
    at: Mapped[float] = mapped_column(Float)


class RoundFiguresStore:
    """Accuracies on the site's validation pictures by round."""

    def __init__(self, database: Database, now: Callable[[], float]) -> None:
        self._database = database
        self._now = now

    def keep(self, task: Task, received: float, trained: float) -> None:
        """Notes the figures of a task, in place of those that it had before."""
        row = RoundFiguresRow(
            task=task.id,
            run=task.run,
            study=task.study.id,
            round=task.round,
            received=received,
            trained=trained,
            at=self._now(),
        )
        with self._database.write() as session:
            session.execute(delete(RoundFiguresRow).where(RoundFiguresRow.task == task.id))
            session.add(row)
            session.flush()
            session.execute(
                delete(RoundFiguresRow).where(RoundFiguresRow.number <= row.number - KEPT)
            )

    def latest(self, limit: int) -> list[RoundFigures]:
        """The figures of the latest rounds, oldest first."""
        newest = select(RoundFiguresRow).order_by(RoundFiguresRow.number.desc()).limit(limit)
        with self._database.read() as session:
            return [_view(row) for row in session.scalars(newest)][::-1]


def _view(row: RoundFiguresRow) -> RoundFigures:
    return RoundFigures(
        run=row.run,
        study=row.study,
        round=row.round,
        received=row.received,
        trained=row.trained,
        at=row.at,
    )
