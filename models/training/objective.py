"""What a step makes smaller: the loss of a batch, or of one device's share of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import keras
from keras import ops

from models.training.augmentation import Stages, augmented
from models.training.losses import Loss, Tensor


@dataclass(frozen=True, slots=True)
class Batch:
    """Pictures of one step.

    Attributes:
        images: As the model takes them, (b, …).
        labels: Class indices, int32 (b,).
        weights: How much each counts, float32 (b,).
        draws: What is to happen to each, float32 (b, columns).
    """

    images: Tensor
    labels: Tensor
    weights: Tensor
    draws: Tensor


@dataclass(frozen=True, slots=True)
class Objective:
    """The weighted mean of the pictures' losses, and the model's own penalties.

    Attributes:
        model: What is trained.
        loss: Of each picture.
        stages: How pictures are changed first.
    """

    model: keras.Model
    loss: Loss
    stages: Stages

    def __call__(
        self,
        trainable: Sequence[Tensor],
        others: Sequence[Tensor],
        batch: Batch,
        count: Tensor,
        devices: int = 1,
    ) -> tuple[Tensor, tuple[Sequence[Tensor], Tensor]]:
        """A function of the weights, without side effects, which every backend can derive.

        Args:
            trainable: Values of the model's trainable variables.
            others: Values of its other variables.
            batch: The pictures, or a device's share of them.
            count: Pictures of the whole batch.
            devices: How many share the batch, so that penalties count once.

        Returns:
            The loss; and beside it the others' new values, and how many pictures were right.
        """
        images = augmented(self.stages, batch.images, batch.draws)
        probabilities, others, penalties = self.model.stateless_call(
            trainable, others, images, training=True, return_losses=True
        )
        losses = self.loss(batch.labels, probabilities) * batch.weights
        loss = ops.sum(losses) / count
        if penalties:
            loss = loss + sum(penalties) / devices
        right = ops.equal(ops.cast(ops.argmax(probabilities, axis=-1), "int32"), batch.labels)
        return loss, (others, ops.sum(ops.cast(right, "float32")))
