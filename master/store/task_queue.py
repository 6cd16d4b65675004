"""What waits for a node that asks for work itself."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import select
from sqlalchemy.orm import Session

from federated.messages import Task
from federated.states import NodeState, TaskState
from master.store import tasks, versions
from master.store.tables import NodeRow, TaskRow


@dataclass(frozen=True, slots=True)
class Waiting:
    """A task that its node has not taken yet.

    Attributes:
        task: The task as its node gets it.
        since: Since when it has been waiting, in seconds since the epoch.
    """

    task: Task
    since: float


def next_of(session: Session, node_id: str, lease_seconds: float) -> Waiting | None:
    """The oldest task that waits for a node, whatever its run; None unless the node may work.

    It goes on waiting until the node says that it has it: an answer that is lost costs nothing.
    """
    query = (
        select(TaskRow)
        .join(NodeRow, NodeRow.id == TaskRow.node_id)
        .where(TaskRow.node_id == node_id, TaskRow.state == TaskState.QUEUED)
        .where(NodeRow.state == NodeState.ACTIVE)
        .order_by(TaskRow.created_at, TaskRow.id)
        .limit(1)
    )
    row = session.scalar(query)
    if row is None:
        return None
    base = versions.get(session, row.base_id)
    return Waiting(tasks.message(session, row, base, lease_seconds), row.changed_at)
