"""Normalisation: what a federation averages badly, and how a plan may have it instead."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from models.architecture import ArchitectureSetting

if TYPE_CHECKING:
    import keras

MOST_GROUPS = 32

_MOMENTUM = ArchitectureSetting(
    "norm_momentum",
    0.9,
    "How much of BatchNorm's moving statistics each step keeps; the nearer to 1, the more steps "
    "they need to follow.",
    0,
    0.9999,
)
_HELP = {
    "batch": "`batch`: BatchNorm, whose statistics are averaged like weights",
    "group": "`group`: GroupNorm, which has no statistics",
    "frozen": "`frozen`: BatchNorm of the network held as the given weights have it",
}


def norm_settings(*kinds: str) -> tuple[ArchitectureSetting, ...]:
    """The settings of an architecture that has these kinds of normalisation."""
    words = "; ".join(_HELP[kind] for kind in kinds)
    return (ArchitectureSetting("norm", "batch", f"{words}.", choices=kinds), _MOMENTUM)


def normalised(x: keras.KerasTensor, norm: str, momentum: float, name: str) -> keras.KerasTensor:
    """`x` (n, …, channels) normalised: by `batch`, `group`, or `frozen` statistics.

    References:
        S. Ioffe, C. Szegedy, "Batch Normalization", ICML 2015. https://arxiv.org/abs/1502.03167
        Y. Wu, K. He, "Group Normalization", ECCV 2018. https://arxiv.org/abs/1803.08494
    """
    from keras import layers

    if norm == "group":
        groups = math.gcd(MOST_GROUPS, x.shape[-1])
        return layers.GroupNormalization(groups, epsilon=1e-5, name=name)(x)
    layer = layers.BatchNormalization(momentum=momentum, epsilon=1e-5, name=name)
    layer.trainable = norm != "frozen"
    return layer(x)


def set_batch_norm(model: keras.Model, norm: str, momentum: float) -> None:
    """Gives every BatchNorm of a ready network the momentum; holds it still if `frozen`."""
    from keras import layers

    for layer in model.layers:
        if isinstance(layer, layers.BatchNormalization):
            layer.momentum = momentum
            layer.trainable = norm != "frozen"
