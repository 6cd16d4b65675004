"""BatchNorm's statistics measured anew on a site's own pictures, without their labels.

Pictures of another camera shift what BatchNorm measured; taking its means and variances from the
pictures at hand puts much of that right, and no weight is trained.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import keras
import numpy as np

from federated.errors import InvalidInput
from models.named import NamedModel
from models.pictures import Pictures, check_pictures

LEAST = 2
"""Pictures without which there is no variance."""


def reestimate_statistics(
    model: NamedModel, images: Pictures, batch_size: int = 64, seed: int = 0
) -> int:
    """Replaces the moving statistics of every BatchNorm of `model`, frozen ones too.

    Each layer sees what the layers before it make of a batch when they normalise by the batch
    itself, as in training, with nothing dropped.

    Args:
        model: It is changed in place; all its other weights stay.
        images: uint8 (n, height, width, channels), 0–255; may be memory-mapped.
        batch_size: Pictures in memory at once; a large batch is closer to all pictures.
        seed: Decides which pictures share a batch, for they may lie in order of class.

    Returns:
        How many layers were measured; 0 where the model has no BatchNorm.

    Raises:
        InvalidInput: The pictures do not fit the model, or are fewer than two.

    References:
        Y. Li et al., "Revisiting Batch Normalization For Practical Domain Adaptation" (AdaBN),
        2016. https://arxiv.org/abs/1603.04779
    """
    check_pictures(images, model.input_shape, model.input_dtype)
    count = images.shape[0]
    if count < LEAST:
        raise InvalidInput("Statistics need pictures", expected=f"at least {LEAST}", received=count)
    layers = [layer for layer in _layers(model) if _is_batch_norm(layer)]
    if not layers:
        return 0
    order = np.random.default_rng(seed).permutation(count)
    batches = np.array_split(order, max(1, round(count / batch_size)))
    with _measuring(_layers(model)):
        seen = [_statistics(model, layers, np.asarray(images[np.sort(rows)])) for rows in batches]
    sizes = np.array([len(rows) for rows in batches], np.float64)
    for place, layer in enumerate(layers):
        means, variances = (np.stack([one[place][part] for one in seen]) for part in (0, 1))
        mean = np.average(means, axis=0, weights=sizes)
        # The variance of all is that within the batches and that between them.
        variance = np.average(variances + (means - mean) ** 2, axis=0, weights=sizes)
        layer.moving_mean.assign(mean.astype(np.float32))
        layer.moving_variance.assign(variance.astype(np.float32))
    return len(layers)


def _statistics(
    model: NamedModel, layers: Sequence[Any], batch: np.ndarray
) -> list[tuple[np.ndarray, np.ndarray]]:
    """Each layer's mean and variance over one batch."""
    with keras.StatelessScope() as scope:
        model.keras_model(batch, training=True)
    return [
        (
            np.asarray(keras.ops.convert_to_numpy(scope.get_current_value(layer.moving_mean))),
            np.asarray(keras.ops.convert_to_numpy(scope.get_current_value(layer.moving_variance))),
        )
        for layer in layers
    ]


@contextmanager
def _measuring(layers: Sequence[Any]) -> Iterator[None]:
    """BatchNorm that shows a batch's own statistics, and dropout that drops nothing."""
    before = [(layer, _state(layer)) for layer in layers]
    for layer in layers:
        if _is_batch_norm(layer):
            # A momentum of 0 keeps nothing of the old; a frozen layer measures nothing.
            layer.momentum, layer.trainable = 0.0, True
        elif isinstance(layer, keras.layers.Dropout):
            layer.rate = 0.0
    try:
        yield
    finally:
        for layer, state in before:
            for name, value in state.items():
                setattr(layer, name, value)


def _state(layer: Any) -> dict[str, Any]:
    if _is_batch_norm(layer):
        return {"momentum": layer.momentum, "trainable": layer.trainable}
    return {"rate": layer.rate} if isinstance(layer, keras.layers.Dropout) else {}


def _is_batch_norm(layer: Any) -> bool:
    return isinstance(layer, keras.layers.BatchNormalization)


def _layers(model: NamedModel) -> list[Any]:
    return list(model.keras_model._flatten_layers(include_self=False))
