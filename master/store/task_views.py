"""Tasks as people see them, and the round that each belongs to."""

from __future__ import annotations

from sqlalchemy import ColumnElement, select
from sqlalchemy.orm import Session

from federated.messages import Progress
from federated.states import TaskState
from federated.views import TaskView
from master.store.tables import NodeRow, TaskRow
from master.store.tasks import OPEN, UNENDED


def counts_in(run_id: str, number: int) -> ColumnElement[bool]:
    """Whether a task belongs to a round: to the one that counted it, else to its own."""
    counted = TaskRow.counted_in == number
    made = TaskRow.counted_in.is_(None) & (TaskRow.round == number)
    return (TaskRow.run_id == run_id) & (counted | made)


def staleness(row: TaskRow) -> int | None:
    """Versions that the global model had moved on by when a task's update counted."""
    return None if row.counted_in is None else row.counted_in - 1 - row.base_round


def of_round(session: Session, run_id: str, number: int) -> list[TaskView]:
    """Tasks of a round, in order of node name."""
    return _views(session, counts_in(run_id, number))


def under_way(session: Session, run_id: str, number: int) -> list[TaskView]:
    """Tasks of a run's newest round, and those of earlier ones that it still waits for."""
    carried = (TaskRow.run_id == run_id) & TaskRow.state.in_(UNENDED)
    return _views(session, counts_in(run_id, number) | carried)


def _views(session: Session, wanted: ColumnElement[bool]) -> list[TaskView]:
    query = (
        select(TaskRow, NodeRow.name)
        .join(NodeRow, NodeRow.id == TaskRow.node_id)
        .where(wanted)
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
