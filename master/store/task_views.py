"""Tasks as people see them, and the round that each belongs to."""

from __future__ import annotations

from sqlalchemy import ColumnElement, exists, select
from sqlalchemy.orm import Session

from federated.messages import Progress
from federated.states import RoundState, TaskState
from federated.views import TaskView
from master.store.tables import NodeRow, RoundRow, RunRow, TaskRow
from master.store.tasks import OPEN, TRAIN, UNENDED


def belongs_to(session: Session, run_id: str, number: int) -> ColumnElement[bool]:
    """Whether a task belongs to a round: each belongs to one at any time.

    To the one that counted it; else to the one that it was made for, until that has closed
    without it and it may still count: then to the newest.
    """
    closed = exists().where(
        RoundRow.run_id == TaskRow.run_id,
        RoundRow.number == TaskRow.round,
        RoundRow.state == RoundState.CLOSED,
    )
    uncounted = TaskRow.counted_in.is_(None)
    carried = uncounted & TaskRow.state.in_((*UNENDED, TaskState.ACCEPTED)) & closed
    found = (TaskRow.counted_in == number) | (uncounted & (TaskRow.round == number) & ~carried)
    if number == session.get_one(RunRow, run_id).round:
        found = found | carried
    return (TaskRow.run_id == run_id) & (TaskRow.kind == TRAIN) & found


def staleness(row: TaskRow) -> int | None:
    """Versions that the global model had moved on by when a task's update counted."""
    return None if row.counted_in is None else row.counted_in - 1 - row.base_round


def of_round(session: Session, run_id: str, number: int) -> list[TaskView]:
    """Tasks of a round, in order of node name."""
    query = (
        select(TaskRow, NodeRow.name)
        .join(NodeRow, NodeRow.id == TaskRow.node_id)
        .where(belongs_to(session, run_id, number))
        .order_by(NodeRow.name, TaskRow.created_at, TaskRow.id)
    )
    return [_view(row, name) for row, name in session.execute(query)]


def _view(row: TaskRow, name: str) -> TaskView:
    state = TaskState(row.state)
    return TaskView(
        id=row.id,
        node=row.node_id,
        node_name=name,
        round=row.counted_in or row.round,
        state=state,
        reason=row.reason,
        progress=Progress.model_validate(row.progress) if row.progress else None,
        created_at=row.created_at,
        changed_at=row.changed_at,
        base_round=row.base_round,
        attempt=row.attempt,
        batch=row.batch,
        lost=state == TaskState.QUEUED and row.lost_at is not None,
        lease_until=row.lease_until if state in OPEN else None,
        staleness=staleness(row),
    )
