"""Measuring updates on the audit pictures, several in one call of the evaluation process."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from federated.errors import FederationError
from federated.study import Study
from master.audit import Measurement
from master.audit.mirror import Errors, is_suspect
from master.coordinator.evaluation_jobs import global_model, twice
from master.evaluation import Answered, EvaluatedModel
from master.services import Services
from master.store import audits, pictures
from master.store.pictures import LabelledRows
from master.store.versions import Version
from serving.worker import WorkerDied

NOT_FINITE = "The model computes values that are not numbers"


@dataclass(frozen=True, slots=True)
class Measured:
    """An update to be measured.

    Attributes:
        base: The version that it starts from.
        sha256: Its blob.
        counts: Pictures of its node by class; empty where its mirror image is not to be asked.
    """

    base: Version
    sha256: str
    counts: Mapping[str, int]


def measure(services: Services, asked: Sequence[Measured]) -> list[Measurement]:
    """Figures of updates of one run on the study's audit pictures.

    Where several cannot be measured together, each is by itself, so that one bad update leaves
    no other without its figures.

    What the updates start from is measured with them: it is what they are compared with, here
    and when the round closes. A second call asks for the mirror images of those that lose.
    """
    if not asked:
        return []
    study = asked[0].base.study
    with services.database.read() as session:
        examples = pictures.labelled_rows(session, study.id, "audit", study.classes)
    if not examples.rows:
        return [Measurement() for _ in asked]
    bases = {one.base.id: one.base for one in asked}
    models = [global_model(services, base) for base in bases.values()]
    found = _answers(services, [*models, *(_model(services, one) for one in asked)], examples)
    starts = dict(zip(bases, found, strict=False))
    _keep(services, starts)
    beside = [
        _beside(starts[one.base.id], own, examples, study)
        for one, own in zip(asked, found[len(bases) :], strict=True)
    ]
    return _with_mirrors(services, asked, beside, examples)


def _keep(services: Services, starts: Mapping[int, Measurement]) -> None:
    with services.database.read() as session:
        unknown = [base for base in starts if not audits.start_figures(session, base)]
    if unknown:
        with services.database.write() as session:
            for base in unknown:
                audits.keep_start(session, base, starts[base].figures)


def _beside(
    start: Measurement, update: Measurement, examples: LabelledRows, study: Study
) -> Measurement:
    """An update's figures, with its errors beside those of what it started from."""
    if start.scores is None or update.scores is None:
        return update
    labels = tuple(study.classes[label] for label in examples.labels)
    return replace(update, errors=Errors(labels, start.scores, update.scores))


def _with_mirrors(
    services: Services,
    asked: Sequence[Measured],
    found: Sequence[Measurement],
    examples: LabelledRows,
) -> list[Measurement]:
    suspects = [
        row
        for row, (one, own) in enumerate(zip(asked, found, strict=True))
        if own.errors is not None and is_suspect(own.errors, one.counts)
    ]
    measured = list(found)
    if suspects:
        models = [replace(_model(services, asked[row]), mirrored=True) for row in suspects]
        for row, mirror in zip(suspects, _answers(services, models, examples), strict=True):
            errors = found[row].errors
            if errors is not None and mirror.scores is not None:
                measured[row] = replace(found[row], errors=errors.with_mirror(mirror.scores))
    return measured


def _answers(
    services: Services, models: Sequence[EvaluatedModel], examples: LabelledRows
) -> list[Measurement]:
    pixels = services.state.pixels(models[0].study.id)
    try:
        answered = services.evaluator.answered(models, pixels, examples)
    except FederationError:
        return [_alone(services, model, pixels, examples) for model in models]
    return [_measurement(one) for one in answered]


def _alone(
    services: Services, model: EvaluatedModel, pixels: Path, examples: LabelledRows
) -> Measurement:
    try:
        (found,) = twice(lambda: services.evaluator.answered([model], pixels, examples))
    except FederationError as error:
        problem = f"The model could not be measured on the audit pictures: {error.problem}"
        return Measurement(problem=problem, died=isinstance(error, WorkerDied))
    return _measurement(found)


def _measurement(found: Answered | None) -> Measurement:
    if found is not None:
        return Measurement(found.report, scores=np.array(found.scores), hits=np.array(found.hits))
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
