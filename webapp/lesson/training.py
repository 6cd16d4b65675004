"""What a site does in a round: stochastic gradient descent on its own examples."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from federated.control import CONTROL_PREFIX, control_change, correction
from webapp.lesson.model import Weights, gradient

PROXIMAL = 1.0
"""FedProx's μ: how strongly a site is held to the weights that it was given."""


@dataclass(frozen=True, slots=True)
class Descent:
    """How a site trains.

    Attributes:
        epochs: Passes over its examples.
        batch: Examples of a step.
        rate: Step size.
        proximal: FedProx's μ; 0 for none.
    """

    epochs: int
    batch: int
    rate: float
    proximal: float = 0.0


@dataclass(frozen=True, slots=True, eq=False)
class Trained:
    """What came of it.

    Attributes:
        weights: After training.
        steps: That it took.
        control: SCAFFOLD's Δcᵢ; empty where the strategy keeps none.
    """

    weights: Weights
    steps: int
    control: Weights


def train(
    start: Weights,
    x: np.ndarray,
    y: np.ndarray,
    how: Descent,
    rng: np.random.Generator,
    everyones: Weights | None = None,
    own: Weights | None = None,
) -> Trained:
    """A site's round.

    Args:
        start: The global weights, which stay as they are.
        x: Its examples, float32 (n, features); at least one.
        y: Their classes, int64 (n,).
        how: Epochs, batch and step size.
        rng: Source of the order.
        everyones: SCAFFOLD's c, under `control/`; None where the strategy keeps none.
        own: Its cᵢ, under the same names.
    """
    steer = correction(everyones, own) if everyones and own else {}
    weights, steps = {name: array.copy() for name, array in start.items()}, 0
    for _ in range(how.epochs):
        order = rng.permutation(len(y))
        for first in range(0, len(y), how.batch):
            part = order[first : first + how.batch]
            for name, slope in gradient(weights, x[part], y[part]).items():
                if how.proximal:
                    slope = slope + how.proximal * (weights[name] - start[name])
                weights[name] -= np.float32(how.rate) * (slope + steer.get(name, np.float32(0)))
            steps += 1
    control = control_change(start, weights, everyones, how.rate * steps) if everyones else {}
    return Trained(weights, steps, control)


def no_control(weights: Weights) -> dict[str, np.ndarray]:
    """Control variates as they are before the first round: 0."""
    return {CONTROL_PREFIX + name: np.zeros_like(array) for name, array in weights.items()}
