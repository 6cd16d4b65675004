"""The search for hyperparameters: its space, and what one task of it is trained with."""

from __future__ import annotations

import math
from collections.abc import Mapping
from enum import StrEnum
from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from federated.training import Augmentation, Optimizer, Training
from federated.values import Slug, Value

DROPOUT = "dropout"
"""The setting of an architecture that a search for dropout goes through."""

Rate = Annotated[float, Field(gt=0, le=10)]
DropoutRate = Annotated[float, Field(ge=0, lt=1)]
BatchSize = Annotated[int, Field(ge=1, le=4096)]
Epochs = Annotated[int, Field(ge=1, le=1000)]

Told = float | int | str
"""A hyperparameter as an update tells it: a number, or the name of a choice."""


class TrialState(StrEnum):
    """How far a trial is.

    `RUNNING`: no verdict yet. `COMPLETE`: its update was accepted and measured. `FAILED`: no
    accepted update came of it, or none that could be measured.
    """

    RUNNING = "running"
    COMPLETE = "complete"
    FAILED = "failed"


class Hyperparameters(Value):
    """What one task is trained with in place of the plan's own settings; None: the plan's.

    Attributes:
        augmentation: Name of one of the search space's sets.
    """

    learning_rate: Rate | None = None
    batch_size: BatchSize | None = None
    optimizer: Optimizer | None = None
    epochs: Epochs | None = None
    dropout: DropoutRate | None = None
    augmentation: Slug | None = None

    @property
    def told(self) -> dict[str, Told]:
        """Those that are set, by name: what an update has to tell."""
        found: dict[str, Told] = self.model_dump(exclude_none=True)
        return found

    def differing(self, told: Mapping[str, object]) -> dict[str, Told]:
        """Those of these that somebody did not train with, by what was told; empty for none.

        Args:
            told: Hyperparameters of an update. A number may have been written by another hand.
        """
        return {
            name: value for name, value in self.told.items() if not _is_same(value, told.get(name))
        }


class SearchSpace(Value):
    """Which settings are searched, and between which limits; the others stay the plan's.

    Attributes:
        learning_rate: Lowest and highest, searched on a logarithmic scale.
        batch_size: Those to choose from.
        optimizer: Those to choose from.
        epochs: Those to choose from; the work of a task grows with them.
        dropout: Lowest and highest, of an architecture that has dropout.
        augmentation: Sets to choose from, by name.
    """

    learning_rate: tuple[Rate, Rate] | None = None
    batch_size: tuple[BatchSize, ...] = Field((), max_length=32)
    optimizer: tuple[Optimizer, ...] = Field((), max_length=32)
    epochs: tuple[Epochs, ...] = Field((), max_length=32)
    dropout: tuple[DropoutRate, DropoutRate] | None = None
    augmentation: Annotated[dict[Slug, Augmentation], Field(max_length=32)] = Field(
        default_factory=dict
    )

    @model_validator(mode="after")
    def _check(self) -> Self:
        faults = []
        for name, limits in self.ranges.items():
            if not limits[0] < limits[1]:
                faults.append(f"{name} goes from {limits[0]:g} to {limits[1]:g}: put lower first")
        for name, choices in self.choices.items():
            if len(choices) < 2 or len(set(choices)) < len(choices):
                faults.append(f"{name} needs two choices at least, each once")
        if not self.names:
            faults.append("there is nothing to search: name a range or choices")
        if faults:
            raise ValueError("; ".join(faults))
        return self

    @property
    def ranges(self) -> dict[str, tuple[float, float]]:
        """Lowest and highest of each number that is searched, by name."""
        found = {"learning_rate": self.learning_rate, DROPOUT: self.dropout}
        return {name: limits for name, limits in found.items() if limits is not None}

    @property
    def choices(self) -> dict[str, tuple[int | str, ...]]:
        """What there is to choose from, by name."""
        found: dict[str, tuple[int | str, ...]] = {
            "batch_size": self.batch_size,
            "optimizer": self.optimizer,
            "epochs": self.epochs,
            "augmentation": tuple(self.augmentation),
        }
        return {name: choices for name, choices in found.items() if choices}

    @property
    def names(self) -> tuple[str, ...]:
        """The searched settings, in one order."""
        return (*self.ranges, *self.choices)


class Search(Value):
    """How a run searches: each task gets settings of its own (the approach "explore").

    Each task is one trial, judged by the accuracy of its update on the master's audit pictures.
    Models of different rounds began from different weights, so a trial goes by how far it lies
    above the middle of its own round.

    Attributes:
        space: What is searched.
        sampler: `tpe`: what did well is tried more often, near where it did; `random`: each
            trial is drawn anew.
        startup: Trials that `tpe` draws at random before it goes by what they came to.
        begin_with_plan: Whether the first trial has the plan's own settings, where they lie in
            the space, so that the search is seen beside them.

    References:
        J. Bergstra et al., "Algorithms for Hyper-Parameter Optimization", NeurIPS 2011 (the
        tree-structured Parzen estimator).
        T. Akiba et al., "Optuna: A Next-generation Hyperparameter Optimization Framework",
        KDD 2019. https://arxiv.org/abs/1907.10902
    """

    space: SearchSpace
    sampler: Literal["tpe", "random"] = "tpe"
    startup: Annotated[int, Field(ge=1, le=10_000)] = 8
    begin_with_plan: bool = True

    @property
    def most_epochs(self) -> int | None:
        """The longest training of a task; None where epochs are not searched."""
        return max(self.space.epochs, default=None)


def trained_with(
    training: Training, search: Search | None, hyperparameters: Hyperparameters | None
) -> Training:
    """A plan's training with the settings of one task in their place.

    Args:
        training: The plan's.
        search: The plan's; None where all tasks train alike.
        hyperparameters: The task's.
    """
    if search is None or hyperparameters is None:
        return training
    own: dict[str, object] = dict(hyperparameters.told)
    own.pop(DROPOUT, None)
    if hyperparameters.augmentation is not None:
        own["augmentation"] = search.space.augmentation[hyperparameters.augmentation]
    return training.model_copy(update=own)


def in_space(space: SearchSpace, values: Mapping[str, object]) -> bool:
    """Whether every searched setting has a value within its limits."""
    within = all(
        isinstance(value := values.get(name), int | float) and low <= value <= high
        for name, (low, high) in space.ranges.items()
    )
    return within and all(values.get(name) in found for name, found in space.choices.items())


def _is_same(value: Told, other: object) -> bool:
    if isinstance(value, str) or isinstance(other, bool) or not isinstance(other, int | float):
        return value == other
    return math.isclose(value, other, rel_tol=1e-6)
