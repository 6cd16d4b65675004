"""Tasks that end, or go back to the queue, many at a time."""

from __future__ import annotations

from collections.abc import Collection, Iterable

from sqlalchemy import ColumnElement, Select, select, update
from sqlalchemy.orm import Session

from federated.states import RoundState, TaskState
from master.store import tasks, transitions
from master.store.tables import RoundRow, TaskRow
from master.store.tasks import TRAIN, UNENDED


def lapse(session: Session, task_ids: Iterable[str], now: float, silence: float) -> None:
    """Puts tasks back whose lease has run out.

    A node that is busy with other work takes its next task when it is done with that.
    """
    rows = session.scalars(_named(task_ids)).all()
    queued = {row.node_id for row in rows if row.state == TaskState.QUEUED}
    busy = _busy(session, queued) if queued else set()
    for row in rows:
        if row.state != TaskState.QUEUED:
            tasks.lose(session, row, f"not heard of for {silence:g} s", now)
        elif row.node_id in busy:
            row.lease_until = now + silence
        else:
            tasks.lose(session, row, "could not be handed over in time", now)


def end(
    session: Session, task_ids: Iterable[str], state: TaskState, reason: str, now: float
) -> None:
    """Ends tasks; what was delivered can no longer expire: it is late."""
    for row in session.scalars(_named(task_ids)).all():
        delivered = row.state in (TaskState.SUBMITTED, TaskState.ACCEPTED)
        after = TaskState.LATE if delivered and state == TaskState.EXPIRED else state
        was_lost = row.state == TaskState.QUEUED and row.lost_at is not None
        words = f"{row.reason}; {reason}" if was_lost and row.reason else reason
        transitions.move_task(session, row, after, now, words)


def leave_uncounted(session: Session, run_id: str, reason: str, now: float) -> None:
    """Ends what was accepted, and no round is to count any more: the run is over."""
    # A round that failed has told what became of its updates.
    closed = (RoundRow.run_id == run_id) & (RoundRow.state != RoundState.FAILED)
    query = (
        select(TaskRow)
        .where(TaskRow.run_id == run_id, TaskRow.counted_in.is_(None))
        .where(TaskRow.kind == TRAIN)
        .where(TaskRow.state == TaskState.ACCEPTED)
        .where(TaskRow.round.in_(select(RoundRow.number).where(closed)))
        .order_by(TaskRow.id)
    )
    for row in session.scalars(query).all():
        transitions.move_task(session, row, TaskState.LATE, now, reason)


def cancel_of_run(session: Session, run_id: str, reason: str, now: float) -> None:
    """Takes back everything of a run that is still under way."""
    _cancel(session, run_id, TaskRow.state.in_(UNENDED), reason, now)


def cancel_training(session: Session, run_id: str, reason: str, now: float) -> None:
    """Takes back what would still train for a run that has its last model."""
    unended = TaskRow.state.in_(UNENDED) & (TaskRow.kind == TRAIN)
    _cancel(session, run_id, unended, reason, now)


def cancel_untaken(session: Session, run_id: str, reason: str, now: float) -> None:
    """Takes back the training that no node has taken yet."""
    untaken = (TaskRow.state == TaskState.QUEUED) & TaskRow.leased_at.is_(None)
    _cancel(session, run_id, untaken & (TaskRow.kind == TRAIN), reason, now)


def extend_leases(session: Session, now: float, lease_seconds: float) -> None:
    """Gives every task that has not ended a whole lease again.

    While the master was away, no node could call, and no update could be audited.
    """
    session.execute(
        update(TaskRow)
        .where(TaskRow.state.in_(UNENDED), TaskRow.lease_until < now + lease_seconds)
        .values(lease_until=now + lease_seconds)
    )


def _named(task_ids: Iterable[str]) -> Select[TaskRow]:
    return select(TaskRow).where(TaskRow.id.in_(list(task_ids))).order_by(TaskRow.id)


def _cancel(
    session: Session, run_id: str, which: ColumnElement[bool], reason: str, now: float
) -> None:
    query = select(TaskRow).where(TaskRow.run_id == run_id, which).order_by(TaskRow.id)
    for row in session.scalars(query).all():
        transitions.move_task(session, row, TaskState.CANCELLED, now, reason)


def _busy(session: Session, node_ids: Collection[str]) -> set[str]:
    at_work = TaskRow.state.in_((TaskState.LEASED, TaskState.TRAINING))
    query = select(TaskRow.node_id).where(TaskRow.node_id.in_(node_ids), at_work).distinct()
    return set(session.scalars(query))
