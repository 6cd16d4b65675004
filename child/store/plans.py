"""Plans that tasks came with, and what the site's people have made of them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal, cast

from sqlalchemy import BigInteger, Float, String, Text, delete, select, update
from sqlalchemy.orm import Mapped, Session, mapped_column

from child.store.base import Base
from federated.errors import NotFound
from federated.messages import Task
from federated.plan import Plan
from federated.views import Decision
from serving.database import Database

KEPT_UNDECIDED = 50
"""Plans that nobody has decided on, so that a master cannot fill the site's disk with plans."""
KEPT_DECIDED = 500
"""A decision that is forgotten is asked for again: nothing trains by mistake, if asked at all."""
DECIDED = ("approved", "declined")


class PlanRow(Base):
    """One plan, with the study and the run of the last task that came with it."""

    __tablename__ = "plans"

    sha256: Mapped[str] = mapped_column(String(64), primary_key=True)
    study: Mapped[str] = mapped_column(String(64))
    run: Mapped[str] = mapped_column(String(64))
    document: Mapped[str] = mapped_column(Text)
    nbytes: Mapped[int] = mapped_column(BigInteger)
    decision: Mapped[str] = mapped_column(String(16))
    seen_at: Mapped[float] = mapped_column(Float)


@dataclass(frozen=True, slots=True)
class MetPlan:
    """A plan as the site holds it; `nbytes` of weights leave with each update by it."""

    sha256: str
    study: str
    run: str
    plan: Plan
    nbytes: int
    decision: Decision
    seen_at: float


class PlanStore:
    """The plans that this site has met, the latest of them."""

    def __init__(self, database: Database, now: Callable[[], float]) -> None:
        self._database = database
        self._now = now

    def met(self, task: Task) -> None:
        """Keeps the plan that a task came with, undecided where it is new."""
        name = task.plan.sha256
        with self._database.write() as session:
            row = session.get(PlanRow, name)
            if row is None:
                document = task.plan.model_dump_json()
                row = PlanRow(sha256=name, document=document, decision="undecided")
                session.add(row)
            row.study, row.run, row.seen_at = task.study.id, task.run, self._now()
            row.nbytes = task.signature.nbytes
            session.flush()
            _forget(session, ("undecided",), KEPT_UNDECIDED)
            _forget(session, DECIDED, KEPT_DECIDED)

    def decision(self, sha256: str) -> Decision:
        """What has been made of a plan; `undecided` of one that is not known."""
        with self._database.read() as session:
            found = session.scalar(select(PlanRow.decision).where(PlanRow.sha256 == sha256))
        return _decision(found or "undecided")

    def decide(self, sha256: str, decision: Literal["approved", "declined"]) -> None:
        """Notes what the site's people make of a plan.

        Raises:
            NotFound: No task came with such a plan, or it is forgotten.
        """
        change = update(PlanRow).where(PlanRow.sha256 == sha256).values(decision=decision)
        with self._database.write() as session:
            if session.scalar(change.returning(PlanRow.sha256)) is None:
                raise NotFound(
                    "This site knows no such plan",
                    expected="the SHA-256 of a plan that GET /participation lists",
                    received=sha256,
                    code="unknown_plan",
                )

    def latest(self, limit: int) -> list[MetPlan]:
        """The plans that came last, newest first."""
        newest = select(PlanRow).order_by(PlanRow.seen_at.desc(), PlanRow.sha256).limit(limit)
        with self._database.read() as session:
            return [_met(row) for row in session.scalars(newest)]


def _forget(session: Session, decisions: Sequence[str], keep: int) -> None:
    """Deletes plans of these decisions but for those that were seen last."""
    of_them = select(PlanRow.sha256).where(PlanRow.decision.in_(decisions))
    oldest = session.scalars(of_them.order_by(PlanRow.seen_at.desc()).offset(keep)).all()
    if oldest:
        session.execute(delete(PlanRow).where(PlanRow.sha256.in_(oldest)))


def _decision(word: str) -> Decision:
    return cast(Decision, word)


def _met(row: PlanRow) -> MetPlan:
    return MetPlan(
        sha256=row.sha256,
        study=row.study,
        run=row.run,
        plan=Plan.model_validate_json(row.document),
        nbytes=row.nbytes,
        decision=_decision(row.decision),
        seen_at=row.seen_at,
    )
