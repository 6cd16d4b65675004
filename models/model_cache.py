"""Models that a worker process keeps built and compiled, the latest few."""

from __future__ import annotations

from collections import OrderedDict

from federated.plan import ModelChoice
from federated.study import Study
from federated.values import canonical_json
from models.named import NamedModel, build_model


class ModelCache:
    """Built models by study and choice: building and compiling one costs seconds.

    Args:
        size: Models kept; the least recently used goes first.
    """

    def __init__(self, size: int) -> None:
        self._size = size
        self._models: OrderedDict[str, NamedModel] = OrderedDict()

    def get(self, study: Study, choice: ModelChoice) -> tuple[NamedModel, bool]:
        """The model, with whatever weights it was last given; and whether it was built just now.

        Raises:
            InvalidInput: The catalogue does not allow the choice for this study.
        """
        key = canonical_json([study.model_dump(), choice.model_dump()])
        built = key not in self._models
        if built:
            # Any seed will do: weights are assigned before the model is used.
            self._models[key] = build_model(study, choice, seed=0)
        self._models.move_to_end(key)
        while len(self._models) > self._size:
            self._models.popitem(last=False)
        return self._models[key], built
