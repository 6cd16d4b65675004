"""`lstm_resnet18`: an LSTM reads the pixels one after another, then comes a residual network.

The picture is a sequence of pixels, row by row, each a vector of three. The LSTM makes twelve
numbers of each pixel and all before it, a convolution brings them back to three channels, and a
ResNet-18 with its head follows.

The sequence is as long as the picture has pixels and cannot be computed in parallel, so that time
grows with the area. Training took 0.05 s a picture at 32 × 32, 0.13 s at 96 × 96 and 4 s at
224 × 224 (50,176 steps, 0.15 GiB a picture) on one core, without waiting for other work; the
ResNet-18 alone takes 0.02 s at 96 × 96. A thousand pictures of 224 × 224 are an hour an epoch.
"""

from __future__ import annotations

from collections.abc import Mapping

from federated.plan import Setting
from federated.study import Study
from models.architecture import Architecture, ArchitectureSetting
from models.network import Network
from models.pixels import rgb_pixels, scaled
from models.residual import MOST_SEEDS, residual_network, residual_settings
from models.seeds import draw_seeds
from models.zoo.resnet18 import DEPTHS

ARCHITECTURE = Architecture(
    name="lstm_resnet18",
    summary="An LSTM over the pixels before a ResNet-18; for small pictures: slow at 224 px.",
    settings=(
        ArchitectureSetting("lstm_units", 12, "Units of the LSTM.", 1, 64),
        *residual_settings(DEPTHS),
    ),
    largest=256,
)


def build(study: Study, settings: Mapping[str, Setting], seed: int) -> Network:
    """The network with fresh weights, from pixels 0–255, which it takes from -1 to 1."""
    from keras import initializers, layers

    seeds = iter(draw_seeds(seed, MOST_SEEDS))
    side, units = study.size, int(settings["lstm_units"])
    pixels, x = rgb_pixels(study, white_balance=bool(settings["white_balance"]))
    x = layers.Reshape((side * side, 3), name="sequence")(scaled(x))
    x = layers.LSTM(
        units,
        return_sequences=True,
        kernel_initializer=initializers.GlorotUniform(next(seeds)),
        recurrent_initializer=initializers.Orthogonal(seed=next(seeds)),
        name="lstm",
    )(x)
    x = layers.Reshape((side, side, units), name="picture")(x)
    x = layers.Conv2D(
        3,
        3,
        padding="same",
        activation="elu",
        kernel_initializer=initializers.HeNormal(next(seeds)),
        name="to_channels",
    )(x)
    return residual_network(study, settings, seeds, pixels, x, DEPTHS)
