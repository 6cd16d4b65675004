"""Optimisers that begin each training afresh, without anything being compiled again.

What a plan adds to an optimiser – decay, clipping, the FedProx term, loss scaling – is wrapped
around it, each in a file of its own, so that it works with any.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Protocol

import keras
import numpy as np

from federated.training import Training
from models.training.losses import Tensor


class Optimizer(Protocol):
    """Moves the trainable variables that it was made for."""

    @property
    def variables(self) -> list[keras.Variable]:
        """All that it remembers from step to step, and the numbers that it is told."""
        ...

    def begin(self, training: Training) -> None:
        """Forgets every step, and takes its numbers from the plan."""
        ...

    def apply(self, gradients: Sequence[Tensor], rate: Tensor) -> None:
        """Takes one step.

        Args:
            gradients: One for each trainable variable, in their order and shapes.
            rate: The learning rate, a scalar.
        """
        ...


class FreshOptimizer:
    """One of Keras's optimisers.

    Args:
        name: The plan's word for it. `adamw` is Adam: decoupled decay, which makes the
            difference, is wrapped around any optimiser here.
        momentum: Of `sgd` and `rmsprop`.
        trainable: What it moves.
    """

    def __init__(self, name: str, momentum: float, trainable: Sequence[keras.Variable]) -> None:
        self._trainable = list(trainable)
        self._optimizer = _MAKERS[name](momentum)
        self._optimizer.build(self._trainable)
        self._unused = [
            np.array(keras.ops.convert_to_numpy(value)) for value in self._optimizer.variables
        ]

    @property
    def variables(self) -> list[keras.Variable]:
        """Moments, the count of steps and the learning rate."""
        return list(self._optimizer.variables)

    def begin(self, training: Training) -> None:
        """Forgets every step."""
        for variable, value in zip(self._optimizer.variables, self._unused, strict=True):
            variable.assign(value)

    def apply(self, gradients: Sequence[Tensor], rate: Tensor) -> None:
        """Takes one step, at this learning rate."""
        self._optimizer.learning_rate = rate
        self._optimizer.apply(gradients, self._trainable)


_MAKERS: dict[str, Callable[[float], keras.optimizers.Optimizer]] = {
    "adam": lambda _: keras.optimizers.Adam(),
    "adamw": lambda _: keras.optimizers.Adam(),
    "sgd": lambda momentum: keras.optimizers.SGD(momentum=momentum),
    "rmsprop": lambda momentum: keras.optimizers.RMSprop(momentum=momentum),
}


def told(name: str) -> keras.Variable:
    """A number that an optimiser is told when a training begins."""
    return keras.Variable(0.0, dtype="float32", trainable=False, name=name)
