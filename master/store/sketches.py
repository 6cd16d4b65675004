"""Sketches of updates, and what an update is compared with."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from typing import Any

import numpy as np
from sqlalchemy import Row, or_, select, update
from sqlalchemy.orm import Session

from federated.states import RunState, is_final
from federated.training import Training
from federated.wire import UpdateDocument
from master.audit.copied import FEW_STEPS, Earlier
from master.audit.norm import steps_of
from master.audit.sketch import Sketch, distance
from master.audit.together import Candidate
from master.store.tables import (
    AuditRow,
    AuditSeedRow,
    NodeRow,
    RunRow,
    SketchRow,
    TaskRow,
    UpdateRow,
)

FLOAT = np.dtype("<f4")

MOST_COMPARED = 1000
"""Earlier updates of about the same length that one is compared with, the newest first."""

_OF_SKETCH = (
    SketchRow.task_id,
    SketchRow.digest,
    SketchRow.weights,
    SketchRow.norm,
    SketchRow.projection,
)


def seed_of(session: Session, run_id: str, new_id: Callable[[], str]) -> str:
    """The secret of a run, made when it is first asked for."""
    row = session.get(AuditSeedRow, run_id)
    if row is None:
        row = AuditSeedRow(run_id=run_id, seed="".join(new_id() for _ in range(4)))
        session.add(row)
        session.flush()
    return row.seed


def known_seed(session: Session, run_id: str) -> str | None:
    """The secret of a run, if it has one yet."""
    row = session.get(AuditSeedRow, run_id)
    return None if row is None else row.seed


def add(session: Session, task: TaskRow, sketch: Sketch) -> None:
    """Keeps the sketch of a task's update; an update is sketched once."""
    if session.get(SketchRow, task.id) is None:
        session.add(
            SketchRow(
                task_id=task.id,
                run_id=task.run_id,
                digest=sketch.digest,
                weights=sketch.weights,
                norm=sketch.norm,
                projection=sketch.projection.astype(FLOAT).tobytes(),
            )
        )


def forget(session: Session) -> None:
    """Keeps of the sketches of ended runs no more than the digest: nothing is compared there."""
    final = [str(state) for state in RunState if is_final(state)]
    ended = select(RunRow.id).where(RunRow.state.in_(final))
    old = SketchRow.run_id.in_(ended) & (SketchRow.weights > 0)
    session.execute(update(SketchRow).where(old).values(weights=0, projection=b""))


def of_task(session: Session, task_id: str) -> Sketch | None:
    """The sketch of a task's update; None where there is none."""
    row = session.get(SketchRow, task_id)
    return None if row is None else _sketch(row)


def earlier(session: Session, task: TaskRow, sketch: Sketch, near: float) -> list[Earlier]:
    """Updates that came before, as far as they are the same by their sketches.

    Not the same work done twice: at the same public pictures with the same seed, or by the same
    node from the same weights. Of the study's other runs there are those with the same weights.

    Args:
        session: The transaction.
        task: The task that was answered.
        sketch: Of its update.
        near: Changes of the same update differ by this part of the longer one at most.

    Returns:
        The run's own, the newest first, then those of other runs.
    """
    own = session.get_one(UpdateRow, task.id)
    return [*_in_run(session, task, sketch, near, own), *_elsewhere(session, task, sketch, own)]


def _in_run(
    session: Session, task: TaskRow, sketch: Sketch, near: float, own: UpdateRow
) -> list[Earlier]:
    norms = (sketch.norm * (1 - near), sketch.norm / max(1 - near, 1e-9))
    alike = or_(SketchRow.digest == sketch.digest, SketchRow.norm.between(*norms))
    same_slot = (TaskRow.round == task.round) & (TaskRow.slot == task.slot)
    same_start = (TaskRow.node_id == task.node_id) & (TaskRow.weights == task.weights)
    query = (
        select(*_OF_SKETCH)
        .join(TaskRow, TaskRow.id == SketchRow.task_id)
        .join(UpdateRow, UpdateRow.task_id == SketchRow.task_id)
        .where(SketchRow.run_id == task.run_id, alike, ~same_slot, ~same_start)
        .where(UpdateRow.received_at <= own.received_at, TaskRow.id != task.id)
        .order_by(UpdateRow.received_at.desc(), TaskRow.id)
        .limit(MOST_COMPARED)
    )
    # By the sketches alone first: of hundreds of about the same length hardly one is the same,
    # and only of that one is more read.
    found = {row.task_id: _sketch(row) for row in session.execute(query)}
    same = [
        name
        for name, other in found.items()
        if other.digest == sketch.digest or distance(sketch, other) <= near
    ]
    return _told(session, {name: found[name] for name in same}, own)


