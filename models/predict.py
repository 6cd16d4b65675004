"""Class probabilities for pictures."""

from __future__ import annotations

import numpy as np

from models.compiled import forward_program
from models.named import NamedModel
from models.pictures import Pictures, check_pictures


def predict(model: NamedModel, images: Pictures, batch_size: int = 32) -> np.ndarray:
    """Class probabilities for `images`, one batch in memory at a time.

    Args:
        model: The model; its weights are read as they are at the call.
        images: uint8 (n, height, width, channels), 0–255; may be memory-mapped.
        batch_size: Pictures in memory at once, at least 1. Small batches stay in the
            processor's cache: 16 and 32 are quicker than 64.

    Returns:
        float32 (n, classes); each row sums to 1.

    Raises:
        InvalidInput: The pictures do not fit the model.
    """
    check_pictures(images, model.picture_shape)
    forward = model.program("forward", forward_program)
    num_examples = images.shape[0]
    probabilities = np.empty((num_examples, model.num_classes), np.float32)
    for start in range(0, num_examples, batch_size):
        stop = min(start + batch_size, num_examples)
        probabilities[start:stop] = forward(np.asarray(images[start:stop]))
    return probabilities
