"""The part that is TensorFlow's own: training steps and a forward pass, compiled once.

A step does what `keras.Model.fit` does on a batch – same loss, same optimiser, same metrics –
without its data pipeline, callbacks and copies of the logs after every step.
XLA is left off on purpose: on CPUs its convolutions take three times as long as oneDNN's.
"""

from __future__ import annotations

from collections.abc import Callable

import keras
import numpy as np
import tensorflow as tf

from models.seeds import draw_seeds

OPTIMIZERS: dict[str, Callable[[], keras.optimizers.Optimizer]] = {
    "adam": keras.optimizers.Adam,
    "adamw": keras.optimizers.AdamW,
    "rmsprop": keras.optimizers.RMSprop,
    "sgd": keras.optimizers.SGD,
}

Forward = Callable[[np.ndarray], np.ndarray]


class TrainingProgram:
    """Compiled training steps with their optimiser and the running figures of an epoch."""

    def __init__(self, model: keras.Model, optimizer: str) -> None:
        """Builds the optimiser; the steps themselves compile at their first call."""
        self._model = model
        self._optimizer = OPTIMIZERS[optimizer]()
        self._optimizer.build(model.trainable_variables)
        self._unused = [np.array(variable.numpy()) for variable in self._optimizer.variables]
        self._seed_states = [v for v in model.variables if v.name == "seed_generator_state"]
        self._loss = keras.losses.SparseCategoricalCrossentropy()
        self._totals = tf.Variable(tf.zeros(3))
        self._steps = tf.function(
            self._train_on_batches,
            input_signature=[
                *_pictures_and_labels(model),
                tf.TensorSpec((None,), tf.float32),
                tf.TensorSpec((), tf.int32),
            ],
            autograph=False,
        )

    @property
    def num_compilations(self) -> int:
        """How often the steps were compiled: 1 for good, once they were called."""
        return int(self._steps.experimental_get_tracing_count())

    def compile(self) -> None:
        """Compiles the steps now, by taking none."""
        height, width, channels = self._model.input_shape[1:]
        images = np.empty((0, height, width, channels), np.uint8)
        self.steps(images, np.empty(0, np.int32), np.empty(0, np.float32), 1)

    def reset(self, seed: int) -> None:
        """A fresh optimiser and fresh dropout, without compiling anything again."""
        for variable, value in zip(self._optimizer.variables, self._unused, strict=True):
            variable.assign(value)
        seeds = draw_seeds(seed, len(self._seed_states))
        for state, own in zip(self._seed_states, seeds, strict=True):
            state.assign([own, 0])

    def start_epoch(self) -> None:
        """Sets the running figures to zero."""
        self._totals.assign(tf.zeros(3))

    def steps(
        self, images: np.ndarray, labels: np.ndarray, rates: np.ndarray, batch_size: int
    ) -> None:
        """As many steps as the pictures hold batches; the last batch may be short.

        Args:
            images: uint8 (n, height, width, channels), one batch after another.
            labels: int32 (n,).
            rates: The learning rate of each step, float32 (steps,).
            batch_size: Pictures a step.
        """
        arrays = (images, labels, rates, batch_size)
        self._steps(*(tf.constant(array) for array in arrays))

    def figures(self) -> tuple[float, float]:
        """Mean loss and accuracy over the pictures of this epoch's steps so far."""
        seen, loss, correct = (float(total) for total in self._totals.numpy())
        return loss / seen, correct / seen

    def _train_on_batches(
        self, images: tf.Tensor, labels: tf.Tensor, rates: tf.Tensor, batch_size: tf.Tensor
    ) -> None:
        # The loop lies inside the compiled function, for calling it costs as much as a small layer.
        def batch_from(start: tf.Tensor) -> list[tf.Tensor]:
            stop = start + batch_size
            self._optimizer.learning_rate = rates[start // batch_size]
            self._train_on_batch(images[start:stop], labels[start:stop])
            return [stop]

        tf.while_loop(
            lambda start: start < tf.shape(labels)[0],
            batch_from,
            [tf.constant(0)],
            parallel_iterations=1,
        )

    def _train_on_batch(self, images: tf.Tensor, labels: tf.Tensor) -> None:
        with tf.GradientTape() as tape:
            probabilities = self._model(images, training=True)
            losses = [self._loss(labels, probabilities), *self._model.losses]
            loss = tf.add_n(losses)
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
    images, _ = _pictures_and_labels(model)
    call = tf.function(
        lambda batch: model(batch, training=False), input_signature=[images], autograph=False
    )

    def forward(batch: np.ndarray) -> np.ndarray:
        probabilities: np.ndarray = call(tf.constant(batch)).numpy()
        return probabilities

    return forward


def _pictures_and_labels(model: keras.Model) -> list[tf.TensorSpec]:
    pictures = tf.TensorSpec((None, *model.input_shape[1:]), tf.uint8)
    return [pictures, tf.TensorSpec((None,), tf.int32)]
