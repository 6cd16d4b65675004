"""Verdicts: who waits for one, what was said, and what follows for the node."""

from __future__ import annotations

from collections.abc import Mapping

from sqlalchemy import select
from sqlalchemy.orm import Session

from federated.states import TaskState
from master.audit.finding import Verdict
from master.audit.measurement import Measurement
from master.store import evaluations, node_records, transitions, updates
from master.store.tables import AuditRow, StartRow, TaskRow, UpdateRow


def waiting_with(session: Session, task_id: str, most: int) -> list[tuple[TaskRow, UpdateRow]]:
    """A submitted task and others of its run, oldest first; none where it waits no longer."""
    task = still_waiting(session, task_id)
    if task is None:
        return []
    query = (
        select(TaskRow, UpdateRow)
        .join(UpdateRow, UpdateRow.task_id == TaskRow.id)
        .where(TaskRow.run_id == task.run_id, TaskRow.kind == task.kind)
        .where(TaskRow.state == TaskState.SUBMITTED, TaskRow.id != task_id)
        .order_by(UpdateRow.received_at, TaskRow.id)
        .limit(most - 1)
    )
    others = [(other, update) for other, update in session.execute(query)]
    return [(task, session.get_one(UpdateRow, task_id)), *others]


def still_waiting(session: Session, task_id: str) -> TaskRow | None:
    """A task, if it waits for its verdict."""
    row = session.get_one(TaskRow, task_id)
    return row if row.state == TaskState.SUBMITTED else None


def settle(session: Session, task: TaskRow, verdict: Verdict, now: float, *, close: bool) -> None:
    """Writes the first verdict on an update; what is bad or noted is remembered of its node."""
    updates.judge(session, task, verdict, now, close=close)
    if not verdict.accepted and verdict.telling:
        node_records.bad(session, task.node_id, verdict.why, now)
    elif verdict.accepted and verdict.noted:
        node_records.bad(session, task.node_id, " ".join(verdict.noted), now)


def reject(session: Session, task: TaskRow, verdict: Verdict, now: float) -> None:
    """Takes back that an update counts, for what the round's others have shown."""
    _add(session, task.id, verdict, TaskState.REJECTED)
    transitions.move_task(session, task, TaskState.REJECTED, now, verdict.why)
    node_records.bad(session, task.node_id, verdict.why, now)


def confirm(
    session: Session, task: TaskRow, verdict: Verdict, trusted_after: int, now: float
) -> None:
    """Adds what the comparison with the others says of an update that counts.

    The node's row of good results grows only by what was to be looked at closely, and was:
    measured on the audit pictures, or compared with the round's others.
    """
    row = _add(session, task.id, verdict, TaskState.ACCEPTED)
    is_compared = len(verdict.reasons) > len(verdict.unchecked)
    if row.close and (row.measured or is_compared):
        node_records.good(session, task.node_id, trusted_after, now)


def take_replica(session: Session, task: TaskRow, now: float) -> None:
    """Takes the answer to work that another node has done: it is compared, and never counts."""
    transitions.move_task(session, task, TaskState.ACCEPTED, now)


def note(session: Session, task_id: str, sentence: str) -> None:
    """Adds a sentence to a verdict."""
    row = session.scalars(select(AuditRow).where(AuditRow.task_id == task_id)).one()
    row.reasons = [*row.reasons, sentence]


def start_figures(session: Session, version_id: int) -> dict[str, float]:
    """Figures on the audit pictures of a version that a round starts from; empty if unknown."""
    row = session.get(StartRow, version_id)
    if row is not None:
        return {name: float(value) for name, value in row.figures.items()}
    evaluated = evaluations.of_version(session, version_id).get("audit")
    return Measurement(evaluated.report if evaluated else None).figures


def keep_start(session: Session, version_id: int, figures: Mapping[str, float]) -> None:
    """Keeps the figures of a version that a round starts from."""
    if figures and session.get(StartRow, version_id) is None:
        session.add(StartRow(version_id=version_id, figures=dict(figures)))


def _add(session: Session, task_id: str, verdict: Verdict, state: TaskState) -> AuditRow:
    row = session.scalars(select(AuditRow).where(AuditRow.task_id == task_id)).one()
    # A sign that decides only with a second one is told with it, but not twice.
    row.reasons = [*row.reasons, *(one for one in verdict.reasons if one not in row.reasons)]
    row.unchecked = [*row.unchecked, *verdict.unchecked]
    row.verdict = str(state)
    return row
