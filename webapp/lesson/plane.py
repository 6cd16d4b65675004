"""Many weights seen from where they move most: a plane through the space of all models."""

from __future__ import annotations

import functools
from dataclasses import dataclass

import numpy as np

from webapp.lesson.federation import course
from webapp.lesson.model import Weights, flat
from webapp.lesson.settings import ROUNDS, Lesson


@dataclass(frozen=True, slots=True, eq=False)
class Plane:
    """A plane through the space of weights.

    Attributes:
        origin: The point that is (0, 0), float64 (weights,).
        axes: Two directions at right angles, of length 1, float64 (2, weights).
    """

    origin: np.ndarray
    axes: np.ndarray

    def __call__(self, weights: Weights) -> tuple[float, float]:
        """Where a model lies in the plane, in units of its weights."""
        x, y = self.axes @ (flat(weights) - self.origin)
        return float(x), float(y)


def principal_plane(points: np.ndarray, origin: np.ndarray) -> Plane:
    """The plane through `origin` in which the points lie widest (principal components).

    Each axis points to where its largest part is positive, so that it never turns by chance.

    Args:
        points: float64 (n, weights), at least two.
        origin: float64 (weights,).

    References:
        K. Pearson, "On lines and planes of closest fit to systems of points in space", 1901.
    """
    _, _, rows = np.linalg.svd(points - points.mean(0), full_matrices=False)
    axes = rows[:2]
    largest = np.abs(axes).argmax(1)
    return Plane(origin, axes * np.sign(axes[[0, 1], largest])[:, None])


@functools.lru_cache(64)
def plane_of(lesson: Lesson) -> Plane:
    """The plane of a whole lesson, the same in every round, so that arrows can be compared."""
    states = course(lesson, ROUNDS)
    models = [state.weights for state in states]
    models += [own for state in states[:6] for own in state.returned.values()]
    points = np.stack([flat(model) for model in models])
    return principal_plane(points[np.isfinite(points).all(1)], flat(states[0].weights))
