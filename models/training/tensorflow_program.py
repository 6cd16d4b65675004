"""Training steps on TensorFlow, compiled once, on one device or shared out over several.

A step does what `keras.Model.fit` does on a batch – same loss, same optimiser, same metrics –
without its data pipeline, callbacks and copies of the logs after every step.
XLA is left off on purpose: on CPUs its convolutions take three times as long as oneDNN's.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from federated.training import Training
from models.training.devices import sharing_devices
from models.training.learner import Learner
from models.training.objective import Batch
from models.training.recipe import Recipe
from models.training.shares import Derived, merged, own_randomness, share


class TensorFlowProgram:
    """Compiled training steps with their optimiser and the running figures of an epoch.

    Args:
        model: What is trained.
        recipe: What is compiled; the steps themselves compile at their first call.
        dtype: Of the model's examples.
    """

    def __init__(self, model: keras.Model, recipe: Recipe, dtype: np.dtype[Any]) -> None:
        self._learner = Learner(model, recipe)
        self._devices = sharing_devices(recipe.devices)
        self._totals = tf.Variable(tf.zeros(3))
        self._steps = tf.function(
            self._train_on_batches,
            input_signature=[
                tf.TensorSpec((None, *model.input_shape[1:]), dtype),
                tf.TensorSpec((None,), tf.int32),
                tf.TensorSpec((None,), tf.float32),
                tf.TensorSpec((None, None), tf.float32),
                tf.TensorSpec((None,), tf.float32),
                tf.TensorSpec((), tf.int32),
            ],
            autograph=False,
        )

    @property
    def num_compilations(self) -> int:
        """How often the steps were compiled: 1 for good, once they were called."""
        return int(self._steps.experimental_get_tracing_count())

    def begin(self, training: Training, seed: int, correction: Sequence[np.ndarray] = ()) -> None:
        """A fresh optimiser and fresh dropout, without compiling anything again."""
        self._learner.begin(training, seed, correction)

    def start_epoch(self) -> None:
        """Sets the running figures to zero."""
        self._totals.assign(tf.zeros(3))

    def steps(self, batch: Batch, rates: np.ndarray, batch_size: int) -> None:
        """As many steps as the pictures hold batches; the last batch may be short.

        Args:
            batch: Arrays: one batch after another.
            rates: The learning rate of each step, float32 (steps,).
            batch_size: Pictures a step.
        """
        arrays = (batch.images, batch.labels, batch.weights, batch.draws, rates, batch_size)
        self._steps(*(tf.constant(array) for array in arrays))

    def figures(self) -> tuple[float, float]:
        """Mean loss and accuracy over the pictures of this epoch's steps so far."""
        seen, loss, correct = (float(total) for total in self._totals.numpy())
        return loss / seen, correct / seen

    def _train_on_batches(
        self,
        images: tf.Tensor,
        labels: tf.Tensor,
        weights: tf.Tensor,
        draws: tf.Tensor,
        rates: tf.Tensor,
        batch_size: tf.Tensor,
    ) -> None:
        # The loop lies inside the compiled function, for calling it costs as much as a small layer.
        def batch_from(start: tf.Tensor) -> list[tf.Tensor]:
            stop = start + batch_size
            parts = (part[start:stop] for part in (images, labels, weights, draws))
            self._train_on_batch(Batch(*parts), rates[start // batch_size])
            return [stop]

        tf.while_loop(
            lambda start: start < tf.shape(labels)[0],
            batch_from,
            [tf.constant(0)],
            parallel_iterations=1,
        )

    def _train_on_batch(self, batch: Batch, rate: tf.Tensor) -> None:
        learner = self._learner
        trainable = [tf.convert_to_tensor(variable.value) for variable in learner.trainable]
        others = [tf.convert_to_tensor(variable.value) for variable in learner.others]
        if self._devices:
            done = self._shared_out(trainable, others, batch)
        else:
            done = self._derived(trainable, others, batch, _count(batch))
        learner.keep(done.others, others)
        learner.optimizer.apply(done.gradients, rate)
        seen = _count(batch)
        self._totals.assign_add(tf.stack([seen, done.loss * seen, done.correct]))

    def _shared_out(
        self, trainable: Sequence[tf.Tensor], others: Sequence[tf.Tensor], batch: Batch
    ) -> Derived:
        variables = self._learner.others
        parts, sizes = [], []
        for number, device in enumerate(self._devices):
            with tf.device(device):
                part, size = share(batch, number, len(self._devices))
                own = own_randomness(variables, others, number)
                parts.append(self._derived(trainable, own, part, _count(batch)))
                sizes.append(size)
        return merged(parts, sizes, variables, others)

    def _derived(
        self,
        trainable: Sequence[tf.Tensor],
        others: Sequence[tf.Tensor],
        batch: Batch,
        count: tf.Tensor,
    ) -> Derived:
        learner = self._learner
        with tf.GradientTape(watch_accessed_variables=False) as tape:
            tape.watch(trainable)
            devices = max(len(self._devices), 1)
            loss, (others, correct) = learner.objective(trainable, others, batch, count, devices)
            scaled = learner.scaled(loss)
        gradients = tape.gradient(
            scaled, trainable, unconnected_gradients=tf.UnconnectedGradients.ZERO
        )
        return Derived(loss, gradients, others, correct)


def _count(batch: Batch) -> tf.Tensor:
    return tf.cast(tf.shape(batch.labels)[0], tf.float32)
