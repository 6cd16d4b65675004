"""What the trainer does: has models ready, and trains them for tasks. Imports Keras."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from child.validation_metrics import validation_figures
from child.weights import load_weights
from child.worker_messages import Examples, ModelRequest, TrainingRequest, TrainingResult
from federated.errors import ShapeMismatch
from federated.messages import Progress
from federated.training import Training
from federated.wire import Hyperparameter, UpdateDocument, encode_update
from imaging.array_file import PixelArray
from models.fit import FitResult, fit
from models.model_cache import ModelCache
from models.named import NamedModel
from models.predict import predict
from models.training.schedule import Span
from serving.files import write_file
from serving.worker_main import Call, Json

KEPT_MODELS = 3
"""Models that stay in memory: one for each study in use, for few studies."""

ALWAYS_TOLD = frozenset({"epochs", "batch_size", "optimizer", "learning_rate", "loss"})
"""Settings of its training that an update names, whatever they are."""


class RowPictures:
    """Some rows of a memory-mapped array, as training indexes them; nothing is loaded ahead.

    Args:
        pixels: uint8 (rows, height, width, channels).
        rows: Which of them, in request.
    """

    def __init__(self, pixels: npt.NDArray[np.uint8], rows: tuple[int, ...]) -> None:
        self._pixels = pixels
        self._rows = np.asarray(rows, dtype=np.int64)

    @property
    def shape(self) -> tuple[int, ...]:
        """`(n, height, width, channels)`."""
        return (len(self._rows), *self._pixels.shape[1:])

    @property
    def dtype(self) -> np.dtype[Any]:
        """`uint8`."""
        return self._pixels.dtype

    def __getitem__(self, index: Any, /) -> Any:
        """The chosen pictures, read from the file now."""
        return self._pixels[self._rows[index]]


class TrainerHandlers:
    """The trainer's handlers, and the models that it keeps warm between them.

    Args:
        clock: Seconds from any start.
    """

    def __init__(self, clock: Callable[[], float]) -> None:
        self._models = ModelCache(KEPT_MODELS)
        self._clock = clock

    def prepare(self, arguments: Json, _call: Call) -> Json:
        """Builds and compiles a model, so that its first task finds it warm."""
        request = ModelRequest.model_validate(arguments)
        model, built = self._models.get(request.study, request.model)
        if built:
            _warm(model, request)
        return {}

    def train(self, arguments: Json, call: Call) -> Json:
        """Trains for a task and writes its update."""
        started = self._clock()
        request = TrainingRequest.model_validate(arguments)
        task, training = request.task, request.task.plan.training
        model, _ = self._models.get(task.study, task.plan.model)
        if model.signature != task.signature:
            raise ShapeMismatch(
                "The task's signature is not that of the model that this site builds",
                expected=model.signature.sha256,
                received=task.signature.sha256,
            )
        load_weights(model, request.weights)
        pixels = PixelArray(request.pixels, task.study.picture_shape).open()
        images, labels = _examples(pixels, request.train)
        result = fit(
            model,
            images,
            labels,
            training,
            task.seed,
            lambda *figures: call.emit(_progress(len(labels), *figures)),
            call.cancelled,
            # The round that the task belongs to, in a run of either kind.
            span=Span.of_round(task.base_round + 1, task.plan.rounds),
            validation=_examples(pixels, request.validation),
        )
        if result.stopped:
            return TrainingResult(cancelled=True).model_dump()
        metrics = _metrics(result) | _validate(model, pixels, request)
        metrics["seconds"] = round(self._clock() - started, 3)
        _write_update(request, model, result, metrics)
        return TrainingResult().model_dump()


def _warm(model: NamedModel, request: ModelRequest) -> None:
    size = min(request.training.batch_size, 64)
    pictures = np.zeros((size, *request.study.picture_shape), np.uint8)
    once = request.training.model_copy(update={"epochs": 1})
    fit(model, pictures, np.zeros(size, np.int64), once, seed=0)
    predict(model, pictures)


def _examples(
    pixels: npt.NDArray[np.uint8], examples: Examples
) -> tuple[RowPictures, npt.NDArray[np.int64]]:
    labels = np.asarray(examples.labels, dtype=np.int64)
    return RowPictures(pixels, examples.rows), labels


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


def _validate(
    model: NamedModel, pixels: npt.NDArray[np.uint8], request: TrainingRequest
) -> dict[str, float]:
    images, labels = _examples(pixels, request.validation)
    if not len(labels):
        return {}
    return validation_figures(predict(model, images), labels, request.task.study.classes)


def _hyperparameters(training: Training) -> dict[str, Hyperparameter]:
    """Every setting that a training must have, and each other that is not at its default."""
    standard = Training()
    settings = training.model_dump()
    used = {
        name: value
        for name, value in settings.items()
        if name in ALWAYS_TOLD or getattr(training, name) != getattr(standard, name)
    }
    return dict(_flat(used))


def _flat(settings: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, Hyperparameter]]:
    for name, value in settings.items():
        if isinstance(value, dict):
            yield from _flat(value, f"{prefix}{name}.")
        else:
            yield f"{prefix}{name}", value


def _write_update(
    request: TrainingRequest, model: NamedModel, result: FitResult, metrics: dict[str, float]
) -> None:
    document = UpdateDocument(
        task=request.task.id,
        base=request.task.weights,
        num_examples=result.num_examples,
        num_steps=result.num_steps,
        metrics=metrics,
        hyperparameters=_hyperparameters(request.task.plan.training),
    )
    write_file(request.update, encode_update(model.read(), document))
