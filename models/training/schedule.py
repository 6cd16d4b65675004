"""The learning rate of each step."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Self

import numpy as np

from federated.training import Schedule


@dataclass(frozen=True, slots=True)
class Span:
    """Which part of a run's schedule one training is: from `start` to `stop`, each in 0 … 1."""

    start: float
    stop: float

    @classmethod
    def of_round(cls, number: int, rounds: int) -> Self:
        """Round `number`, from 1, of `rounds`; what comes after the last is its very end."""
        return cls(min((number - 1) / rounds, 1.0), min(number / rounds, 1.0))


WHOLE = Span(0.0, 1.0)
"""A training that is the whole run."""


def learning_rates(schedule: Schedule, peak: float, steps: int, span: Span = WHOLE) -> np.ndarray:
    """The learning rate of each of `steps` steps, each taken at its middle.

    At their middles, no step has the rate 0 that a warm-up begins with or a fall ends in.

    Args:
        schedule: How the rate moves.
        peak: The plan's learning rate.
        steps: Steps of the whole training.
        span: Which part of the run the training is; of no account where the schedule is over
            each round.

    Returns:
        float32 (steps,).
    """
    progress = (np.arange(steps) + 0.5) / max(steps, 1)
    if schedule.over == "run":
        progress = span.start + (span.stop - span.start) * progress
    rising = np.minimum(progress / schedule.warmup, 1.0) if schedule.warmup else 1.0
    fallen = np.clip((progress - schedule.warmup) / (1 - schedule.warmup), 0.0, 1.0)
    rates: np.ndarray = (peak * rising * _share(schedule, fallen)).astype(np.float32)
    return rates


def _share(schedule: Schedule, fallen: np.ndarray) -> np.ndarray:
    """The rate as a share of its peak, where `fallen` of the way after the warm-up is done."""
    if schedule.kind == "constant":
        return np.ones_like(fallen)
    if schedule.kind == "exponential":
        return np.exp(fallen * math.log(schedule.final))
    left = 1 - fallen if schedule.kind == "linear" else (1 + np.cos(np.pi * fallen)) / 2
    return schedule.final + (1 - schedule.final) * left
