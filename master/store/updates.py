"""Updates: what nodes delivered, the verdicts on it, and the share that it had."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from federated.errors import FederationError
from federated.states import TaskState
from federated.views import AuditView, UpdateView
from federated.wire import UpdateDocument
from master.store import ledger, nodes, tasks, transitions
from master.store.tables import AuditRow, NodeRow, RunRow, TaskRow, UpdateRow


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
    """

    task: str
    node: str
    node_name: str
    sha256: str
    document: UpdateDocument
    measured: Mapping[str, float]


def submit(
    session: Session,
    task: TaskRow,
    sha256: str,
    nbytes: int,
    document: UpdateDocument,
    now: float,
) -> None:
    """Takes an update whose form is right; the audit follows."""
    _record(session, task, sha256, nbytes, now, document=document.model_dump(mode="json"))
    tasks.begin(session, task, now)
    transitions.move_task(session, task, TaskState.SUBMITTED, now)
    study = session.get_one(RunRow, task.run_id).study_id
    nodes.trained(session, study, task.node_id)


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


def judge(
    session: Session,
    task: TaskRow,
    accepted: bool,
    reasons: tuple[str, ...],
    measured: Mapping[str, float],
    now: float,
) -> None:
    """Writes the verdict of the audit and moves the task accordingly."""
    after = TaskState.ACCEPTED if accepted else TaskState.REJECTED
    session.add(
        AuditRow(
            task_id=task.id,
            verdict=str(after),
            reasons=list(reasons),
            measured=dict(measured),
            at=now,
        )
    )
    transitions.move_task(session, task, after, now, None if accepted else " ".join(reasons))


def accepted(session: Session, run_id: str, number: int) -> list[Accepted]:
    """The updates of a round that count, in order of node name."""
    query = (
        select(TaskRow, UpdateRow, NodeRow.name, AuditRow.measured)
        .join(UpdateRow, UpdateRow.task_id == TaskRow.id)
        .join(NodeRow, NodeRow.id == TaskRow.node_id)
        .join(AuditRow, AuditRow.task_id == TaskRow.id)
        .where(TaskRow.run_id == run_id, TaskRow.counted_in == number)
        .where(TaskRow.state == TaskState.ACCEPTED)
        .order_by(NodeRow.name)
    )
    return [
        Accepted(
            task=task.id,
            node=task.node_id,
            node_name=name,
            sha256=update.sha256,
            document=UpdateDocument.model_validate(update.document),
            measured=measured,
        )
        for task, update, name, measured in session.execute(query)
    ]


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
        .where(tasks.counts_in(run_id, number))
        .order_by(NodeRow.name, TaskRow.attempt)
    )
    credits = ledger.by_task(session, run_id, number)
    return [
        _view(task, update, name, audit, credits.get(task.id))
        for task, update, name, audit in session.execute(query)
    ]


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
        staleness=tasks.staleness(task),
    )
