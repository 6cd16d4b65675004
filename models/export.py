"""The model as a file that plain Keras opens."""

from __future__ import annotations

import os
from pathlib import Path

import keras

from models.named import NamedModel


def export_keras(model: NamedModel, path: Path) -> None:
    """Writes `model` whole, preprocessing included, uncompiled, as a `.keras` file.

    `keras.models.load_model` opens it without any of our code; it takes pixels as they are
    stored, 0–255, integers or floats, and gives class probabilities.

    Args:
        model: The model with the weights to write.
        path: Ends in `.keras`. Written beside and renamed: it is whole or not there.

    Raises:
        ValueError: `path` does not end in `.keras`.
        OSError: The folder cannot be written to.
    """
    partial = path.with_name(f".{path.stem}.{os.getpid()}{path.suffix}")
    try:
        _whole(model).save(partial)
        partial.replace(path)
    finally:
        partial.unlink(missing_ok=True)


def _whole(model: NamedModel) -> keras.Model:
    """The model with all that makes its answer, the mean over flips too."""
    network = model.keras_model
    if not model.flips:
        return network
    pixels = keras.Input(model.input_shape, name="pixels")
    views = [pixels, *(keras.ops.flip(pixels, axis) for axis in (1, 2, (1, 2)))]
    answers = [network(view) for view in views]
    return keras.Model(pixels, keras.layers.Average(name="mean_over_flips")(answers))
