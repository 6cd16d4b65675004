"""Weights from a blob into a model. Imported by worker processes only: it imports Keras."""

from __future__ import annotations

from pathlib import Path

from models.named import NamedModel
from serving.blobs import open_blob


def load_weights(model: NamedModel, path: Path) -> None:
    """Assigns a blob of weights; the signature is checked before anything is assigned.

    Raises:
        InvalidInput: The file is no whole blob.
        ShapeMismatch: The weights are not this model's.
    """
    with open_blob(path) as blob:
        model.assign({name: blob.get_tensor(name) for name in blob.keys()})  # noqa: SIM118
