"""Compiled training steps on the backend that Keras runs on."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol

import keras
import numpy as np

from federated.training import Training
from models.training.objective import Batch
from models.training.recipe import Recipe


class Program(Protocol):
    """Training steps with their optimiser and the running figures of an epoch."""

    def begin(self, training: Training, seed: int, correction: Sequence[np.ndarray] = ()) -> None:
        """A fresh optimiser and fresh dropout, without compiling anything again.

        Args:
            training: Numbers of the plan.
            seed: Of dropout.
            correction: Where the recipe is controlled: c − cᵢ for each trainable variable.
        """
        ...

    def start_epoch(self) -> None:
        """Sets the running figures to zero."""
        ...

    def steps(self, batch: Batch, rates: np.ndarray, batch_size: int) -> None:
        """As many steps as the pictures hold batches; the last batch may be short.

        Args:
            batch: Arrays: one batch after another.
            rates: The learning rate of each step, float32 (steps,).
            batch_size: Pictures a step.
        """
        ...

    def figures(self) -> tuple[float, float]:
        """Mean loss and accuracy over the pictures of this epoch's steps so far."""
        ...


def training_program(model: keras.Model, recipe: Recipe, dtype: np.dtype[Any]) -> Program:
    """The steps of this backend, which compile at their first call.

    Args:
        model: What is trained.
        recipe: What is compiled.
        dtype: Of the model's examples.
    """
    if keras.config.backend() == "tensorflow":
        from models.training.tensorflow_program import TensorFlowProgram

        return TensorFlowProgram(model, recipe, dtype)
    from models.training.keras_program import KerasProgram

    return KerasProgram(model, recipe)
