"""A batch shared out among devices, and what they made of it put together again."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import keras
import tensorflow as tf

from models.training.learner import SEED_STATE
from models.training.objective import Batch


@dataclass(frozen=True, slots=True)
class Derived:
    """What a batch, or a share of it, came to.

    Attributes:
        loss: Its part of the batch's loss.
        gradients: Of that loss, one for each trainable variable.
        others: New values of the other variables.
        correct: Pictures that were right.
    """

    loss: tf.Tensor
    gradients: Sequence[tf.Tensor]
    others: Sequence[tf.Tensor]
    correct: tf.Tensor


def share(batch: Batch, number: int, devices: int) -> tuple[Batch, tf.Tensor]:
    """The pictures of one device, and how many they are.

    A batch of fewer pictures than devices leaves some with none: such a device takes one that
    counts nothing, for no layer can take the mean over no picture.
    """
    count = tf.shape(batch.labels)[0]
    start, stop = count * number // devices, count * (number + 1) // devices
    size = tf.cast(stop - start, tf.float32)
    rows = slice(start, tf.maximum(stop, start + 1))
    weights = batch.weights[rows] * tf.minimum(size, 1.0)
    part = Batch(batch.images[rows], batch.labels[rows], weights, batch.draws[rows])
    return part, size


def own_randomness(
    variables: Sequence[keras.Variable], values: Sequence[tf.Tensor], number: int
) -> list[tf.Tensor]:
    """The other variables' values for one device: each drops units of its own."""
    return [
        value + tf.constant([number, 0], value.dtype) if variable.name == SEED_STATE else value
        for variable, value in zip(variables, values, strict=True)
    ]


def merged(
    parts: Sequence[Derived],
    sizes: Sequence[tf.Tensor],
    variables: Sequence[keras.Variable],
    before: Sequence[tf.Tensor],
) -> Derived:
    """The sum of what the devices made; of statistics the mean over the pictures.

    Each device's BatchNorm normalises by its own share, as TensorFlow's mirrored strategy does:
    with n devices, a batch of b acts on it like n batches of b / n.
    """
    count = tf.add_n(list(sizes))
    gradients = zip(*(part.gradients for part in parts), strict=True)

    def value(place: int) -> tf.Tensor:
        values = [part.others[place] for part in parts]
        if variables[place].name == SEED_STATE:
            return values[0]
        if all(one is before[place] for one in values):
            return before[place]
        return tf.add_n([one * size / count for one, size in zip(values, sizes, strict=True)])

    return Derived(
        loss=tf.add_n([part.loss for part in parts]),
        gradients=[tf.add_n(list(of_one)) for of_one in gradients],
        others=[value(place) for place in range(len(before))],
        correct=tf.add_n(
            [p.correct * tf.minimum(size, 1.0) for p, size in zip(parts, sizes, strict=True)]
        ),
    )
