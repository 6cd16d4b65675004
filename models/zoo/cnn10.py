"""`cnn10`: a small convolutional network of ten layers, trained from nothing.

Three times convolution and pooling, one flattening, one hidden dense layer, one dropout and the
output make ten; the scaling of the pixels comes on top and has nothing to learn.
"""

from __future__ import annotations

import math
from collections.abc import Mapping

from federated.plan import Setting
from federated.study import Study
from models.architecture import Architecture, ArchitectureSetting, last_blocks_setting
from models.head import class_probabilities
from models.network import Network
from models.pixels import scaled
from models.seeds import draw_seeds

BLOCKS = ("pool1", "pool2", "pool3")

ARCHITECTURE = Architecture(
    name="cnn10",
    summary="Ten layers, small and quick: three convolutions and two dense layers.",
    settings=(
        ArchitectureSetting(
            "width", 16, "Filters of the first convolution; each next has twice as many.", 4, 128
        ),
        ArchitectureSetting("grid", 3, "Cells a side that the last pooling leaves, at most.", 1, 8),
        ArchitectureSetting("units", 128, "Units of the hidden dense layer.", 4, 1024),
        ArchitectureSetting("dropout", 0.3, "Share of hidden units dropped in training.", 0, 0.9),
        last_blocks_setting(BLOCKS),
    ),
)


def build(study: Study, settings: Mapping[str, Setting], seed: int) -> Network:
    """The network with fresh weights, from pixels 0–255, which it scales itself."""
    import keras
    from keras import layers

    seeds = draw_seeds(seed, 6)
    pixels = keras.Input(study.picture_shape, name="pixels")
    x = scaled(pixels)
    for block in (1, 2, 3):
        x = layers.Conv2D(
            int(settings["width"]) * 2 ** (block - 1),
            kernel_size=5 if block == 1 else 3,
            # The first convolution strides: at full resolution it would cost more than all others.
            strides=2 if block == 1 else 1,
            padding="same",
            activation="relu",
            kernel_initializer=keras.initializers.HeNormal(seeds[block - 1]),
            name=f"conv{block}",
        )(x)
        # The last pooling leaves a few cells, so that weights do not grow with the picture.
        side = math.ceil(x.shape[1] / int(settings["grid"])) if block == 3 else 2
        x = layers.MaxPooling2D(side, padding="same", name=f"pool{block}")(x)
    x = layers.Flatten(name="flatten")(x)
    x = layers.Dense(
        int(settings["units"]),
        activation="relu",
        kernel_initializer=keras.initializers.HeNormal(seeds[3]),
        name="hidden",
    )(x)
    x = layers.Dropout(float(settings["dropout"]), seed=seeds[4], name="dropout")(x)
    probabilities = class_probabilities(x, study, seeds[5])
    return Network(keras.Model(pixels, probabilities, name="cnn10"), BLOCKS, "flatten")
