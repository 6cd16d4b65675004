"""A task at its node: taken, worked on, lost and found again, given up."""

from __future__ import annotations

from collections.abc import Iterable

from sqlalchemy import select
from sqlalchemy.orm import Session

from federated.errors import NotFound
from federated.messages import AssignedBatch, Failure, Progress, Task
from federated.plan import Plan
from federated.search import Hyperparameters
from federated.states import TaskState, is_final
from federated.strategies import has_controls
from master.store import measured_models, transitions, versions
from master.store.tables import RunBatchesRow, RunRow, TaskRow, UpdateRow

OPEN = (TaskState.QUEUED, TaskState.LEASED, TaskState.TRAINING)
UNENDED = (*OPEN, TaskState.SUBMITTED)

TRAIN = "train"
EVALUATE = "evaluate"
REPLICA = "replica"
"""Training that another node does as well: it is compared with that, and counts in no round."""


def of_node(session: Session, task_id: str, node_id: str) -> TaskRow:
    """A task that a node holds.

    Raises:
        NotFound: There is none, or it is another node's: a node learns nothing of those.
    """
    row = session.get(TaskRow, task_id)
    if row is None or row.node_id != node_id:
        raise NotFound("This site has no such task", received=task_id[:64])
    return row


def message(session: Session, row: TaskRow, base: versions.Version, lease_seconds: float) -> Task:
    """The task as its node gets it, with the version that it starts from."""
    plan = Plan.model_validate(session.get_one(RunRow, row.run_id).plan)
    is_evaluation = row.kind == EVALUATE
    index = None
    if plan.data.kind == "random":
        index = session.scalar(
            select(RunBatchesRow.sha256).where(RunBatchesRow.run_id == row.run_id)
        )
    controlled = not is_evaluation and has_controls(plan.strategy)
    return Task(
        id=row.id,
        kind="evaluate" if is_evaluation else "train",
        run=row.run_id,
        study=base.study,
        plan=plan,
        round=row.round,
        base_round=row.base_round,
        weights=row.weights,
        signature=base.signature,
        frozen=base.frozen.weights if base.frozen else None,
        frozen_signature=base.frozen.signature if base.frozen else None,
        seed=row.seed,
        hyperparameters=hyperparameters_of(row),
        lease_seconds=lease_seconds,
        batch=batch_of(row),
        index=index,
        models=measured_models.hashes(session, row.run_id) if is_evaluation else (),
        control=None if is_evaluation else control_of(plan, row, base),
        counted=_counted(session, row) if controlled else None,
    )


def control_of(plan: Plan, row: TaskRow, base: versions.Version) -> str | None:
    """The control variates that a task names, where its plan's strategy has kept such."""
    # A run may begin from another one's model, whose strategy kept something of its own.
    is_own = has_controls(plan.strategy) and base.run == row.run_id
    return base.strategy_state if is_own else None


def _counted(session: Session, row: TaskRow) -> str | None:
    """The last task of the same node and run, of an earlier round, whose update had a share."""
    query = (
        select(TaskRow.id)
        .join(UpdateRow, UpdateRow.task_id == TaskRow.id)
        .where(TaskRow.run_id == row.run_id, TaskRow.node_id == row.node_id)
        .where(TaskRow.round < row.round, UpdateRow.share.is_not(None))
    )
    found: str | None = session.scalar(query.order_by(TaskRow.round.desc()).limit(1))
    return found


def batch_of(row: TaskRow) -> AssignedBatch | None:
    """The batch that a task is to be done on, where one is assigned."""
    if row.batch is None or row.batch_bytes is None:
        return None
    return AssignedBatch(sha256=row.batch, bytes=row.batch_bytes)


def hyperparameters_of(row: TaskRow) -> Hyperparameters | None:
    """What a task is trained with in place of the plan's settings; None outside a search."""
    if row.hyperparameters is None:
        return None
    return Hyperparameters.model_validate(row.hyperparameters)


def lease(session: Session, task_id: str, now: float, lease_seconds: float) -> None:
    """Notes that a node has taken a task; one that has gone further already is left alone."""
    row = session.get_one(TaskRow, task_id)
    if row.state == TaskState.QUEUED:
        begin(session, row, now)
        row.lease_until = now + lease_seconds


def progress(
    session: Session, row: TaskRow, report: Progress, now: float, lease_seconds: float
) -> None:
    """Notes how far a training is; renews the lease; a task that is over stays as it is.

    Epoch 0 says that the node has the task and prepares it: this is how it takes one over.
    """
    if row.state not in OPEN:
        return
    begin(session, row, now)
    if row.state == TaskState.LEASED and report.epoch > 0:
        transitions.move_task(session, row, TaskState.TRAINING, now)
    row.progress = report.model_dump(mode="json")
    row.changed_at, row.lease_until = now, now + lease_seconds


def begin(session: Session, row: TaskRow, now: float) -> None:
    """A node that works on a task has it, even if its 202 has not been read yet.

    The first lease stays the one that its speed is measured from: a node that was cut off
    while it trained has not become quicker by that.
    """
    if row.state == TaskState.QUEUED:
        transitions.move_task(session, row, TaskState.LEASED, now)
        row.leased_at, row.lost_at = row.leased_at or now, None


def lose(session: Session, row: TaskRow, reason: str, now: float) -> None:
    """Puts an open task back into the queue of its node, which is not heard of."""
    if row.state != TaskState.QUEUED:
        transitions.move_task(session, row, TaskState.QUEUED, now, reason)
    elif row.lost_at is None:
        row.changed_at, row.reason = now, reason
        transitions.tell_of_task(session, row, TaskState.QUEUED, now, reason)
    row.lost_at = row.lost_at or now


def fail(session: Session, row: TaskRow, failure: Failure, now: float) -> None:
    """Ends a task that its node cannot answer; one that is over stays as it is."""
    if row.state in OPEN:
        detail = f"{failure.detail.strip() or failure.code} ({failure.code})"
        transitions.move_task(session, row, TaskState.FAILED, now, detail)


def renew(
    session: Session, node_id: str, names: Iterable[str], now: float, lease_seconds: float
) -> tuple[str, ...]:
    """Renews the leases of tasks that a node names; returns those that it should drop.

    A task that was lost is its node's again.
    """
    named = list(dict.fromkeys(names))[:1000]
    query = select(TaskRow).where(TaskRow.node_id == node_id, TaskRow.id.in_(named))
    rows = {row.id: row for row in session.scalars(query)} if named else {}
    for row in rows.values():
        if row.state in OPEN:
            begin(session, row, now)
            row.lease_until = max(row.lease_until, now + lease_seconds)
    # A submitted task is not to be dropped: its node may not have read the answer yet.
    return tuple(
        name for name in named if name not in rows or is_final(TaskState(rows[name].state))
    )


def cancel_of_node(session: Session, node_id: str, reason: str, now: float) -> None:
    """Cancels what a node still has to do, and what it sent and nobody has judged yet."""
    unended = (TaskRow.node_id == node_id) & TaskRow.state.in_(UNENDED)
    query = select(TaskRow).where(unended).order_by(TaskRow.id)
    for row in session.scalars(query).all():
        transitions.move_task(session, row, TaskState.CANCELLED, now, reason)
