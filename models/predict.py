"""Class probabilities for pictures."""

from __future__ import annotations

import functools
from collections.abc import Iterator

import numpy as np

from models.forward import forward_program
from models.named import NamedModel
from models.pictures import Pictures, check_pictures


def predict(model: NamedModel, images: Pictures, batch_size: int = 32) -> np.ndarray:
    """Class probabilities for `images`, one batch in memory at a time.

    Where the model says so, each answer is the mean over the picture's four flips.

    Args:
        model: The model; its weights are read as they are at the call.
        images: uint8 (n, height, width, channels), 0–255; may be memory-mapped. For a model of
            features float32 (n, width).
        batch_size: Pictures in memory at once, at least 1. Small batches stay in the
            processor's cache: 16 and 32 are quicker than 64.

    Returns:
        float32 (n, classes); each row sums to 1.

    Raises:
        InvalidInput: The pictures do not fit the model.
    """
    check_pictures(images, model.input_shape, model.input_dtype)
    compile_it = functools.partial(forward_program, dtype=model.input_dtype)
    forward = model.program("forward", compile_it)
    num_examples = images.shape[0]
    probabilities = np.empty((num_examples, model.num_classes), np.float32)
    for start in range(0, num_examples, batch_size):
        stop = min(start + batch_size, num_examples)
        batch = np.asarray(images[start:stop])
        views = _flips(batch) if model.flips else (batch,)
        probabilities[start:stop] = np.mean([forward(view) for view in views], axis=0)
    return probabilities


def _flips(batch: np.ndarray) -> Iterator[np.ndarray]:
    for down in (1, -1):
        for across in (1, -1):
            yield np.ascontiguousarray(batch[:, ::down, ::across])
