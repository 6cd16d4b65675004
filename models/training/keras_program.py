"""Training steps on JAX and PyTorch, batch by batch."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import keras
import numpy as np

from federated.training import Training
from models.training.devices import refuse_sharing
from models.training.learner import Learner
from models.training.losses import Tensor
from models.training.objective import Batch
from models.training.recipe import Recipe

Step = Callable[[Batch, np.float32], tuple[Tensor, Tensor]]
"""Trains on one batch at a learning rate; gives its loss and how many pictures were right."""


class KerasProgram:
    """Training steps with their optimiser and the running figures of an epoch.

    Args:
        model: What is trained, on one device.
        recipe: What is compiled.

    Raises:
        InvalidInput: The recipe asks for all of several devices.
    """

    def __init__(self, model: keras.Model, recipe: Recipe) -> None:
        backend = keras.config.backend()
        refuse_sharing(recipe.devices, backend)
        self._learner = Learner(model, recipe)
        self._step = _STEPS[backend](self._learner)
        self._totals: list[tuple[int, Tensor, Tensor]] = []

    def begin(self, training: Training, seed: int, correction: Sequence[np.ndarray] = ()) -> None:
        """A fresh optimiser and fresh dropout, without compiling anything again."""
        self._learner.begin(training, seed, correction)

    def start_epoch(self) -> None:
        """Sets the running figures to zero."""
        self._totals = []

    def steps(self, batch: Batch, rates: np.ndarray, batch_size: int) -> None:
        """As many steps as the pictures hold batches; the last batch may be short.

        Args:
            batch: Arrays: one batch after another.
            rates: The learning rate of each step, float32 (steps,).
            batch_size: Pictures a step.
        """
        count = len(batch.labels)
        for number, start in enumerate(range(0, count, batch_size)):
            rows = slice(start, min(start + batch_size, count))
            part = Batch(
                batch.images[rows], batch.labels[rows], batch.weights[rows], batch.draws[rows]
            )
            loss, correct = self._step(part, rates[number])
            self._totals.append((len(part.labels), loss, correct))

    def figures(self) -> tuple[float, float]:
        """Mean loss and accuracy over the pictures of this epoch's steps so far."""
        seen = sum(count for count, _, _ in self._totals)
        loss = sum(count * float(loss) for count, loss, _ in self._totals)
        return loss / seen, sum(float(correct) for _, _, correct in self._totals) / seen


def _jax_step(learner: Learner) -> Step:
    import jax

    variables = [*learner.trainable, *learner.others, *learner.optimizer.variables]

    def scaled_loss(
        trainable: list[Tensor], others: list[Tensor], batch: list[Tensor]
    ) -> tuple[Tensor, Any]:
        count = batch[1].shape[0]
        loss, beside = learner.objective(trainable, others, Batch(*batch), count)
        return learner.scaled(loss), (loss, beside)

    def step(
        values: list[Tensor], batch: list[Tensor], rate: Tensor
    ) -> tuple[list[Tensor], Tensor, Tensor]:
        first, last = len(learner.trainable), len(learner.trainable) + len(learner.others)
        trainable, others = values[:first], values[first:last]
        with keras.StatelessScope(list(zip(variables, values, strict=True))) as scope:
            derive = jax.value_and_grad(scaled_loss, has_aux=True)
            (_, (loss, (changed, correct))), gradients = derive(trainable, others, batch)
            learner.keep(changed, others)
            learner.optimizer.apply(gradients, rate)
        return [scope.get_current_value(variable) for variable in variables], loss, correct

    compiled = jax.jit(step)

    def train(batch: Batch, rate: np.float32) -> tuple[Tensor, Tensor]:
        arrays = [batch.images, batch.labels, batch.weights, batch.draws]
        values, loss, correct = compiled([variable.value for variable in variables], arrays, rate)
        for variable, value in zip(variables, values, strict=True):
            variable.assign(value)
        return loss, correct

    return train


def _torch_step(learner: Learner) -> Step:
    import torch

    def train(batch: Batch, rate: np.float32) -> tuple[Tensor, Tensor]:
        arrays = (batch.images, batch.labels, batch.weights, batch.draws)
        tensors = Batch(*(keras.ops.convert_to_tensor(array) for array in arrays))
        trainable: Sequence[Any] = [variable.value for variable in learner.trainable]
        others = [variable.value for variable in learner.others]
        loss, (changed, correct) = learner.objective(trainable, others, tensors, len(batch.labels))
        gradients = torch.autograd.grad(
            learner.scaled(loss), trainable, allow_unused=True, materialize_grads=True
        )
        with torch.no_grad():
            learner.keep(changed, others)
            learner.optimizer.apply(list(gradients), float(rate))
        return loss.detach(), correct

    return train


_STEPS: dict[str, Callable[[Learner], Step]] = {"jax": _jax_step, "torch": _torch_step}
