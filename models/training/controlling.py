"""SCAFFOLD's correction of each step, around any optimiser."""

from __future__ import annotations

from collections.abc import Sequence

import keras
import numpy as np
from keras import ops

from federated.training import Training
from models.training.losses import Tensor
from models.training.optimizers import Optimizer


class Controlling:
    """After each step every trainable variable moves by −rate · (c − cᵢ).

    With plain SGD this is the paper's y ← y − η (g − cᵢ + c). With momentum or an adaptive
    optimiser the step that it takes is corrected, and not the gradient that it is given: cᵢ is
    then the mean of those steps, so that both have one scale, and no moment remembers the
    correction.

    Args:
        inner: Takes the step.
        trainable: What is moved.

    References:
        S. P. Karimireddy et al., "SCAFFOLD: Stochastic Controlled Averaging for Federated
        Learning", ICML 2020. https://arxiv.org/abs/1910.06378
    """

    def __init__(self, inner: Optimizer, trainable: Sequence[keras.Variable]) -> None:
        self._inner = inner
        self._trainable = list(trainable)
        self._correction = [
            keras.Variable(
                ops.zeros(variable.shape, variable.dtype), trainable=False, name="correction"
            )
            for variable in trainable
        ]

    @property
    def variables(self) -> list[keras.Variable]:
        """The correction, and what the inner optimiser has."""
        return [*self._correction, *self._inner.variables]

    def correct_by(self, correction: Sequence[np.ndarray]) -> None:
        """Takes c − cᵢ for each trainable variable, in their order and shapes."""
        for variable, value in zip(self._correction, correction, strict=True):
            variable.assign(value)

    def begin(self, training: Training) -> None:
        """Has the inner optimiser begin; the correction is that of the last `correct_by`."""
        self._inner.begin(training)

    def apply(self, gradients: Sequence[Tensor], rate: Tensor) -> None:
        """Steps, then corrects."""
        self._inner.apply(gradients, rate)
        for variable, correction in zip(self._trainable, self._correction, strict=True):
            variable.assign(
                ops.convert_to_tensor(variable) - rate * ops.convert_to_tensor(correction)
            )
