"""Dynamic loss scaling, around any optimiser: small gradients survive in float16."""

from __future__ import annotations

from collections.abc import Sequence

import keras
from keras import ops

from federated.training import Training
from models.training.losses import Tensor
from models.training.optimizers import Optimizer

INITIAL_SCALE = 2.0**15
GROW_AFTER = 2000
"""Steps in a row without an overflow after which the scale doubles."""


class LossScaling:
    """The loss is multiplied by a scale, and gradients divided by it.

    Where a gradient is no finite number, the step is left out and the scale is halved.

    Args:
        inner: Takes the step.
        trainable: What it moves.

    References:
        P. Micikevicius et al., "Mixed Precision Training", ICLR 2018.
        https://arxiv.org/abs/1710.03740
    """

    def __init__(self, inner: Optimizer, trainable: Sequence[keras.Variable]) -> None:
        self._inner = inner
        self._moved = [*trainable, *inner.variables]
        self.scale = keras.Variable(INITIAL_SCALE, trainable=False, name="loss_scale")
        self._since = keras.Variable(0, dtype="int32", trainable=False, name="since_overflow")

    @property
    def variables(self) -> list[keras.Variable]:
        """The scale, the steps since the last overflow, and what the inner optimiser has."""
        return [self.scale, self._since, *self._inner.variables]

    def begin(self, training: Training) -> None:
        """Starts from the first scale."""
        self.scale.assign(INITIAL_SCALE)
        self._since.assign(0)
        self._inner.begin(training)

    def scaled(self, loss: Tensor) -> Tensor:
        """The loss whose gradients `apply` takes."""
        return loss * ops.convert_to_tensor(self.scale)

    def apply(self, gradients: Sequence[Tensor], rate: Tensor) -> None:
        """Steps, if every gradient is a finite number."""
        scale = ops.convert_to_tensor(self.scale)
        is_finite = ops.all(ops.stack([ops.all(ops.isfinite(gradient)) for gradient in gradients]))
        before = [ops.copy(ops.convert_to_tensor(variable)) for variable in self._moved]
        self._inner.apply([gradient / scale for gradient in gradients], rate)
        # Undone rather than not done: a branch that assigns is no branch on every backend.
        for variable, value in zip(self._moved, before, strict=True):
            variable.assign(ops.where(is_finite, ops.convert_to_tensor(variable), value))
        since = ops.where(is_finite, ops.convert_to_tensor(self._since) + 1, 0)
        grows = since >= GROW_AFTER
        changed = ops.where(grows, scale * 2, ops.where(is_finite, scale, scale / 2))
        self.scale.assign(ops.maximum(changed, 1.0))
        self._since.assign(ops.where(grows, 0, since))
