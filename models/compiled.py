"""The part that is TensorFlow's own: a training step and a forward pass, compiled once.

The step does what `keras.Model.fit` does on a batch – same loss, same optimiser, same metrics –
without its data pipeline, callbacks and copies of the logs after every step.
XLA is left off on purpose: on CPUs its convolutions take three times as long as oneDNN's.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal

import keras
import numpy as np
import tensorflow as tf

from models.seeds import draw_seeds

OPTIMIZERS: dict[str, Callable[[], keras.optimizers.Optimizer]] = {
    "adam": keras.optimizers.Adam,
    "sgd": keras.optimizers.SGD,
}

Forward = Callable[[np.ndarray], np.ndarray]


class TrainingProgram:
    """A compiled training step with its optimiser and the running figures of an epoch."""

    def __init__(self, model: keras.Model, optimizer: Literal["adam", "sgd"]) -> None:
        """Builds the optimiser; the step itself compiles at its first call."""
        self._model = model
        self._optimizer = OPTIMIZERS[optimizer]()
        self._optimizer.build(model.trainable_variables)
        self._unused = [variable.numpy() for variable in self._optimizer.variables]
        self._seed_states = [v for v in model.variables if v.name == "seed_generator_state"]
        self._loss = keras.losses.SparseCategoricalCrossentropy()
        self._totals = tf.Variable(tf.zeros(3))
        self._step = tf.function(
            self._train_on_batch, input_signature=_batch_signature(model), autograph=False
        )

    @property
    def num_compilations(self) -> int:
        """How often the step was compiled: 1 for good, once it was called."""
        return int(self._step.experimental_get_tracing_count())

    def reset(self, learning_rate: float, seed: int) -> None:
        """A fresh optimiser and fresh dropout, without compiling anything again."""
        for variable, value in zip(self._optimizer.variables, self._unused, strict=True):
            variable.assign(value)
        self._optimizer.learning_rate = learning_rate
        seeds = draw_seeds(seed, len(self._seed_states))
        for state, own in zip(self._seed_states, seeds, strict=True):
            state.assign([own, 0])

    def start_epoch(self) -> None:
        """Sets the running figures to zero."""
        self._totals.assign(tf.zeros(3))

    def step(self, images: np.ndarray, labels: np.ndarray) -> None:
        """One step on a batch: uint8 (b, height, width, channels), int32 (b,)."""
        self._step(tf.constant(images), tf.constant(labels))

    def figures(self) -> tuple[float, float]:
        """Mean loss and accuracy over the pictures of this epoch's steps so far."""
        seen, loss, correct = (float(total) for total in self._totals.numpy())
        return loss / seen, correct / seen

    def _train_on_batch(self, images: tf.Tensor, labels: tf.Tensor) -> None:
        with tf.GradientTape() as tape:
            probabilities = self._model(images, training=True)
            loss = self._loss(labels, probabilities)
        variables = self._model.trainable_variables
        self._optimizer.apply(tape.gradient(loss, [v.value for v in variables]), variables)
        seen = tf.cast(tf.shape(labels)[0], tf.float32)
        right = tf.equal(tf.argmax(probabilities, axis=-1, output_type=tf.int32), labels)
        correct = tf.reduce_sum(tf.cast(right, tf.float32))
        self._totals.assign_add(tf.stack([seen, loss * seen, correct]))


def forward_program(model: keras.Model) -> Forward:
    """The compiled forward pass: uint8 (b, height, width, channels) to float32 (b, classes).

    The number of pictures is left open, so that one compilation serves every batch.
    """
    images, _ = _batch_signature(model)
    call = tf.function(
        lambda batch: model(batch, training=False), input_signature=[images], autograph=False
    )

    def forward(batch: np.ndarray) -> np.ndarray:
        probabilities: np.ndarray = call(tf.constant(batch)).numpy()
        return probabilities

    return forward


def _batch_signature(model: keras.Model) -> list[tf.TensorSpec]:
    pictures = tf.TensorSpec((None, *model.input_shape[1:]), tf.uint8)
    return [pictures, tf.TensorSpec((None,), tf.int32)]
