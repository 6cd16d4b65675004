"""What a node has taken part in: its tasks, and what became of each."""

from __future__ import annotations

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from federated.states import TaskState
from federated.views import NodeHistory, NodeTask
from master.store import nodes, task_views
from master.store.tables import AuditRow, LedgerRow, TaskRow, UpdateRow
from master.store.tasks import TRAIN

NEWEST = 100
"""Tasks that are told of one by one."""


def history(session: Session, node_id: str) -> NodeHistory:
    """How often a node's work came to what, and its newest tasks.

    Raises:
        NotFound: There is no such node.
    """
    nodes.get(session, node_id)
    counted = (
        select(TaskRow.state, func.count())
        .where(TaskRow.node_id == node_id, TaskRow.kind == TRAIN)
        .group_by(TaskRow.state)
    )
    return NodeHistory(
        states={state: int(number) for state, number in session.execute(counted)},
        tasks=_newest(session, node_id),
    )


def _newest(session: Session, node_id: str) -> list[NodeTask]:
    """The newest tasks first; a task's last verdict counts."""
    query = (
        select(TaskRow, UpdateRow)
        .outerjoin(UpdateRow, UpdateRow.task_id == TaskRow.id)
        .where(TaskRow.node_id == node_id, TaskRow.kind == TRAIN)
        .order_by(TaskRow.created_at.desc(), TaskRow.id)
        .limit(NEWEST)
    )
    rows = [(task, update) for task, update in session.execute(query)]
    known = [task.id for task, _ in rows]
    reasons = {
        row.task_id: row.reasons
        for row in session.scalars(
            select(AuditRow).where(AuditRow.task_id.in_(known)).order_by(AuditRow.id)
        )
    }
    paid = select(LedgerRow.task_id, func.sum(LedgerRow.amount)).where(LedgerRow.task_id.in_(known))
    credits = {task: int(sum_) for task, sum_ in session.execute(paid.group_by(LedgerRow.task_id))}
    return [_told(task, update, reasons, credits) for task, update in rows]


def _told(
    task: TaskRow,
    update: UpdateRow | None,
    reasons: dict[str, list[str]],
    credits: dict[str | None, int],
) -> NodeTask:
    took = None
    if update is not None and task.leased_at is not None:
        took = max(0.0, update.received_at - task.leased_at)
    return NodeTask(
        run=task.run_id,
        round=task.counted_in or task.round,
        state=TaskState(task.state),
        reason=task.reason,
        at=task.changed_at,
        seconds=took,
        nbytes=None if update is None else update.nbytes,
        staleness=task_views.staleness(task),
        share=None if update is None else update.share,
        credits=credits[task.id] / 1000 if task.id in credits else None,
        audit=tuple(str(reason) for reason in reasons.get(task.id, ())),
    )
