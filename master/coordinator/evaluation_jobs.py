"""Audits, evaluations and initial models: work for the evaluation process."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session

from federated.errors import FederationError
from federated.plan import AuditPolicy, Plan
from federated.signature import Signature
from federated.states import RunState, TaskState
from federated.wire import TensorReader, UpdateDocument, UpdateReader
from master.audit import Measurement, Verdict, judge
from master.coordinator.deadline import measured_speed
from master.evaluation import EvaluatedModel, EvaluatorStopped, draft
from master.services import Services
from master.store import evaluations, events, nodes, pictures, runs, studies, updates, versions
from master.store.tables import TaskRow, UpdateRow, VersionRow
from master.store.versions import Frozen, Version
from serving.blobs import open_blob
from serving.worker import WorkerDied

log = logging.getLogger(__name__)

Result = TypeVar("Result")


def audit(services: Services, task_id: str) -> None:
    """Audits the update of a submitted task and writes the verdict."""
    with services.database.read() as session:
        row = session.get_one(TaskRow, task_id)
        if row.state != TaskState.SUBMITTED:
            return
        update = session.get_one(UpdateRow, task_id)
        document, sha256 = UpdateDocument.model_validate(update.document), update.sha256
        base = versions.get(session, row.base_id)
        plan = Plan.model_validate(runs.get(session, row.run_id).plan)
    verdict = _verdict(services, base, sha256, document, plan.audit)
    with services.database.write() as session:
        row = session.get_one(TaskRow, task_id)
        if row.state == TaskState.SUBMITTED:
            now = services.now()
            updates.judge(session, row, verdict.accepted, verdict.reasons, verdict.measured, now)
            if verdict.accepted:
                _note_speed(session, row, document.num_examples, plan.training.epochs)
    services.wakeup.notify()


def _note_speed(session: Session, row: TaskRow, examples: int, epochs: int) -> None:
    """Keeps how quick a node is, so that deadlines can follow from it."""
    update = session.get_one(UpdateRow, row.id)
    seconds = update.received_at - (row.leased_at or row.created_at)
    node = nodes.get(session, row.node_id)
    before = node.examples_per_second
    node.examples_per_second = measured_speed(before, examples, epochs, seconds)


def _verdict(
    services: Services, base: Version, sha256: str, document: UpdateDocument, policy: AuditPolicy
) -> Verdict:
    """What an update is worth; one that cannot be audited will not be the second time either.

    Raises:
        NotFound: The weights that the update starts from are not here.
        WorkerDied: The evaluation process ended twice.
        EvaluatorStopped: The server is going.
        OSError: The disk refused.
        MemoryError: There is no room now.
        SQLAlchemyError: The database refused.
    """
    services.blobs.path(base.weights)
    try:
        changed = is_changed(services, sha256, document, base)
        measurement = _measure(services, base, sha256)
        return judge(document, changed=changed, measurement=measurement, policy=policy)
    except (WorkerDied, EvaluatorStopped, OSError, MemoryError, SQLAlchemyError):
        raise
    except FederationError as error:
        return Verdict(False, (f"The update could not be audited: {error.detail}",), {})
    except Exception as error:
        log.exception("An update could not be audited")
        met = f"an unexpected {type(error).__name__}"
        return Verdict(False, (f"The update could not be audited: {met}.",), {})


def evaluate(services: Services, evaluation_id: int, version_id: int, part: str) -> None:
    """Evaluates a global model on one part of the master's pictures."""
    with services.database.read() as session:
        version = versions.get(session, version_id)
    try:
        report, problem, _ = _report(services, version, global_model(services, version), part)
    except WorkerDied as error:
        report, problem = None, _not_measured(part, error)
    with services.database.write() as session:
        evaluations.finish(session, evaluation_id, report, problem, services.now())
    services.wakeup.notify()


def build_for_study(services: Services, study_id: str) -> None:
    """Builds the initial model of a study, or notes why that did not work."""
    with services.database.read() as session:
        row = studies.get(session, study_id)
        study, plan = studies.study_of(row), Plan.model_validate(row.plan)
    try:
        built = _build(services, study_id, plan)
    except FederationError as error:
        with services.database.write() as session:
            studies.get(session, study_id).problem = error.detail
            text = f"The initial model of {study.name} could not be built: {error.detail}"
            events.record(session, services.now(), "model_failed", text, study=study_id)
        services.wakeup.notify()
        return
    with services.database.write() as session:
        now = services.now()
        version = _add(session, study_id, plan, built, now)
        studies.set_current(session, study_id, version.id)
        text = f"The initial model of {study.name} is ready"
        events.record(session, now, "model_built", text, study=study_id, weights=built.weights)
    services.wakeup.notify()


