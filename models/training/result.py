"""What a training came to."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class EpochFigures:
    """What one pass over the pictures came to.

    Attributes:
        loss: Mean loss over the pictures, each as its step met it, before the update.
        accuracy: Share of the pictures that were right, in the same sense.
        val_loss: The plan's loss on the validation part after the epoch, each picture counted
            alike; None where early stopping did not ask for it.
        val_accuracy: Share of the validation part that was right then.
    """

    loss: float
    accuracy: float
    val_loss: float | None = None
    val_accuracy: float | None = None


@dataclass(frozen=True, slots=True)
class FitResult:
    """What a training did.

    Attributes:
        num_examples: Pictures trained on.
        num_steps: Optimiser steps behind the weights that the model has now.
        epochs: Epochs completed.
        history: The figures of each completed epoch.
        stopped: Whether it was stopped from outside before its end.
        stopped_early: Whether the validation part ended it before its last epoch.
        kept_epoch: The epoch whose weights the model has now, from 1; 0 where none was completed.
        rate_sum: Sum of the learning rates of those `num_steps` steps.
    """

    num_examples: int
    num_steps: int
    epochs: int
    history: tuple[EpochFigures, ...]
    stopped: bool = False
    stopped_early: bool = False
    kept_epoch: int = 0
    rate_sum: float = 0.0
