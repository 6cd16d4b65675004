"""Tasks: what is handed to a node, how it goes on, and when it counts as lost."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from sqlalchemy import ColumnElement, Select, or_, select, update
from sqlalchemy.orm import Session

from federated.errors import NotFound
from federated.messages import Failure, Progress, Task
from federated.plan import Plan
from federated.states import TaskState, is_final
from federated.views import TaskView
from master.coordinator.assignment import Slot
from master.store import transitions, versions
from master.store.tables import NodeRow, RoundRow, RunRow, TaskRow, VersionRow

OPEN = (TaskState.QUEUED, TaskState.LEASED, TaskState.TRAINING)
UNENDED = (*OPEN, TaskState.SUBMITTED)


@dataclass(frozen=True, slots=True)
class TaskSummary:
    """What the coordinator needs to know of a task."""

    id: str
    run: str
    node: str
    state: TaskState
    lease_until: float
    changed_at: float


def add(
    session: Session, row: RoundRow, slots: Iterable[Slot], now: float, handover_seconds: float
) -> None:
    """One task for each slot of a round."""
    base = session.get_one(VersionRow, row.before_id)
    for slot in slots:
        session.add(
            TaskRow(
                id=f"{row.run_id}-{row.number}-{slot.site.id}",
                run_id=row.run_id,
                round=row.number,
                node_id=slot.site.id,
                slot=slot.name,
                batch=None if slot.batch is None else slot.batch.sha256,
                base_id=base.id,
                base_round=row.number - 1,
                weights=base.weights,
                seed=slot.seed,
                announced=slot.pictures,
                state=str(TaskState.QUEUED),
                lease_until=now + handover_seconds,
                created_at=now,
                changed_at=now,
            )
        )
    session.flush()


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
    run = session.get_one(RunRow, row.run_id)
    return Task(
        id=row.id,
        run=row.run_id,
        study=base.study,
        plan=Plan.model_validate(run.plan),
        round=row.round,
        base_round=row.base_round,
        weights=row.weights,
        signature=base.signature,
        seed=row.seed,
        lease_seconds=lease_seconds,
    )


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
    """A node that works on a task has it, even if its 202 has not been read yet."""
    if row.state == TaskState.QUEUED:
        transitions.move_task(session, row, TaskState.LEASED, now)
        row.leased_at = row.leased_at or now


def fail(session: Session, row: TaskRow, failure: Failure, now: float) -> None:
    """Ends a task that its node cannot answer; one that is over stays as it is."""
    if row.state in OPEN:
        detail = f"{failure.detail.strip() or failure.code} ({failure.code})"
        transitions.move_task(session, row, TaskState.FAILED, now, detail)


def renew(
    session: Session, node_id: str, names: Iterable[str], now: float, lease_seconds: float
) -> tuple[str, ...]:
    """Renews the leases of tasks that a node names; returns those that it should drop."""
    named = list(dict.fromkeys(names))[:1000]
    query = select(TaskRow).where(TaskRow.node_id == node_id, TaskRow.id.in_(named))
    rows = {row.id: row for row in session.scalars(query)}
    for row in rows.values():
        if row.state in (TaskState.LEASED, TaskState.TRAINING):
            row.lease_until = max(row.lease_until, now + lease_seconds)
    # A submitted task is not to be dropped: its node may not have read the answer yet.
    return tuple(
        name for name in named if name not in rows or is_final(TaskState(rows[name].state))
    )


def extend_leases(session: Session, now: float, lease_seconds: float) -> None:
    """Gives every task that has not ended a whole lease again.

    While the master was away, no node could call, and no update could be audited.
    """
    session.execute(
        update(TaskRow)
        .where(TaskRow.state.in_(UNENDED), TaskRow.lease_until < now + lease_seconds)
        .values(lease_until=now + lease_seconds)
    )


def expire(session: Session, task_ids: Iterable[str], now: float, silence: float) -> None:
    """Ends tasks whose lease has run out."""
    for row in session.scalars(select(TaskRow).where(TaskRow.id.in_(list(task_ids)))).all():
        queued = row.state == TaskState.QUEUED
        reason = "could not be handed over in time" if queued else f"not heard of for {silence:g} s"
        transitions.move_task(session, row, TaskState.EXPIRED, now, reason)


def end_open(
    session: Session, run_id: str, number: int, state: TaskState, reason: str, now: float
) -> None:
    """Ends the tasks of a round that are still with their nodes."""
    ending = UNENDED if state == TaskState.CANCELLED else OPEN
    query = select(TaskRow).where(
        TaskRow.run_id == run_id, TaskRow.round == number, TaskRow.state.in_(ending)
    )
    for row in session.scalars(query).all():
        transitions.move_task(session, row, state, now, reason)


def cancel_of_node(session: Session, node_id: str, reason: str, now: float) -> None:
    """Cancels what a node still has to do, and what it sent and nobody has judged yet."""
    query = select(TaskRow).where(TaskRow.node_id == node_id, TaskRow.state.in_(UNENDED))
    for row in session.scalars(query).all():
        transitions.move_task(session, row, TaskState.CANCELLED, now, reason)


def at_hand(session: Session, ended_since: float) -> list[TaskSummary]:
    """Tasks that are queued or submitted, and those taken back lately; oldest first."""
    taken_back = TaskRow.state.in_((TaskState.EXPIRED, TaskState.CANCELLED))
    waiting = TaskRow.state.in_((TaskState.QUEUED, TaskState.SUBMITTED))
    query = _briefs().where(or_(waiting, taken_back & (TaskRow.changed_at >= ended_since)))
    return _read(session, query.order_by(TaskRow.created_at))


def of_round(session: Session, run_id: str, number: int) -> list[TaskSummary]:
    """All tasks of a round."""
    query = _briefs().where(TaskRow.run_id == run_id, TaskRow.round == number)
    return _read(session, query)


def counts_in(run_id: str, number: int) -> ColumnElement[bool]:
    """Whether a task belongs to a round: to the one that counted it, else to its own."""
    counted = TaskRow.counted_in == number
    made = TaskRow.counted_in.is_(None) & (TaskRow.round == number)
    return (TaskRow.run_id == run_id) & (counted | made)


def count(session: Session, run_id: str, number: int) -> None:
    """Notes that a round takes its accepted updates, and no other round ever will."""
    session.execute(
        update(TaskRow)
        .where(TaskRow.run_id == run_id, TaskRow.round == number)
        .where(TaskRow.state == TaskState.ACCEPTED)
        .values(counted_in=number)
    )


def staleness(row: TaskRow) -> int | None:
    """Versions that the global model had moved on by when a task's update counted."""
    return None if row.counted_in is None else row.counted_in - 1 - row.base_round


def views(session: Session, run_id: str, number: int) -> list[TaskView]:
    """Tasks of a round as people see them, in order of node name."""
    query = (
        select(TaskRow, NodeRow.name)
        .join(NodeRow, NodeRow.id == TaskRow.node_id)
        .where(counts_in(run_id, number))
        .order_by(NodeRow.name, TaskRow.attempt)
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
        lost=row.lost_at is not None,
        lease_until=row.lease_until if state in OPEN else None,
        staleness=staleness(row),
    )


def _read(session: Session, query: Select[str, str, str, str, float, float]) -> list[TaskSummary]:
    return [
        TaskSummary(
            id=task,
            run=run,
            node=node,
            state=TaskState(state),
            lease_until=until,
            changed_at=changed,
        )
        for task, run, node, state, until, changed in session.execute(query)
    ]


def _briefs() -> Select[str, str, str, str, float, float]:
    return select(
        TaskRow.id,
        TaskRow.run_id,
        TaskRow.node_id,
        TaskRow.state,
        TaskRow.lease_until,
        TaskRow.changed_at,
    )
