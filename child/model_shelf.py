"""Models that a worker process keeps built and compiled, the latest few."""

from __future__ import annotations

from collections import OrderedDict
from pathlib import Path

from child.orders import ModelOrder
from models.named import NamedModel, build_model
from serving.blobs import open_blob

KEPT = 3
"""Models that one worker keeps in memory: one for each study in use, for few studies."""


class ModelShelf:
    """Built models, by study and model choice."""

    def __init__(self) -> None:
        self._models: OrderedDict[str, NamedModel] = OrderedDict()

    def get(self, order: ModelOrder) -> tuple[NamedModel, bool]:
        """The model, and whether it had to be built just now.

        Raises:
            InvalidInput: The catalogue does not allow the choice for this study.
        """
        built = order.key not in self._models
        if built:
            # Any seed will do: weights are assigned before the model is used.
            self._models[order.key] = build_model(order.study, order.model, seed=0)
        self._models.move_to_end(order.key)
        while len(self._models) > KEPT:
            self._models.popitem(last=False)
        return self._models[order.key], built


def load_weights(model: NamedModel, path: Path) -> None:
    """Assigns a blob of weights; the signature is checked before anything is assigned.

    Raises:
        InvalidInput: The file is no whole blob.
        ShapeMismatch: The weights are not this model's.
    """
    with open_blob(path) as blob:
        model.assign({name: blob.get_tensor(name) for name in blob.keys()})  # noqa: SIM118
