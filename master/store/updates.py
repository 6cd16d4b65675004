"""Updates: what nodes delivered, the verdicts on it, and the share that it had."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, Select, func, select, tuple_
from sqlalchemy.orm import Session

from federated.errors import FederationError
from federated.search import Hyperparameters
from federated.states import TaskState
from federated.views import AuditView, UpdateView
from federated.wire import UpdateDocument
from master.audit.finding import Verdict
from master.store import events, ledger, nodes, task_views, tasks, transitions
from master.store.tables import AuditRow, NodeRow, RunRow, TaskRow, UpdateRow

DUPLICATE = "duplicate"
"""Code of an update for work that another node has answered first."""


@dataclass(frozen=True, slots=True)
class Accepted:
    """An update that counts.

    Attributes:
        task: Its task.
        node: The node's id.
        node_name: The node's name.
        sha256: Its blob.
        document: What its metadata says.
        measured: What the audit measured on the master's pictures.
        base: SHA-256 of the weights that it began from.
        staleness: Versions that the global model has moved on by since.
        hyperparameters: What it was trained with in place of the plan's, where that searches.
    """

    task: str
    node: str
    node_name: str
    sha256: str
    document: UpdateDocument
    measured: Mapping[str, float]
    base: str
    staleness: int
    hyperparameters: Hyperparameters | None = None


def submit(
    session: Session,
    task: TaskRow,
    sha256: str,
    nbytes: int,
    document: UpdateDocument,
    now: float,
) -> None:
    """Takes an update whose form is right; the audit follows."""
    run = session.get_one(RunRow, task.run_id)
    # What is announced later is not to change what this one is judged by.
    counts = None if is_public(task) else nodes.counts(session, task.node_id, run.study_id)
    told = document.model_dump(mode="json")
    _record(session, task, sha256, nbytes, now, document=told, counts=counts)
    tasks.begin(session, task, now)
    transitions.move_task(session, task, TaskState.SUBMITTED, now)
    if run.publish:
        nodes.trained(session, run.study_id, task.node_id)


def refuse(
    session: Session,
    task: TaskRow,
    sha256: str,
    nbytes: int,
    fault: FederationError,
    now: float,
) -> None:
    """Rejects an update whose content is wrong: the same bytes will never be right."""
    _record(session, task, sha256, nbytes, now, code=fault.code, detail=fault.detail)
    tasks.begin(session, task, now)
    transitions.move_task(session, task, TaskState.SUBMITTED, now)
    transitions.move_task(session, task, TaskState.REJECTED, now, fault.detail)
    verdict = {"verdict": "rejected", "reasons": [fault.detail], "measured": {}}
    session.add(AuditRow(task_id=task.id, at=now, **verdict))


def note_late(session: Session, task: TaskRow, sha256: str, nbytes: int, now: float) -> None:
    """Notes an update that came when its task was over; it is not used."""
    _record(session, task, sha256, nbytes, now, late=True)
    if task.state == TaskState.EXPIRED:
        reason = f"the update came after the task had ended ({task.reason})"
        transitions.move_task(session, task, TaskState.LATE, now, reason)


def note_duplicate(session: Session, task: TaskRow, sha256: str, nbytes: int, now: float) -> bool:
    """Notes an update for work that another node has answered first; False if it is none."""
    is_twin = is_public(task) and task.kind == tasks.TRAIN and task.state == TaskState.CANCELLED
    if not is_twin or not _answered_elsewhere(session, task):
        return False
    detail = "Another site has answered this piece of work first"
    _record(session, task, sha256, nbytes, now, code=DUPLICATE, detail=detail)
    site = session.get_one(NodeRow, task.node_id).name
    text = f"A second answer to the same work, from {site} in round {task.round}, was refused"
    data = {"task": task.id, "node": task.node_id, "round": task.round, "slot": task.slot}
    events.record(session, now, "update_duplicate", text, run=task.run_id, **data)
    return True


def judge(
    session: Session,
    task: TaskRow,
    verdict: Verdict,
    now: float,
    *,
    close: bool = True,
) -> None:
    """Writes the verdict of the audit and moves the task accordingly.

    The first accepted answer to a piece of public work calls off all other attempts at it.
    """
    after = TaskState.ACCEPTED if verdict.accepted else TaskState.REJECTED
    session.add(
        AuditRow(
            task_id=task.id,
            verdict=str(after),
            reasons=list(verdict.reasons),
            measured=dict(verdict.measured),
            at=now,
            unchecked=list(verdict.unchecked),
            close=close,
        )
    )
    reason = None if verdict.accepted else verdict.why
    transitions.move_task(session, task, after, now, reason)
    if verdict.accepted and is_public(task):
        for other in session.scalars(_attempts(task).where(TaskRow.state.in_(tasks.UNENDED))).all():
            reason = "another site answered first"
            transitions.move_task(session, other, TaskState.CANCELLED, now, reason)


def accepted(session: Session, run_id: str, number: int) -> list[Accepted]:
    """The updates that a round counts, in the order in which they were accepted."""
    return _accepted(session, run_id, TaskRow.counted_in == number)


def newest_of_nodes(session: Session, run_id: str) -> list[Accepted]:
    """Of each node of a run the newest update that counted."""
    counted = (TaskRow.run_id == run_id) & (TaskRow.state == TaskState.ACCEPTED)
    newest = (
        select(TaskRow.node_id, func.max(TaskRow.counted_in))
        .where(counted, TaskRow.counted_in.is_not(None))
        .group_by(TaskRow.node_id)
    )
    return _accepted(session, run_id, tuple_(TaskRow.node_id, TaskRow.counted_in).in_(newest))


def _accepted(session: Session, run_id: str, which: ColumnElement[bool]) -> list[Accepted]:
    query = (
        select(TaskRow, UpdateRow, NodeRow.name, AuditRow.measured)
        .join(UpdateRow, UpdateRow.task_id == TaskRow.id)
        .join(NodeRow, NodeRow.id == TaskRow.node_id)
        .join(AuditRow, AuditRow.task_id == TaskRow.id)
        .where(TaskRow.run_id == run_id, TaskRow.state == TaskState.ACCEPTED, which)
        .order_by(AuditRow.id)
    )
    return [
        Accepted(
            task=task.id,
            node=task.node_id,
            node_name=name,
            sha256=update.sha256,
            document=UpdateDocument.model_validate(update.document),
            measured=measured,
            base=task.weights,
            staleness=task_views.staleness(task) or 0,
            hyperparameters=tasks.hyperparameters_of(task),
        )
        for task, update, name, measured in session.execute(query)
    ]


def first_accepted(session: Session, task_ids: Iterable[str], most: int) -> list[str]:
    """Those of accepted tasks whose updates were accepted first."""
    query = select(AuditRow.task_id).where(AuditRow.task_id.in_(list(task_ids)))
    return list(session.scalars(query.order_by(AuditRow.id).limit(most)))


def set_share(session: Session, task_id: str, share: float) -> None:
    """Notes the weight that an update had in the average."""
    session.get_one(UpdateRow, task_id).share = share


def views(session: Session, run_id: str, number: int) -> list[UpdateView]:
    """Updates of a round as people see them, in order of node name."""
    query = (
        select(TaskRow, UpdateRow, NodeRow.name, AuditRow)
        .join(UpdateRow, UpdateRow.task_id == TaskRow.id)
        .join(NodeRow, NodeRow.id == TaskRow.node_id)
        .outerjoin(AuditRow, AuditRow.task_id == TaskRow.id)
        .where(task_views.belongs_to(session, run_id, number))
        .order_by(NodeRow.name, TaskRow.created_at, TaskRow.id)
    )
    credits = ledger.by_task(session, run_id, number)
    return [
        _view(task, update, name, audit, credits.get(task.id))
        for task, update, name, audit in session.execute(query)
    ]


def is_public(task: TaskRow) -> bool:
    """Whether a task is work on public pictures, which any node could do."""
    return not task.slot.startswith("node/")


def _attempts(task: TaskRow) -> Select[TaskRow]:
    """The other tasks of the same public work in the same round."""
    others = (
        TaskRow.run_id == task.run_id,
        TaskRow.round == task.round,
        TaskRow.slot == task.slot,
        TaskRow.kind == tasks.TRAIN,
        TaskRow.id != task.id,
    )
    return select(TaskRow).where(*others).order_by(TaskRow.id)


def _answered_elsewhere(session: Session, task: TaskRow) -> bool:
    found = _attempts(task).where(TaskRow.state == TaskState.ACCEPTED)
    return session.scalar(found.limit(1)) is not None


def _record(
    session: Session, task: TaskRow, sha256: str, nbytes: int, now: float, **facts: Any
) -> None:
    session.add(UpdateRow(task_id=task.id, sha256=sha256, nbytes=nbytes, received_at=now, **facts))


def _view(
    task: TaskRow, update: UpdateRow, name: str, audit: AuditRow | None, credits: float | None
) -> UpdateView:
    facts = update.document or {}
    return UpdateView(
        task=task.id,
        node=task.node_id,
        node_name=name,
        status="late" if update.late else task.state,
        num_examples=facts.get("num_examples", 0),
        num_steps=facts.get("num_steps", 0),
        metrics=facts.get("metrics", {}),
        hyperparameters=facts.get("hyperparameters", {}),
        sha256=update.sha256,
        nbytes=update.nbytes,
        seconds=update.received_at - task.created_at,
        audit=AuditView.model_validate(audit, from_attributes=True) if audit else None,
        share=update.share,
        credits=credits,
        base_round=task.base_round,
        staleness=task_views.staleness(task),
    )
