"""Losses between class probabilities and labels, one for each picture; Keras's operations only."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import keras
from keras import ops

Tensor = Any
"""A tensor of whichever backend Keras runs on."""

Loss = Callable[[Tensor, Tensor], Tensor]
"""From labels, int32 (b,), and probabilities, float32 (b, classes), to losses, float32 (b,)."""

TINY = 1e-30
"""Added before a logarithm or a power: far below any probability that matters, and still a
normal float32, so that a sure mistake keeps its gradient and nothing becomes infinite."""


def cross_entropy(labels: Tensor, probabilities: Tensor) -> Tensor:
    """Minus the logarithm of the right class's probability."""
    if keras.config.backend() == "tensorflow":
        # By way of the logits, where Keras can tell them.
        return ops.sparse_categorical_crossentropy(labels, probabilities)
    # On the others Keras cuts probabilities off at 1e-7: a sure mistake would teach nothing.
    likelihoods = ops.sum(_one_hot(labels, probabilities) * probabilities, axis=-1)
    return -ops.log(likelihoods + TINY)


def binary_cross_entropy(labels: Tensor, probabilities: Tensor) -> Tensor:
    """Each class against the rest, the mean over the classes."""
    right = _one_hot(labels, probabilities)
    likelihoods = right * probabilities + (1 - right) * _rest(probabilities)
    return -ops.mean(ops.log(likelihoods + TINY), axis=-1)


def focal(labels: Tensor, probabilities: Tensor, gamma: float) -> Tensor:
    """Cross-entropy times (1 - p)^gamma, p the right class's probability.

    References:
        T.-Y. Lin et al., "Focal Loss for Dense Object Detection", ICCV 2017.
        https://arxiv.org/abs/1708.02002
    """
    right = _one_hot(labels, probabilities)
    likelihoods = ops.sum(right * probabilities, axis=-1)
    rest = ops.sum((1 - right) * probabilities, axis=-1)
    return -ops.power(rest + TINY, gamma) * ops.log(likelihoods + TINY)


def smooth_l1(labels: Tensor, probabilities: Tensor) -> Tensor:
    """Huber's loss between each class's probability and 0 or 1, the mean over the classes.

    Probabilities are never further than 1 from either, so that this is half the square.
    """
    return keras.losses.huber(_one_hot(labels, probabilities), probabilities, delta=1.0)


def loss_of(name: str, focal_gamma: float) -> Loss:
    """The loss by the plan's word for it."""
    if name == "focal":
        return functools.partial(focal, gamma=focal_gamma)
    return _LOSSES[name]


_LOSSES: dict[str, Loss] = {
    "cross_entropy": cross_entropy,
    "binary_cross_entropy": binary_cross_entropy,
    "smooth_l1": smooth_l1,
}


def _one_hot(labels: Tensor, probabilities: Tensor) -> Tensor:
    return ops.one_hot(labels, probabilities.shape[-1], dtype="float32")


def _rest(probabilities: Tensor) -> Tensor:
    """The sum of all other classes' probabilities: 1 - p, without what rounding takes off it."""
    classes = probabilities.shape[-1]
    return ops.matmul(probabilities, 1 - ops.eye(classes, dtype="float32"))
