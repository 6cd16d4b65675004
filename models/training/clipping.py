"""A limit on the norm of all gradients together, around any optimiser."""

from __future__ import annotations

from collections.abc import Sequence

import keras
from keras import ops

from federated.training import Training
from models.training.losses import Tensor
from models.training.optimizers import Optimizer, told


class Clipping:
    """Gradients whose norm together is above the limit are scaled down to it.

    Args:
        inner: Takes the step.

    References:
        R. Pascanu, T. Mikolov, Y. Bengio, "On the difficulty of training recurrent neural
        networks", ICML 2013. https://arxiv.org/abs/1211.5063
    """

    def __init__(self, inner: Optimizer) -> None:
        self._inner = inner
        self._limit = told("clip_norm")

    @property
    def variables(self) -> list[keras.Variable]:
        """The limit, and what the inner optimiser has."""
        return [self._limit, *self._inner.variables]

    def begin(self, training: Training) -> None:
        """Takes the plan's limit."""
        self._limit.assign(float("inf") if training.clip_norm is None else training.clip_norm)
        self._inner.begin(training)

    def apply(self, gradients: Sequence[Tensor], rate: Tensor) -> None:
        """Scales down, then steps."""
        norm = ops.sqrt(sum(ops.sum(ops.square(gradient)) for gradient in gradients))
        limit = ops.convert_to_tensor(self._limit)
        scale = limit / ops.maximum(norm, limit)
        self._inner.apply([gradient * scale for gradient in gradients], rate)
