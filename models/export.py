"""The model as a file that plain Keras opens."""

from __future__ import annotations

import os
from pathlib import Path

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
        model.keras_model.save(partial)
        partial.replace(path)
    finally:
        partial.unlink(missing_ok=True)
