"""`brain_cnn`: a compact network with dropout between its convolutions.

For studies of a few thousand pictures, such as slices of MRI: what a convolution dropped cannot be
learned by heart by the next.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import TYPE_CHECKING

from federated.plan import Setting
from federated.study import Study
from models.architecture import Architecture, ArchitectureSetting, last_blocks_setting
from models.head import class_probabilities
from models.network import Network
from models.pixels import scaled
from models.seeds import draw_seeds

if TYPE_CHECKING:
    import keras

BLOCKS = ("pool1", "pool2", "pool3", "pool4")

ARCHITECTURE = Architecture(
    name="brain_cnn",
    summary="Four convolutions with dropout between them, and two dense layers.",
    settings=(
        ArchitectureSetting(
            "width",
            32,
            "Filters of the first convolution; each next has twice as many, to 128.",
            4,
            64,
        ),
        ArchitectureSetting("grid", 4, "Cells a side that the last pooling leaves, at most.", 1, 8),
        ArchitectureSetting("units", 128, "Units of the hidden dense layer.", 4, 1024),
        ArchitectureSetting(
            "dropout",
            0.25,
            "Share dropped after each convolution; twice it before the end.",
            0,
            0.45,
        ),
        last_blocks_setting(BLOCKS),
    ),
)


def build(study: Study, settings: Mapping[str, Setting], seed: int) -> Network:
    """The network with fresh weights, from pixels 0–255, which it takes from -1 to 1."""
    import keras
    from keras import layers

    seeds = iter(draw_seeds(seed, 16))
    rate = float(settings["dropout"])
    pixels = keras.Input(study.picture_shape, name="pixels")
    x = scaled(pixels)
    for block in (1, 2, 3, 4):
        x = _convolution(x, block, settings, next(seeds))
        x = layers.Dropout(rate, seed=next(seeds), name=f"dropout{block}")(x)
    x = layers.Flatten(dtype="float32", name="flatten")(x)
    x = layers.Dense(
        int(settings["units"]),
        activation="relu",
        kernel_initializer=keras.initializers.GlorotUniform(next(seeds)),
        name="hidden",
    )(x)
    x = layers.Dropout(2 * rate, seed=next(seeds), name="dropout5")(x)
    probabilities = class_probabilities(x, study, next(seeds))
    return Network(keras.Model(pixels, probabilities, name="network"), BLOCKS, "flatten")


def _convolution(
    x: keras.KerasTensor, block: int, settings: Mapping[str, Setting], seed: int
) -> keras.KerasTensor:
    import keras
    from keras import layers

    x = layers.Conv2D(
        min(int(settings["width"]) * 2 ** (block - 1), 128),
        3,
        padding="same",
        activation="relu",
        kernel_initializer=keras.initializers.GlorotUniform(seed),
        name=f"conv{block}",
    )(x)
    # The last pooling leaves a few cells, so that weights do not grow with the picture.
    side = math.ceil(x.shape[1] / int(settings["grid"])) if block == len(BLOCKS) else 2
    return layers.MaxPooling2D(side, padding="same", name=f"pool{block}")(x)
