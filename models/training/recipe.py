"""What of a plan's training is compiled; all else are numbers that a compiled program is told."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, Self

from federated.training import Training
from models.training.augmentation import Stages


@dataclass(frozen=True, slots=True)
class Recipe:
    """The settings for which a training is compiled anew.

    Attributes:
        optimizer: The plan's word.
        momentum: Of the optimisers that have one.
        loss: The plan's word.
        focal_gamma: Of the focal loss.
        augmentation: Which kinds of change to a picture there are.
        decays: Whether weights decay.
        clips: Whether gradients have a limit.
        is_proximal: Whether the weights are held to those of the start.
        is_controlled: Whether each step is corrected by control variates.
        devices: Whether batches are shared out.
    """

    optimizer: Literal["adam", "adamw", "sgd", "rmsprop"]
    momentum: float
    loss: Literal["cross_entropy", "binary_cross_entropy", "focal", "smooth_l1"]
    focal_gamma: float
    augmentation: Stages
    decays: bool
    clips: bool
    is_proximal: bool
    is_controlled: bool
    devices: Literal["one", "all"]

    @classmethod
    def of(cls, training: Training, *, is_controlled: bool = False) -> Self:
        """What a plan's training asks for; equal where nothing need be compiled again."""
        return cls(
            optimizer=training.optimizer,
            momentum=training.momentum if training.optimizer in ("sgd", "rmsprop") else 0.0,
            loss=training.loss,
            focal_gamma=training.focal_gamma if training.loss == "focal" else 0.0,
            augmentation=Stages.of(training.augmentation),
            decays=training.weight_decay > 0,
            clips=training.clip_norm is not None,
            is_proximal=training.proximal > 0,
            is_controlled=is_controlled,
            devices=training.devices,
        )
