"""A model with its loss and its optimiser: what training needs on any backend."""

from __future__ import annotations

from collections.abc import Sequence

import keras
import numpy as np

from federated.training import Training
from models.seeds import draw_seeds
from models.training.clipping import Clipping
from models.training.controlling import Controlling
from models.training.loss_scaling import LossScaling
from models.training.losses import Tensor, loss_of
from models.training.objective import Objective
from models.training.optimizers import FreshOptimizer, Optimizer
from models.training.proximal import Proximal
from models.training.recipe import Recipe
from models.training.weight_decay import WeightDecay

SEED_STATE = "seed_generator_state"
"""What Keras calls the variable of a layer's random numbers."""


class Learner:
    """Everything that a training changes, and how it begins afresh.

    Args:
        model: Its frozen variables stay out of `trainable`, and cost no gradient.
        recipe: What is compiled.

    Attributes:
        trainable: The variables that steps move.
        others: All other variables of the model: statistics, random numbers, what is frozen.
        objective: What steps make smaller.
        optimizer: How they do.
    """

    def __init__(self, model: keras.Model, recipe: Recipe) -> None:
        self.model = model
        self.trainable: list[keras.Variable] = list(model.trainable_variables)
        self.others: list[keras.Variable] = list(model.non_trainable_variables)
        self.objective = Objective(
            model, loss_of(recipe.loss, recipe.focal_gamma), recipe.augmentation
        )
        self._controlling: Controlling | None = None
        self.optimizer = self._optimizer(recipe)

    def begin(self, training: Training, seed: int, correction: Sequence[np.ndarray] = ()) -> None:
        """A fresh optimiser and fresh dropout, without compiling anything again.

        Args:
            training: Numbers of the plan.
            seed: Of dropout.
            correction: Where the recipe is controlled: c − cᵢ for each trainable variable.
        """
        self.optimizer.begin(training)
        if self._controlling is not None:
            self._controlling.correct_by(correction)
        states = [variable for variable in self.others if variable.name == SEED_STATE]
        for state, own in zip(states, draw_seeds(seed, len(states)), strict=True):
            state.assign(np.array([own, 0]))

    def scaled(self, loss: Tensor) -> Tensor:
        """The loss whose gradients the optimiser takes."""
        return self.optimizer.scaled(loss) if isinstance(self.optimizer, LossScaling) else loss

    def keep(self, values: Sequence[Tensor], before: Sequence[Tensor]) -> None:
        """Assigns the other variables' new values, those that are new."""
        for variable, value, old in zip(self.others, values, before, strict=True):
            if value is not old:
                variable.assign(value)

    def _optimizer(self, recipe: Recipe) -> Optimizer:
        optimizer: Optimizer = FreshOptimizer(recipe.optimizer, recipe.momentum, self.trainable)
        if recipe.decays:
            optimizer = WeightDecay(optimizer, self.trainable)
        if recipe.clips:
            optimizer = Clipping(optimizer)
        if recipe.is_proximal:
            optimizer = Proximal(optimizer, self.trainable)
        if recipe.is_controlled:
            optimizer = self._controlling = Controlling(optimizer, self.trainable)
        if _computes_in_float16(self.model):
            optimizer = LossScaling(optimizer, self.trainable)
        return optimizer


def _computes_in_float16(model: keras.Model) -> bool:
    layers = model._flatten_layers(include_self=False)
    return any(layer.compute_dtype == "float16" for layer in layers)
