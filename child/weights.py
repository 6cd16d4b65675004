"""Weights from blobs into a model. Imported by worker processes only: it imports Keras."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from weakref import WeakKeyDictionary

import numpy as np

from models.named import NamedModel
from serving.blobs import open_blob


def load_weights(model: NamedModel, path: Path, own: Path | None = None) -> None:
    """Assigns a blob of weights; the signature is checked before anything is assigned.

    Args:
        model: Takes what travels of its weights.
        path: The blob.
        own: A blob of BatchNorm's statistics that take the place of those.

    Raises:
        InvalidInput: A file is no whole blob.
        ShapeMismatch: The weights are not this model's.
    """
    weights = _tensors(path)
    if own is not None:
        weights |= _tensors(own)
    model.assign(weights)


def own_statistics(model: NamedModel) -> Mapping[str, np.ndarray]:
    """What BatchNorm has measured, of the part of the model that travels."""
    weights = model.read()
    return {name: weights[name] for name in model.signature.statistics}


class FrozenParts:
    """Loads the frozen part of each model once; nothing changes it there."""

    def __init__(self) -> None:
        self._loaded: WeakKeyDictionary[NamedModel, Path] = WeakKeyDictionary()

    def load(self, model: NamedModel, path: Path | None) -> None:
        """Has the blob's tensors in the model; without a blob, nothing of it is frozen.

        Raises:
            InvalidInput: The file is no whole blob.
            ShapeMismatch: The tensors are not this model's.
        """
        if path is not None and self._loaded.get(model) != path:
            model.assign_frozen(_tensors(path))
            self._loaded[model] = path


def _tensors(path: Path) -> dict[str, np.ndarray]:
    with open_blob(path) as blob:
        return {name: blob.get_tensor(name) for name in blob.keys()}  # noqa: SIM118
