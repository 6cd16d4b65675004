"""What a task trains: a model on pictures, or its head on what stands for them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from child.feature_array import FeatureArray, FeatureRows
from child.feature_extraction import compute_features
from child.worker_messages import Examples, TrainingRequest
from federated.messages import Progress
from imaging.array_file import PixelArray
from imaging.array_rows import ArrayRows
from models.named import NamedModel
from models.pictures import Labelled
from serving.worker_main import Call


class RowPictures:
    """Some rows of an array file, as training indexes them; nothing is loaded ahead.

    Args:
        pixels: uint8 (rows, height, width, channels).
        rows: Which of them, in request.
    """

    def __init__(self, pixels: ArrayRows, rows: tuple[int, ...]) -> None:
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


@dataclass(frozen=True, slots=True)
class Material:
    """A model, or the head of one, with examples for it.

    Attributes:
        model: What is trained.
        train: Examples to train on, with their labels.
        validation: Examples that judge only, with theirs.
    """

    model: NamedModel
    train: Labelled
    validation: Labelled


def material_of(model: NamedModel, request: TrainingRequest, call: Call) -> Material:
    """What a request trains, features computed where they are not yet.

    Raises:
        Cancelled: The server has asked to give up while features were computed.
        StorageFailure: The disk refused features.
    """
    pixels = PixelArray(request.pixels, request.task.study.picture_shape).rows()
    if model.features is None or request.features is None:
        return Material(model, _of(pixels, request.train), _of(pixels, request.validation))
    array = FeatureArray(request.features, model.features.width)
    rows = np.asarray(request.train.rows + request.validation.rows, dtype=np.int64)

    def tell(done: int, whole: int) -> None:
        note = f"computing features {done} of {whole}"
        epochs = request.task.training.epochs
        call.emit(Progress(epochs=epochs, note=note).model_dump(mode="json"))

    compute_features(model.features, pixels, rows, array, tell, call.cancelled)
    stored = array.open()
    parts = [
        (FeatureRows(stored, part.rows), _labels(part))
        for part in (request.train, request.validation)
    ]
    return Material(model.features.head, *parts)


def _of(pixels: ArrayRows, examples: Examples) -> Labelled:
    return RowPictures(pixels, examples.rows), _labels(examples)


def _labels(examples: Examples) -> npt.NDArray[np.int64]:
    return np.asarray(examples.labels, dtype=np.int64)
