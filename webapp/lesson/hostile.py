"""What a hostile site can do with what it trained, or before it trains."""

from __future__ import annotations

import numpy as np

from webapp.lesson.model import Weights
from webapp.lesson.settings import Hostile

FLIP = 5.0
"""How many times the opposite of its own change a site sends that wants to undo the others'."""

SCALE = 10.0
"""How many times its own change a site sends that wants to drown the others."""


def mislabelled(y: np.ndarray, classes: int) -> np.ndarray:
    """Each class taken for the next one, and the last for the first."""
    return (y + 1) % classes


def sent(kind: Hostile, before: Weights, after: Weights) -> Weights:
    """What a site of that kind sends instead of what it trained.

    Args:
        kind: `flip` sends the opposite of its change, made larger, `scale` its change many
            times over.
        before: The weights that it was given.
        after: Those that it came to.
    """
    factor = {"flip": -FLIP, "scale": SCALE}.get(kind)
    if factor is None:
        return after
    return {
        name: before[name] + np.float32(factor) * (after[name] - before[name]) for name in after
    }


def blurred(weights: Weights, deviation: float, rng: np.random.Generator) -> Weights:
    """The weights with normally distributed noise on each of them.

    Args:
        weights: What a site would send.
        deviation: Standard deviation of the noise; 0 for none.
        rng: Source of the noise.
    """
    if not deviation:
        return weights
    return {
        name: (array + rng.normal(0, deviation, array.shape)).astype(array.dtype)
        for name, array in weights.items()
    }
