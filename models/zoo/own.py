"""`own`: a model of the operator's own, from Keras's JSON.

Of Keras's own layers only; its input are pixels as they are stored, 0–255, its output class
probabilities. Its layers are renamed by class and place, so that its tensors have names that do
not depend on who saved it and when.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from federated.plan import Setting
from federated.study import Study
from models.architecture import Architecture, ArchitectureSetting
from models.network import Network
from models.own_config import checked_config, objects, refused

if TYPE_CHECKING:
    import keras

ARCHITECTURE = Architecture(
    name="own",
    summary="A model of your own: a .keras file or Keras's JSON, of Keras's own layers only.",
    settings=(
        ArchitectureSetting(
            "last_blocks",
            1,
            "Layers with weights before the last one that are trained where `trained` is `last`.",
            1,
            1000,
        ),
    ),
)


def build(study: Study, settings: Mapping[str, Setting], seed: int) -> Network:
    """The model with fresh weights.

    Args:
        study: Its pictures must be what the model takes, its classes what the model gives.
        settings: Those of the architecture, and `config`: the JSON.
        seed: Same seed, same initial weights.

    Raises:
        InvalidInput: The JSON is not admitted, or the model does not fit the study.
        TooLarge: It would be too large.
    """
    from models.layer_names import rename_all
    from models.own_model import build_own

    config = checked_config(str(settings["config"]))
    _check_scaling(config)
    model = build_own(config, seed)
    rename_all(model)
    _check_fits(model, study)
    return _cut(model)


def _check_scaling(config: dict[str, Any]) -> None:
    # The JSON has no place for what an adapted layer measured; its settings are all that travels.
    for node in objects(config):
        given = node["config"]
        if node.get("class_name") == "Normalization" and None in (
            given.get("mean"),
            given.get("variance"),
        ):
            raise refused("a Normalization layer must have its mean and variance as settings")


def _check_fits(model: keras.Model, study: Study) -> None:
    import keras
    import numpy as np

    expected = (None, *study.picture_shape)
    if tuple(model.input_shape) != expected:
        raise refused(f"it takes {model.input_shape}, and the study's pictures are {expected}")
    classes = len(study.classes)
    if tuple(model.output_shape) != (None, classes):
        raise refused(f"it gives {model.output_shape}, and the study has {classes} classes")
    grey = np.full((1, *study.picture_shape), 127, np.float32)
    try:
        total = float(keras.ops.sum(model(grey)))
    except Exception as error:
        # Keras raises whatever settings that it built but cannot compute with led it to.
        raise refused(f"it cannot be run: {error}") from error
    if not abs(total - 1) < 0.01:
        raise refused(f"its outputs are no probabilities: they sum to {total:g}, not to 1")


def _cut(model: keras.Model) -> Network:
    """The model, cut before its last layer with weights."""
    # Of its own seeds a dropout makes variables too.
    weighted = [layer for layer in model.layers if layer.weights]
    if not weighted:
        raise refused("it has nothing to learn")
    *others, last = weighted
    before = [layer.name for layer in model.layers if layer.output is last.input]
    if not before:
        raise refused("its last layer with weights must have one input")
    return Network(model, tuple(layer.name for layer in others), before[0])
