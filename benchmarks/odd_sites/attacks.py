"""What dishonest sites send, worked out from what they were sent and what they have trained."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType

import numpy as np

Weights = Mapping[str, np.ndarray]
Attack = Callable[[Weights, Weights, np.random.Generator], dict[str, np.ndarray]]
"""A function of the weights that a task names, those after honest training, and randomness."""


def random_weights(
    start: Weights, trained: Weights, rng: np.random.Generator
) -> dict[str, np.ndarray]:
    """Weights drawn anew, as widely as a fresh layer's."""
    return {
        name: rng.normal(0, (2 / sum(array.shape or (1,))) ** 0.5, array.shape).astype(array.dtype)
        for name, array in start.items()
    }


def flipped(start: Weights, trained: Weights, rng: np.random.Generator) -> dict[str, np.ndarray]:
    """As far as honest training goes, the other way."""
    return {name: 2 * array - trained[name] for name, array in start.items()}


def scaled(start: Weights, trained: Weights, rng: np.random.Generator) -> dict[str, np.ndarray]:
    """A hundred times as far as honest training goes."""
    return {name: array + 100 * (trained[name] - array) for name, array in start.items()}


def noisy(start: Weights, trained: Weights, rng: np.random.Generator) -> dict[str, np.ndarray]:
    """Honest training, and as far again in a direction drawn at random, over all tensors."""
    noise = {name: rng.normal(0, 1, array.shape) for name, array in start.items()}
    went = _length({name: trained[name] - array for name, array in start.items()})
    scale = went / _length(noise)
    return {
        name: (array + scale * noise[name]).astype(array.dtype) for name, array in trained.items()
    }


def unchanged(start: Weights, trained: Weights, rng: np.random.Generator) -> dict[str, np.ndarray]:
    """What it was sent."""
    return dict(start)


def _length(weights: Weights) -> float:
    return float(
        np.sqrt(sum(np.sum(np.square(array, dtype=np.float64)) for array in weights.values()))
    )


ATTACKS: Mapping[str, Attack] = MappingProxyType(
    {"random": random_weights, "flipped": flipped, "scaled": scaled}
)
"""Those that need no pictures; label flipping is training on other labels."""
