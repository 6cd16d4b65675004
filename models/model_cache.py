"""Models that a worker process keeps built and compiled, the latest few."""

from __future__ import annotations

from collections import OrderedDict

from federated.plan import ModelChoice
from federated.study import Study
from federated.values import canonical_json
from models.named import NamedModel, Precision, build_model


class ModelCache:
    """Built models by study and choice: building and compiling one costs seconds.

    Args:
        size: Models kept; the least recently used goes first.
    """

    def __init__(self, size: int) -> None:
        self._size = size
        self._models: OrderedDict[str, NamedModel] = OrderedDict()

    def get(
        self, study: Study, choice: ModelChoice, precision: Precision = "float32"
    ) -> tuple[NamedModel, bool]:
        """The model, with whatever weights it was last given; and whether it was built just now.

        Args:
            study: Gives the pictures' shape and the classes.
            choice: The model. Where its first weights come from does not matter: whoever keeps
                models is given all weights.
            precision: What is computed in.

        Raises:
            InvalidInput: The catalogue does not allow the choice for this study.
        """
        choice = choice.model_copy(update={"weights": None})
        key = canonical_json([study.model_dump(), choice.model_dump(), precision])
        built = key not in self._models
        if built:
            # Any seed will do: weights are assigned before the model is used.
            self._models[key] = build_model(study, choice, seed=0, precision=precision)
        self._models.move_to_end(key)
        while len(self._models) > self._size:
            self._models.popitem(last=False)
        return self._models[key], built
