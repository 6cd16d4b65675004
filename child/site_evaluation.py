"""Measures models of other sites on this site's validation pictures. Imports Keras."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from child.told_figures import told
from child.training_material import RowPictures
from child.weights import load_weights
from child.worker_messages import EvaluationRequest, TrainingResult
from federated.messages import Progress
from federated.site_evaluation import MOST_CLASSES, ModelFigures, SiteEvaluation
from federated.values import canonical_json
from imaging.array_file import PixelArray
from models.measures import evaluate_probabilities
from models.named import NamedModel
from models.predict import predict
from serving.files import write_file
from serving.worker_main import Call

LARGEST_LOSS = 1e6


def measure_models(model: NamedModel, request: EvaluationRequest, call: Call) -> TrainingResult:
    """Measures each model and writes the figures as JSON.

    Args:
        model: Takes the weights of one after the other; its frozen part is loaded.
        request: Which models, and on which pictures.
        call: Hears of progress, and asks to stop.
    """
    study, examples = request.task.study, request.validation
    pixels = PixelArray(request.pixels, study.picture_shape).rows()
    pictures, labels = RowPictures(pixels, examples.rows), np.asarray(examples.labels, np.int64)
    figures: dict[str, ModelFigures] = {}
    for name, path in zip(request.task.models, request.weights, strict=True):
        if call.cancelled():
            return TrainingResult(cancelled=True)
        call.emit(_progress(len(figures), len(request.weights), len(labels)))
        load_weights(model, path, _own(request, name))
        probabilities = predict(model, pictures)
        figures[name] = figures_of(labels, probabilities, study.classes, request.least)
    evaluation = SiteEvaluation(task=request.task.id, num_examples=len(labels), figures=figures)
    write_file(request.result, canonical_json(evaluation.model_dump(mode="json")).encode())
    return TrainingResult()


def figures_of(
    labels: np.ndarray, probabilities: np.ndarray, classes: tuple[str, ...], least: int
) -> ModelFigures:
    """What leaves the site of one model: aggregated figures alone, rounded.

    Args:
        labels: True class indices, integers (n,), n at least 1.
        probabilities: (n, classes).
        classes: The class names, in order.
        least: Pictures of a class below which nothing is told that shows how single classes
            do: the mean of the classes' recalls gives their counts away, beside accuracy.
    """
    if not np.isfinite(probabilities).all():
        return ModelFigures()
    report = evaluate_probabilities(labels, probabilities, classes)
    examples, counts = len(labels), np.bincount(labels, minlength=len(classes))
    loss = told(min(report.loss, LARGEST_LOSS), examples)
    accuracy = told(report.accuracy, examples)
    if not np.all((counts == 0) | (counts >= least)):
        return ModelFigures(loss=loss, accuracy=accuracy)
    return ModelFigures(
        loss=loss,
        accuracy=accuracy,
        balanced_accuracy=told(report.balanced_accuracy, examples),
        auc=None if report.auc is None else told(report.auc, examples),
        confusion=report.confusion if len(classes) <= MOST_CLASSES else None,
    )


def _own(request: EvaluationRequest, name: str) -> Path | None:
    """This site's own statistics, which its people have in the global model, and in no other."""
    return request.own_statistics if name == request.task.weights else None


def _progress(done: int, models: int, examples: int) -> dict[str, object]:
    note = f"measuring model {done + 1} of {models}"
    progress = Progress(
        epoch=1, epochs=1, step=done, steps=models, num_examples=examples, note=note
    )
    return progress.model_dump(mode="json")
