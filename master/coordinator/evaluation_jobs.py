"""Evaluations and initial models: work for the evaluation process."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from sqlalchemy.orm import Session

from federated.errors import FederationError
from federated.plan import Plan
from federated.signature import Signature
from federated.states import RunState
from master.evaluation import EvaluatedModel, draft
from master.services import Services
from master.store import evaluations, events, pictures, runs, studies, versions
from master.store.tables import VersionRow
from master.store.versions import Frozen, Version
from serving.worker import WorkerDied

Result = TypeVar("Result")


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
        report = twice(
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
        built = twice(lambda: services.evaluator.initial_model(study, plan, out, frozen_out))
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


def twice(call: Callable[[], Result]) -> Result:
    """A process that died once, for want of memory say, gets a second try."""
    try:
        return call()
    except WorkerDied:
        return call()