def build_for_run(services: Services, run_id: str) -> None:
    """Builds the fresh model that a run starts from, or ends the run."""
    with services.database.read() as session:
        run = runs.get(session, run_id)
        study_id, plan = run.study_id, Plan.model_validate(run.plan)
    try:
        built = _build(services, study_id, plan)
    except FederationError as error:
        with services.database.write() as session:
            run = runs.get(session, run_id)
            reason = f"the initial model could not be built: {error.detail}"
            runs.end(session, run, RunState.FAILED, reason, services.now())
        services.wakeup.notify()
        return
    with services.database.write() as session:
        version = _add(session, study_id, plan, built, services.now())
        runs.get(session, run_id).version_id = version.id
    services.wakeup.notify()


def global_model(services: Services, version: Version) -> EvaluatedModel:
    """A global model as the evaluation process takes it."""
    return EvaluatedModel(
        version.study,
        version.plan.model,
        services.blobs.path(version.weights),
        frozen=_frozen_path(services, version),
    )


def is_changed(services: Services, sha256: str, document: UpdateDocument, base: Version) -> bool:
    """Whether any weight of an update differs from its base; stops at the first that does."""
    with (
        open_blob(services.blobs.path(base.weights)) as before,
        open_blob(services.blobs.path(sha256)) as blob,
    ):
        after: TensorReader = UpdateReader(blob, document, before)
        return any(
            not np.array_equal(before.get_tensor(name), after.get_tensor(name))
            for name in base.signature.names
        )


def _measure(services: Services, base: Version, sha256: str) -> Measurement:
    model = EvaluatedModel(
        base.study,
        base.plan.model,
        weights=services.blobs.path(sha256),
        base=services.blobs.path(base.weights),
        frozen=_frozen_path(services, base),
    )
    report, problem, broken = _report(services, base, model, "audit")
    if report is not None:
        return Measurement(report)
    return Measurement(problem=problem, broken=broken) if problem else Measurement()


def _report(
    services: Services, version: Version, model: EvaluatedModel, part: str
) -> tuple[dict[str, Any] | None, str | None, bool]:
    """A report, or why there is none and whether the model is to blame.

    Neither where the part has no pictures.

    Raises:
        WorkerDied: The evaluation process ended twice, which says nothing of the model.
    """
    study = version.study
    with services.database.read() as session:
        examples = pictures.labelled_rows(session, study.id, part, study.classes)
    if not examples.rows:
        return None, None, False
    try:
        pixels = services.state.pixels(study.id)
        # Only the test part is quoted; an audit of every update could not afford it.
        intervals = part == "test"
        report = _twice(
            lambda: services.evaluator.report(model, pixels, examples, intervals=intervals)
        )
        return report, None, False
    except WorkerDied:
        raise
    except FederationError as error:
        return None, _not_measured(part, error), error.code == "not_finite"


def _not_measured(part: str, error: FederationError) -> str:
    return f"The model could not be measured on the {part} pictures: {error.problem}"


def _frozen_path(services: Services, version: Version) -> Path | None:
    return services.blobs.path(version.frozen.weights) if version.frozen else None


@dataclass(frozen=True, slots=True)
class _Built:
    """A fresh model whose blobs are kept."""

    signature: Signature
    weights: str
    frozen: Frozen | None


def _build(services: Services, study_id: str, plan: Plan) -> _Built:
    with services.database.read() as session:
        study = studies.study_of(studies.get(session, study_id))
    out, frozen_out = draft(services.state.drafts), draft(services.state.drafts)
    try:
        built = _twice(lambda: services.evaluator.initial_model(study, plan, out, frozen_out))
        frozen = None
        if built.frozen is not None:
            frozen = Frozen(services.blobs.adopt(frozen_out).sha256, built.frozen)
        return _Built(built.signature, services.blobs.adopt(out).sha256, frozen)
    finally:
        out.unlink(missing_ok=True)
        frozen_out.unlink(missing_ok=True)


def _add(session: Session, study_id: str, plan: Plan, built: _Built, now: float) -> VersionRow:
    return versions.add(
        session, study_id, plan, built.signature, built.weights, now, frozen=built.frozen
    )


def _twice(call: Callable[[], Result]) -> Result:
    """A process that died once, for want of memory say, gets a second try."""
    try:
        return call()
    except WorkerDied:
        return call()
