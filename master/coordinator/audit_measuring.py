"""Measuring updates on the audit pictures, several in one call of the evaluation process."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from federated.errors import FederationError
from master.audit import Measurement
from master.coordinator.evaluation_jobs import global_model, twice
from master.evaluation import EvaluatedModel
from master.services import Services
from master.store import audits, pictures
from master.store.pictures import LabelledRows
from master.store.versions import Version
from serving.worker import WorkerDied

NOT_FINITE = "The model computes values that are not numbers"


@dataclass(frozen=True, slots=True)
class Measured:
    """An update to be measured: its blob, and the version that it starts from."""

    base: Version
    sha256: str


def measure(services: Services, asked: Sequence[Measured]) -> list[Measurement]:
    """Figures of updates of one run on the study's audit pictures.

    Where several cannot be measured together, each is by itself, so that one bad update leaves
    no other without its figures.

    What the updates start from is measured once, with the first of them: it is what they are
    compared with when the round closes.
    """
    if not asked:
        return []
    study = asked[0].base.study
    with services.database.read() as session:
        examples = pictures.labelled_rows(session, study.id, "audit", study.classes)
        bases = {one.base.id: one.base for one in asked}
        unknown = [base for base in bases.values() if not audits.start_figures(session, base.id)]
    if not examples.rows:
        return [Measurement() for _ in asked]
    starts = [global_model(services, base) for base in unknown]
    models = [*starts, *(_model(services, one) for one in asked)]
    found = _reports(services, models, examples)
    with services.database.write() as session:
        for base, start in zip(unknown, found, strict=False):
            audits.keep_start(session, base.id, start.figures)
    return found[len(unknown) :]


def _reports(
    services: Services, models: Sequence[EvaluatedModel], examples: LabelledRows
) -> list[Measurement]:
    pixels = services.state.pixels(models[0].study.id)
    try:
        reports = services.evaluator.reports(models, pixels, examples)
    except FederationError:
        return [_alone(services, model, pixels, examples) for model in models]
    return [_measurement(report) for report in reports]


def _alone(
    services: Services, model: EvaluatedModel, pixels: Path, examples: LabelledRows
) -> Measurement:
    try:
        (report,) = twice(lambda: services.evaluator.reports([model], pixels, examples))
    except FederationError as error:
        problem = f"The model could not be measured on the audit pictures: {error.problem}"
        return Measurement(problem=problem, died=isinstance(error, WorkerDied))
    return _measurement(report)


def _measurement(report: dict[str, Any] | None) -> Measurement:
    if report is not None:
        return Measurement(report)
    return Measurement(problem=f"{NOT_FINITE}: it could not be measured", broken=True)


def _model(services: Services, one: Measured) -> EvaluatedModel:
    base = global_model(services, one.base)
    return EvaluatedModel(
        base.study,
        base.choice,
        weights=services.blobs.path(one.sha256),
        base=base.weights,
        frozen=base.frozen,
    )
