"""The credits of each round: pending, granted, or none; and what was measured on the way."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, cast

from sqlalchemy import ColumnElement, CursorResult, and_, delete, or_, select, tuple_, update
from sqlalchemy.orm import Session

from federated.plan import RewardPolicy
from federated.states import TaskState
from federated.views import CreditShare, RoundCredits
from federated.wire import UpdateDocument
from master.rewards import UNIT
from master.store.tables import (
    MeasuredCoalitionRow,
    NodeRow,
    RoundCreditsRow,
    RunRow,
    TaskRow,
    UpdateRow,
)

PENDING, GRANTED, NONE = "pending", "granted", "none"

NEWEST = 20
"""Rounds of all runs whose arithmetic is told together."""


def open_pending(
    session: Session, run: str, number: int, policy: RewardPolicy, pictures: int, now: float
) -> None:
    """Notes that the credits of a round are to be worked out.

    Args:
        session: The transaction.
        run: The run.
        number: The round, which closes in the same transaction.
        policy: The plan's.
        pictures: Row of the array file below which the audit pictures lie.
        now: The time.
    """
    row = RoundCreditsRow(
        run_id=run,
        round=number,
        state=PENDING,
        policy=policy.policy,
        pool=policy.pool,
        pictures=pictures,
        seconds=0.0,
        models=0,
        created_at=now,
    )
    session.add(row)
    session.flush()


def find(session: Session, run: str, number: int) -> RoundCreditsRow | None:
    """The credits of a round; None where it is not closed, or of an older version."""
    return session.get(RoundCreditsRow, (run, number))


def pending(session: Session) -> list[tuple[str, int]]:
    """`(run, round)` whose credits are being worked out, oldest first."""
    query = select(RoundCreditsRow).where(RoundCreditsRow.state == PENDING)
    ordered = query.order_by(RoundCreditsRow.created_at, RoundCreditsRow.run_id)
    return [(row.run_id, row.round) for row in session.scalars(ordered)]


def every(session: Session) -> list[tuple[str, int]]:
    """`(run, round)` of every round that closed, oldest first."""
    query = select(RoundCreditsRow.run_id, RoundCreditsRow.round)
    ordered = query.order_by(
        RoundCreditsRow.created_at, RoundCreditsRow.run_id, RoundCreditsRow.round
    )
    return [(run, number) for run, number in session.execute(ordered)]


def measured(session: Session, run: str, number: int) -> dict[str, float]:
    """Accuracies that are known so far, by the keys of their models."""
    query = select(MeasuredCoalitionRow).where(_of_round(MeasuredCoalitionRow, run, number))
    return {row.key: row.accuracy for row in session.scalars(query)}


def keep(
    session: Session, run: str, number: int, found: Mapping[str, float], seconds: float
) -> None:
    """Notes accuracies that were measured, and the time that it took."""
    row = session.get_one(RoundCreditsRow, (run, number))
    if row.state != PENDING:
        return
    session.add_all(
        MeasuredCoalitionRow(run_id=run, round=number, key=key, accuracy=accuracy)
        for key, accuracy in found.items()
    )
    row.models += len(found)
    row.seconds += seconds


def settle(
    session: Session,
    run: str,
    number: int,
    found: dict[str, Any] | None,
    reason: str | None,
    now: float,
) -> bool:
    """Ends the working out; False where it has ended before, so that nothing counts twice.

    Args:
        session: The transaction, in which the ledger is written too.
        run: The run.
        number: The round.
        found: The arithmetic, if there is any.
        reason: Why nothing is handed out; None where credits are granted.
        now: The time.
    """
    session.flush()
    statement = (
        update(RoundCreditsRow)
        .where(_of_round(RoundCreditsRow, run, number), RoundCreditsRow.state == PENDING)
        .values(
            state=GRANTED if reason is None else NONE, found=found, reason=reason, settled_at=now
        )
    )
    moved = cast("CursorResult[Any]", session.execute(statement)).rowcount == 1
    if moved:
        session.execute(
            delete(MeasuredCoalitionRow).where(_of_round(MeasuredCoalitionRow, run, number))
        )
    return moved


def views(
    session: Session, run: str | None = None, number: int | None = None
) -> list[RoundCredits]:
    """How credits arose, newest first: of one run all, of all runs the last and the pending.

    Args:
        session: The transaction.
        run: One run alone.
        number: Of that run one round alone.
    """
    query = select(RoundCreditsRow, RunRow.plan).join(RunRow, RunRow.id == RoundCreditsRow.run_id)
    newest = query.order_by(
        RoundCreditsRow.created_at.desc(), RoundCreditsRow.run_id, RoundCreditsRow.round.desc()
    )
    if run is not None:
        newest = newest.where(RoundCreditsRow.run_id == run)
        if number is not None:
            newest = newest.where(RoundCreditsRow.round == number)
    else:
        last = newest.with_only_columns(RoundCreditsRow.run_id, RoundCreditsRow.round)
        found = [(one, number) for one, number in session.execute(last.limit(NEWEST))]
        key = tuple_(RoundCreditsRow.run_id, RoundCreditsRow.round)
        newest = newest.where(or_(key.in_(found), RoundCreditsRow.state == PENDING))
    rows = [(row, plan) for row, plan in session.execute(newest)]
    whole = run if number is None else None
    updates = _updates(session, whole, [(row.run_id, row.round) for row, _ in rows])
    return [_view(row, plan, updates.get((row.run_id, row.round), [])) for row, plan in rows]


def _of_round(
    table: type[RoundCreditsRow | MeasuredCoalitionRow], run: str, number: int
) -> ColumnElement[bool]:
    return and_(table.run_id == run, table.round == number)


_Update = tuple[TaskRow, str, UpdateDocument]


def _updates(
    session: Session, run: str | None, keys: list[tuple[str, int]]
) -> dict[tuple[str, int], list[_Update]]:
    """The accepted updates of some rounds, in order of node name."""
    query = (
        select(TaskRow, NodeRow.name, UpdateRow.document)
        .join(NodeRow, NodeRow.id == TaskRow.node_id)
        .join(UpdateRow, UpdateRow.task_id == TaskRow.id)
        .where(TaskRow.state == TaskState.ACCEPTED)
        .order_by(NodeRow.name, TaskRow.id)
    )
    if run is not None:
        query = query.where(TaskRow.run_id == run)
    else:
        query = query.where(tuple_(TaskRow.run_id, TaskRow.counted_in).in_(keys))
    found: dict[tuple[str, int], list[_Update]] = {}
    for task, name, document in session.execute(query):
        if task.counted_in is not None:
            one = (task, name, UpdateDocument.model_validate(document))
            found.setdefault((task.run_id, task.counted_in), []).append(one)
    return found


def _view(row: RoundCreditsRow, plan: dict[str, Any], updates: list[_Update]) -> RoundCredits:
    found = row.found or {}
    policy = RewardPolicy.model_validate(plan.get("rewards", {}))
    return RoundCredits(
        run=row.run_id,
        round=row.round,
        policy=row.policy,
        pool=row.pool,
        state=cast("Any", row.state),
        reason=row.reason,
        before=found.get("before"),
        after=found.get("after"),
        orders=found.get("orders"),
        models=row.models,
        most_models=policy.max_evaluations if row.policy == "shapley" else None,
        created_at=row.created_at,
        settled_at=row.settled_at,
        updates=[_share(*one, found.get("updates", {})) for one in updates],
    )


def _share(
    task: TaskRow, name: str, document: UpdateDocument, found: Mapping[str, Any]
) -> CreditShare:
    compared, contribution, amount = found.get(task.id, (None, None, 0))
    return CreditShare(
        task=task.id,
        node=task.node_id,
        node_name=name,
        num_examples=document.num_examples,
        compared=compared,
        contribution=contribution,
        credits=amount / UNIT,
    )