def _elsewhere(session: Session, task: TaskRow, sketch: Sketch, own: UpdateRow) -> list[Earlier]:
    """One with the very same weights in another run of the study, if there is any.

    Runs may begin from the same weights, and what one node sent in the first may have become a
    model that another node was given. Who begins from the same weights with the same seed, which
    hangs on the node's name or on the public pictures, comes to the same honestly.
    """
    study = session.get_one(RunRow, task.run_id).study_id
    others = select(RunRow.id).where(RunRow.study_id == study, RunRow.id != task.run_id)
    same_node = (TaskRow.node_id == task.node_id) | (TaskRow.seed == task.seed)
    query = (
        select(*_OF_SKETCH)
        .join(TaskRow, TaskRow.id == SketchRow.task_id)
        .join(UpdateRow, UpdateRow.task_id == SketchRow.task_id)
        .where(SketchRow.run_id.in_(others), SketchRow.digest == sketch.digest)
        .where(~((TaskRow.weights == task.weights) & (same_node | (TaskRow.slot == task.slot))))
        .where(UpdateRow.received_at <= own.received_at)
        .order_by(UpdateRow.received_at.desc(), TaskRow.id)
        .limit(1)
    )
    found = {row.task_id: _sketch(row) for row in session.execute(query)}
    return [replace(one, elsewhere=True) for one in _told(session, found, own)]


def _told(session: Session, found: Mapping[str, Sketch], own: UpdateRow) -> list[Earlier]:
    """Updates by their tasks, with who sent them and when, in the order that they have."""
    if not found:
        return []
    query = (
        select(TaskRow.id, TaskRow.node_id, NodeRow.name, TaskRow.round, UpdateRow.document)
        .join(UpdateRow, UpdateRow.task_id == TaskRow.id)
        .join(NodeRow, NodeRow.id == TaskRow.node_id)
        .where(TaskRow.id.in_(found))
    )
    told = {row.id: row for row in session.execute(query)}
    return [
        Earlier(
            told[name].node_id,
            told[name].name,
            told[name].round,
            sketch,
            _are_few(own.document, told[name].document),
        )
        for name, sketch in found.items()
    ]


def candidates(session: Session, task_ids: Iterable[str], training: Training) -> list[Candidate]:
    """Accepted updates as they are compared with one another, in the order in which they came.

    Args:
        session: The transaction.
        task_ids: Their tasks.
        training: How all of them were to be trained.
    """
    query = (
        select(
            TaskRow,
            NodeRow.name,
            AuditRow,
            SketchRow,
            UpdateRow.counts,
            UpdateRow.document,
        )
        .join(UpdateRow, UpdateRow.task_id == TaskRow.id)
        .join(NodeRow, NodeRow.id == TaskRow.node_id)
        .join(AuditRow, AuditRow.task_id == TaskRow.id)
        .outerjoin(SketchRow, SketchRow.task_id == TaskRow.id)
        .where(TaskRow.id.in_(list(task_ids)))
        .order_by(UpdateRow.received_at, AuditRow.id)
    )
    return [
        Candidate(
            task=task.id,
            node_name=name,
            sketch=_sketch(row) if row else None,
            measured=audit.measured,
            counts=counts or {},
            steps=steps_of(UpdateDocument.model_validate(document).num_examples, training),
            node=task.node_id,
            round=task.round,
            start=task.weights,
            slot=task.slot,
            few_steps=_are_few(document),
            # What was looked at closely and speaks for its node, was compared on its classes.
            is_harmless=bool(audit.close and audit.measured and counts),
        )
        for task, name, audit, row, counts, document in session.execute(query)
    ]


def _are_few(*documents: Mapping[str, Any] | None) -> bool:
    told = [(document or {}).get("num_steps") for document in documents]
    return all(steps is not None and steps <= FEW_STEPS for steps in told)


def _sketch(row: SketchRow | Row[*tuple[Any, ...]]) -> Sketch:
    return Sketch(
        digest=row.digest,
        weights=row.weights,
        norm=row.norm,
        projection=np.frombuffer(row.projection, dtype=FLOAT),
    )
