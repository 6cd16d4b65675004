"""`texture_cnn2`: T-CNN-2, which asks what a picture is made of and not where.

After two convolutions an energy layer takes the mean of each feature map, as the energy of a
filter bank's answer is taken, so that nothing of the layout is left; dense layers follow. As in
later forms of the AlexNet that it is cut from, there is no local response normalisation.

References:
    V. Andrearczyk, P. F. Whelan, "Using filter banks in Convolutional Neural Networks for texture
    classification", Pattern Recognition Letters 84, 2016. https://arxiv.org/abs/1601.02919
"""

from __future__ import annotations

from collections.abc import Mapping

from federated.plan import Setting
from federated.study import Study
from models.architecture import Architecture, ArchitectureSetting, last_blocks_setting
from models.head import class_probabilities
from models.network import Network
from models.pixels import rgb_pixels, scaled
from models.seeds import draw_seeds

BLOCKS = ("pool1", "conv2")

ARCHITECTURE = Architecture(
    name="texture_cnn2",
    summary="T-CNN-2 for textures: two convolutions, an energy layer and dense layers.",
    settings=(
        ArchitectureSetting("width", 96, "Filters of the first convolution.", 4, 256),
        ArchitectureSetting("width2", 256, "Filters of the second, and energies.", 4, 1024),
        ArchitectureSetting("stride", 4, "Step of the first convolution.", 1, 4),
        ArchitectureSetting("units", 4096, "Units of both hidden dense layers.", 4, 4096),
        ArchitectureSetting("dropout", 0.5, "Share of hidden units dropped in training.", 0, 0.9),
        last_blocks_setting(BLOCKS),
    ),
)


def build(study: Study, settings: Mapping[str, Setting], seed: int) -> Network:
    """The network with fresh weights, from pixels 0–255, which it takes from -1 to 1."""
    import keras
    from keras import layers
    from keras.initializers import GlorotUniform

    seeds = iter(draw_seeds(seed, 8))
    pixels, x = rgb_pixels(study)
    x = layers.Conv2D(
        int(settings["width"]),
        11,
        int(settings["stride"]),
        padding="same",
        activation="relu",
        kernel_initializer=GlorotUniform(next(seeds)),
        name="conv1",
    )(scaled(x))
    x = layers.MaxPooling2D(3, 2, padding="same", name="pool1")(x)
    x = layers.Conv2D(
        int(settings["width2"]),
        5,
        padding="same",
        activation="relu",
        kernel_initializer=GlorotUniform(next(seeds)),
        name="conv2",
    )(x)
    x = layers.GlobalAveragePooling2D(dtype="float32", name="energy")(x)
    for place in (1, 2):
        x = layers.Dense(
            int(settings["units"]),
            activation="relu",
            kernel_initializer=GlorotUniform(next(seeds)),
            name=f"dense{place}",
        )(x)
        rate = float(settings["dropout"])
        x = layers.Dropout(rate, seed=next(seeds), name=f"dropout{place}")(x)
    probabilities = class_probabilities(x, study, next(seeds))
    return Network(keras.Model(pixels, probabilities, name="network"), BLOCKS, "energy")
