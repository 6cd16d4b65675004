"""Decoupled weight decay, around any optimiser."""

from __future__ import annotations

from collections.abc import Sequence

import keras
from keras import ops

from federated.training import Training
from models.training.losses import Tensor
from models.training.optimizers import Optimizer, told


class WeightDecay:
    """Before each step every trainable variable shrinks by rate · decay of itself.

    Args:
        inner: Takes the step.
        trainable: What shrinks.

    References:
        I. Loshchilov, F. Hutter, "Decoupled Weight Decay Regularization", ICLR 2019.
        https://arxiv.org/abs/1711.05101
    """

    def __init__(self, inner: Optimizer, trainable: Sequence[keras.Variable]) -> None:
        self._inner = inner
        self._trainable = list(trainable)
        self._decay = told("weight_decay")

    @property
    def variables(self) -> list[keras.Variable]:
        """The decay, and what the inner optimiser has."""
        return [self._decay, *self._inner.variables]

    def begin(self, training: Training) -> None:
        """Takes the plan's decay."""
        self._decay.assign(training.weight_decay)
        self._inner.begin(training)

    def apply(self, gradients: Sequence[Tensor], rate: Tensor) -> None:
        """Shrinks, then steps."""
        kept = 1 - rate * self._decay
        for variable in self._trainable:
            variable.assign(ops.convert_to_tensor(variable) * kept)
        self._inner.apply(gradients, rate)
