"""`linear`: dense layers only, the plainest network, to compare others with.

Every pixel has a weight for each unit of the first layer, so that the network grows with the
picture: at 64 × 64 × 3 the first layer alone has 12 million weights.
"""

from __future__ import annotations

from collections.abc import Mapping

from federated.plan import Setting
from federated.study import Study
from models.architecture import Architecture, ArchitectureSetting, last_blocks_setting
from models.head import head_settings, with_head
from models.network import Network
from models.norms import norm_settings
from models.pixels import scaled
from models.seeds import draw_seeds

BLOCKS = ("dense1", "dense2", "dense3")

ARCHITECTURE = Architecture(
    name="linear",
    summary="Three dense layers on the pixels, and a deep head.",
    settings=(
        ArchitectureSetting("units", 1000, "Units of each of the three layers.", 4, 4096),
        ArchitectureSetting(
            "activation",
            "relu",
            "What follows each of them; `linear` for nothing.",
            choices=("relu", "linear"),
        ),
        *head_settings("deep", dropout=0.25),
        *norm_settings("batch", "group"),
        last_blocks_setting(BLOCKS),
    ),
    largest=256,
)


def build(study: Study, settings: Mapping[str, Setting], seed: int) -> Network:
    """The network with fresh weights, from pixels 0–255, which it takes from -1 to 1."""
    import keras
    from keras import layers

    seeds = iter(draw_seeds(seed, 16))
    pixels = keras.Input(study.picture_shape, name="pixels")
    x = layers.Flatten(name="flatten")(scaled(pixels))
    for name in BLOCKS:
        x = layers.Dense(
            int(settings["units"]),
            activation=str(settings["activation"]),
            kernel_initializer=keras.initializers.HeNormal(next(seeds)),
            name=name,
        )(x)
    features = layers.Identity(dtype="float32", name="features")(x)
    probabilities = with_head(features, study, settings, seeds)
    return Network(keras.Model(pixels, probabilities, name="network"), BLOCKS, "features")
