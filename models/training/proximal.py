"""The FedProx term, around any optimiser."""

from __future__ import annotations

from collections.abc import Sequence

import keras
from keras import ops

from federated.training import Training
from models.training.losses import Tensor
from models.training.optimizers import Optimizer, told


class Proximal:
    """Adds the gradient of mu / 2 · |w − w_start|², w_start being the weights at the beginning.

    Args:
        inner: Takes the step.
        trainable: The weights w.

    References:
        T. Li et al., "Federated Optimization in Heterogeneous Networks", MLSys 2020.
        https://arxiv.org/abs/1812.06127
    """

    def __init__(self, inner: Optimizer, trainable: Sequence[keras.Variable]) -> None:
        self._inner = inner
        self._trainable = list(trainable)
        self._mu = told("proximal")
        self._start = [
            keras.Variable(ops.zeros(variable.shape, variable.dtype), trainable=False, name="start")
            for variable in trainable
        ]

    @property
    def variables(self) -> list[keras.Variable]:
        """The weights at the beginning, mu, and what the inner optimiser has."""
        return [self._mu, *self._start, *self._inner.variables]

    def begin(self, training: Training) -> None:
        """Remembers the weights as they are now."""
        self._mu.assign(training.proximal)
        for start, variable in zip(self._start, self._trainable, strict=True):
            start.assign(ops.copy(ops.convert_to_tensor(variable)))
        self._inner.begin(training)

    def apply(self, gradients: Sequence[Tensor], rate: Tensor) -> None:
        """Steps along both gradients."""
        mu = ops.convert_to_tensor(self._mu)
        pulled = [
            gradient + mu * (ops.convert_to_tensor(variable) - ops.convert_to_tensor(start))
            for gradient, variable, start in zip(
                gradients, self._trainable, self._start, strict=True
            )
        ]
        self._inner.apply(pulled, rate)
