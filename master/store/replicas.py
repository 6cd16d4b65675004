"""Public work that a second node does as well, to be compared with the first."""

from __future__ import annotations

from sqlalchemy import ColumnElement, inspect, or_, select
from sqlalchemy.orm import Session

from federated.states import TaskState
from master.audit.sketch import Sketch
from master.store import round_tasks, sketches, transitions
from master.store.nodes import Site
from master.store.round_tasks import Patience
from master.store.tables import TaskRow
from master.store.tasks import OPEN, REPLICA, TRAIN

KEPT_ROUNDS = 2
"""Rounds for which an answer is waited for: the round that it is about waits for none."""


def add(session: Session, first: TaskRow, site: Site, now: float, patience: Patience) -> None:
    """Hands the work of a task to another site as well, under an id like any other."""
    before = round_tasks.made_for(session, first.run_id, first.round).get(site.id, 0)
    copied = {column.key: getattr(first, column.key) for column in inspect(TaskRow).column_attrs}
    own = {
        "id": round_tasks.name_of(first.run_id, first.round, site.id, before),
        "node_id": site.id,
        "kind": REPLICA,
        "attempt": 1,
        "state": str(TaskState.QUEUED),
        "reason": None,
        "progress": None,
        "lease_until": now + patience.for_site(site),
        "created_at": now,
        "changed_at": now,
        "counted_in": None,
        "leased_at": None,
        "lost_at": None,
    }
    session.add(TaskRow(**copied | own))
    session.flush()


def of_slot(session: Session, task: TaskRow) -> list[TaskRow]:
    """The replicas of the work of a task, oldest first."""
    query = select(TaskRow).where(*_same_work(task), TaskRow.kind == REPLICA)
    return list(session.scalars(query.order_by(TaskRow.created_at, TaskRow.id)))


def original(session: Session, task: TaskRow) -> TaskRow | None:
    """The task whose answer to the same work was accepted first; None as long as none was."""
    accepted = (TaskRow.kind == TRAIN) & (TaskRow.state == TaskState.ACCEPTED)
    return session.scalar(select(TaskRow).where(*_same_work(task), accepted).limit(1))


def answers(session: Session, task: TaskRow) -> list[tuple[TaskRow, Sketch]]:
    """The replicas of the work of a task that were answered, with the sketches of the answers."""
    rows = [row for row in of_slot(session, task) if row.state == TaskState.ACCEPTED]
    found = [(row, sketches.of_task(session, row.id)) for row in rows]
    return [(row, sketch) for row, sketch in found if sketch is not None]


def drop(session: Session, run_id: str, number: int, now: float) -> list[TaskRow]:
    """Calls off replicas whose node has fallen silent, and those of rounds long past.

    Returns:
        Those that it has called off, and those that have failed since it was last asked.
    """
    over = or_(TaskRow.lease_until <= now, TaskRow.round <= number - KEPT_ROUNDS)
    query = (
        select(TaskRow)
        .where(TaskRow.run_id == run_id, TaskRow.kind == REPLICA, TaskRow.state.in_(OPEN), over)
        .order_by(TaskRow.id)
    )
    rows = list(session.scalars(query))
    for row in rows:
        reason = "nobody waits for this comparison any more"
        transitions.move_task(session, row, TaskState.CANCELLED, now, reason)
    return [*rows, *_failed(session, run_id, now)]


def _failed(session: Session, run_id: str, now: float) -> list[TaskRow]:
    """Replicas that have failed, once each."""
    failed = (TaskRow.kind == REPLICA) & (TaskRow.state == TaskState.FAILED)
    query = select(TaskRow).where(TaskRow.run_id == run_id, failed, TaskRow.lost_at.is_(None))
    rows = list(session.scalars(query.order_by(TaskRow.id)))
    for row in rows:
        # Their nodes told of it: the column says who has been missed.
        row.lost_at = now
    return rows


def _same_work(task: TaskRow) -> tuple[ColumnElement[bool], ...]:
    return (
        TaskRow.run_id == task.run_id,
        TaskRow.round == task.round,
        TaskRow.slot == task.slot,
    )
