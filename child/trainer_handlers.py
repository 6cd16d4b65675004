"""What the trainer does: has models ready, and trains them for tasks. Imports Keras."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

import numpy as np

from child.control_variates import ControlVariates
from child.feature_extraction import Cancelled
from child.site_evaluation import measure_models
from child.training_material import Material, material_of
from child.validation_metrics import validation_figures
from child.weights import FrozenParts, load_weights, own_statistics
from child.worker_messages import EvaluationRequest, ModelRequest, TrainingRequest, TrainingResult
from federated.errors import ShapeMismatch
from federated.messages import Progress, Task
from federated.training import Training
from federated.wire import Hyperparameter, UpdateDocument, encode_update, encode_weights
from models.fit import fit
from models.model_cache import ModelCache
from models.named import NamedModel
from models.predict import predict
from models.training.result import FitResult
from models.training.schedule import Span
from serving.files import write_file
from serving.worker_main import Call, Json

KEPT_MODELS = 4
"""Models that stay in memory: for few studies, or few runs of one that take turns here; one more
than these, and each would be built anew for each of its tasks."""

ALWAYS_TOLD = frozenset({"epochs", "batch_size", "optimizer", "learning_rate", "loss"})
"""Settings of its training that an update names, whatever they are."""


class TrainerHandlers:
    """The trainer's handlers, and the models that it keeps warm between them.

    Args:
        clock: Seconds from any start.
    """

    def __init__(self, clock: Callable[[], float]) -> None:
        self._models = ModelCache(KEPT_MODELS)
        self._frozen = FrozenParts()
        self._clock = clock

    def prepare(self, arguments: Json, _call: Call) -> Json:
        """Builds and compiles a model, so that its first task finds it warm."""
        request = ModelRequest.model_validate(arguments)
        model, built = self._models.get(request.study, request.model, request.training.precision)
        if built:
            _warm(model, request)
        return {}

    def train(self, arguments: Json, call: Call) -> Json:
        """Trains for a task and writes its update."""
        started = self._clock()
        request = TrainingRequest.model_validate(arguments)
        task, training = request.task, request.task.training
        model, _ = self._models.get(task.study, task.model, training.precision)
        _check_signatures(model, task)
        self._frozen.load(model, request.frozen)
        load_weights(model, request.weights, request.own_statistics)
        controls = ControlVariates.of(request)
        before = model.read() if controls else {}
        try:
            material = material_of(model, request, call)
        except Cancelled:
            return TrainingResult(cancelled=True).model_dump()
        received = _accuracy(material, _probabilities(material))
        images, labels = material.train
        result = fit(
            material.model,
            images,
            labels,
            training,
            task.seed,
            lambda *figures: call.emit(_progress(len(labels), *figures)),
            call.cancelled,
            # The round that the task belongs to, in a run of either kind.
            span=Span.of_round(task.base_round + 1, task.plan.rounds),
            validation=material.validation,
            correction=controls.correction if controls else None,
        )
        if result.stopped:
            return TrainingResult(cancelled=True).model_dump()
        judged = _probabilities(material)
        metrics = _metrics(result) | _validate(material, judged, request)
        metrics["seconds"] = round(self._clock() - started, 3)
        extra = {}
        if controls:
            rates, place = result.rate_sum, request.new_control
            extra = controls.move(before, model.read(), rates, place)
        _write_update(request, model, result, metrics, extra)
        _write_statistics(request, model)
        trained = _accuracy(material, judged)
        return TrainingResult(received=received, trained=trained).model_dump()

    def evaluate(self, arguments: Json, call: Call) -> Json:
        """Measures models for a task and writes what they are."""
        request = EvaluationRequest.model_validate(arguments)
        task = request.task
        model, _ = self._models.get(task.study, task.model, task.training.precision)
        _check_signatures(model, task)
        self._frozen.load(model, request.frozen)
        return measure_models(model, request, call).model_dump()


def _check_signatures(model: NamedModel, task: Task) -> None:
    """Refuses a task of another model than this site builds.

    Raises:
        ShapeMismatch: Another part travels, or another one is frozen.
    """
    for part, ours, named in (
        ("The", model.signature, task.signature),
        ("The frozen part's", model.frozen, task.frozen_signature),
    ):
        if ours != named:
            raise ShapeMismatch(
                f"{part} signature in the task is not that of the model that this site builds",
                expected=ours.sha256 if ours else "none",
                received=named.sha256 if named else "none",
            )


def _warm(model: NamedModel, request: ModelRequest) -> None:
    size = min(request.training.batch_size, 64)
    pictures = np.zeros((size, *request.study.picture_shape), np.uint8)
    trained, examples = model, pictures
    if model.features is not None:
        trained, examples = model.features.head, model.features.extract(pictures)
    once = request.training.model_copy(update={"epochs": 1})
    fit(trained, examples, np.zeros(size, np.int64), once, seed=0)
    predict(trained, examples)


def _progress(num_examples: int, *figures: float) -> Json:
    epoch, epochs, step, steps, loss, accuracy = figures
    return Progress(
        epoch=int(epoch),
        epochs=int(epochs),
        step=int(step),
        steps=int(steps),
        loss=loss,
        accuracy=accuracy,
        num_examples=num_examples,
    ).model_dump(mode="json")


def _metrics(result: FitResult) -> dict[str, float]:
    if not result.history:
        return {}
    kept = result.history[result.kept_epoch - 1]
    metrics = {"loss": kept.loss, "accuracy": kept.accuracy}
    if kept.val_loss is not None:
        metrics["kept_epoch"] = float(result.kept_epoch)
    return metrics


def _probabilities(material: Material) -> np.ndarray:
    """What the model makes of the pictures that judge; empty without any."""
    images, labels = material.validation
    return predict(material.model, images) if len(labels) else np.empty((0, 0))


def _validate(
    material: Material, probabilities: np.ndarray, request: TrainingRequest
) -> dict[str, float]:
    labels = material.validation[1]
    if not len(labels):
        return {}
    classes = request.task.study.classes
    return validation_figures(probabilities, labels, classes, request.least)


def _accuracy(material: Material, probabilities: np.ndarray) -> float | None:
    """How often the model is right on the pictures that judge; None without any."""
    labels = material.validation[1]
    if not len(labels):
        return None
    right: np.ndarray = probabilities.argmax(axis=1) == labels
    return float(right.mean())


def _hyperparameters(task: Task) -> dict[str, Hyperparameter]:
    """Settings that a training must have, others not at their default, and a search's own."""
    training, standard = task.training, Training()
    settings = training.model_dump()
    used = {
        name: value
        for name, value in settings.items()
        if name in ALWAYS_TOLD or getattr(training, name) != getattr(standard, name)
    }
    proposed = task.hyperparameters.told if task.hyperparameters else {}
    return dict(_flat(used)) | proposed


def _flat(settings: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, Hyperparameter]]:
    for name, value in settings.items():
        if isinstance(value, dict):
            yield from _flat(value, f"{prefix}{name}.")
        else:
            yield f"{prefix}{name}", value


def _write_update(
    request: TrainingRequest,
    model: NamedModel,
    result: FitResult,
    metrics: dict[str, float],
    extra: Mapping[str, np.ndarray],
) -> None:
    document = UpdateDocument(
        task=request.task.id,
        base=request.task.weights,
        num_examples=result.num_examples,
        num_steps=result.num_steps,
        metrics=metrics,
        hyperparameters=_hyperparameters(request.task),
    )
    write_file(request.update, encode_update(model.read(), document, extra=extra))


def _write_statistics(request: TrainingRequest, model: NamedModel) -> None:
    if request.task.plan.strategy.batch_norm == "local" and model.signature.statistics:
        write_file(request.statistics, encode_weights(own_statistics(model)))
