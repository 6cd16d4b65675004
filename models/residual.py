"""The residual network of 18 and 34 layers, built once.

Geometry and epsilon are those of the paper's later implementations (symmetric padding, 1 × 1
convolutions where a shortcut changes its shape), so that weights trained elsewhere can be used.

References:
    K. He et al., "Deep Residual Learning for Image Recognition", CVPR 2016.
    https://arxiv.org/abs/1512.03385
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from federated.plan import Setting
from federated.study import Study
from models.architecture import ArchitectureSetting, last_blocks_setting
from models.head import head_settings, with_head
from models.network import Network
from models.norms import norm_settings, normalised
from models.pixels import rgb_pixels, standardised
from models.seeds import draw_seeds
from models.white_balance import WHITE_BALANCE

if TYPE_CHECKING:
    import keras

MOST_SEEDS = 256


def block_names(depths: tuple[int, ...]) -> tuple[str, ...]:
    """The names of the layers that end a block, the stem's first."""
    stages = enumerate(depths, 1)
    return (
        "stem_pool",
        *(f"stage{stage}_block{n}_out" for stage, d in stages for n in range(1, d + 1)),
    )


def residual_settings(depths: tuple[int, ...]) -> tuple[ArchitectureSetting, ...]:
    """The settings of a residual network with so many blocks in each stage."""
    return (
        ArchitectureSetting(
            "width", 64, "Filters of the first stage; each next has twice as many.", 8, 128
        ),
        *head_settings("deep", dropout=0.25),
        *norm_settings("batch", "group", "frozen"),
        WHITE_BALANCE,
        last_blocks_setting(block_names(depths)),
    )


def residual_network(
    study: Study,
    settings: Mapping[str, Setting],
    seeds: Iterator[int],
    pixels: keras.KerasTensor,
    x: keras.KerasTensor,
    depths: tuple[int, ...],
) -> Network:
    """A residual network with a head on `x`, which came of `pixels`.

    Args:
        study: Gives the classes.
        settings: Those of `residual_settings`.
        seeds: One is taken for each layer that draws.
        pixels: The input.
        x: Three channels, scaled.
        depths: Blocks of each stage.
    """
    import keras
    from keras import layers

    layer = _Layers(str(settings["norm"]), float(settings["norm_momentum"]), seeds)
    width = int(settings["width"])
    x = layer.convolution(x, width, 7, 2, "stem")
    x = layers.ReLU(name="stem_out")(x)
    x = layers.ZeroPadding2D(1, name="stem_pool_pad")(x)
    x = layers.MaxPooling2D(3, 2, name="stem_pool")(x)
    for stage, depth in enumerate(depths, 1):
        for n in range(1, depth + 1):
            stride = 2 if stage > 1 and n == 1 else 1
            x = layer.block(x, width * 2 ** (stage - 1), stride, f"stage{stage}_block{n}")
    x = layers.GlobalAveragePooling2D(dtype="float32", name="features")(x)
    probabilities = with_head(x, study, settings, seeds)
    model = keras.Model(pixels, probabilities, name="network")
    return Network(model, block_names(depths), "features")


def plain_residual_network(
    study: Study, settings: Mapping[str, Setting], seed: int, depths: tuple[int, ...]
) -> Network:
    """A residual network with fresh weights, right on the pixels."""
    pixels, x = rgb_pixels(study, white_balance=bool(settings["white_balance"]))
    seeds = iter(draw_seeds(seed, MOST_SEEDS))
    return residual_network(study, settings, seeds, pixels, standardised(x), depths)


@dataclass(frozen=True, slots=True)
class _Layers:
    """What all blocks of one network share."""

    norm: str
    momentum: float
    seeds: Iterator[int]

    def block(
        self, x: keras.KerasTensor, filters: int, stride: int, name: str
    ) -> keras.KerasTensor:
        """Two convolutions and what goes past them."""
        from keras import layers

        past = x
        if stride > 1 or x.shape[-1] != filters:
            past = self.convolution(x, filters, 1, stride, f"{name}_shortcut")
        x = self.convolution(x, filters, 3, stride, f"{name}_conv1")
        x = layers.ReLU(name=f"{name}_relu")(x)
        x = self.convolution(x, filters, 3, 1, f"{name}_conv2")
        x = layers.Add(name=f"{name}_add")([past, x])
        return layers.ReLU(name=f"{name}_out")(x)

    def convolution(
        self, x: keras.KerasTensor, filters: int, kernel: int, stride: int, name: str
    ) -> keras.KerasTensor:
        """A convolution, padded alike on all sides, and its normalisation."""
        import keras
        from keras import layers

        if kernel > 1:
            x = layers.ZeroPadding2D(kernel // 2, name=f"{name}_pad")(x)
        drawn = keras.initializers.HeNormal(next(self.seeds))
        x = layers.Conv2D(
            filters, kernel, stride, use_bias=False, kernel_initializer=drawn, name=name
        )(x)
        return normalised(x, self.norm, self.momentum, f"{name}_norm")
