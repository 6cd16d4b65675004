"""What the sites of a lesson learn from: points of the plane, and digits of 8 × 8 pixels."""

from __future__ import annotations

import functools
from dataclasses import dataclass

import numpy as np

from webapp.lesson.settings import Task

POINTS = 360
"""Training points."""

EDGE = 2.6
"""The plane is shown, and filled, from -EDGE to EDGE along both axes."""


@dataclass(frozen=True, slots=True, eq=False)
class Dataset:
    """Examples of a task.

    Attributes:
        x: Training examples, float32 (n, features).
        y: Their classes, int64 (n,).
        test_x: Examples that no site has, float32 (m, features).
        test_y: Their classes, int64 (m,).
        classes: Names of the classes.
    """

    x: np.ndarray
    y: np.ndarray
    test_x: np.ndarray
    test_y: np.ndarray
    classes: tuple[str, ...]


@functools.cache
def dataset(task: Task) -> Dataset:
    """The examples of a task, always the same."""
    return _points() if task == "points" else _digits()


def moons(count: int, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Two half-moons that reach into each other, with some blur.

    Args:
        count: Points in all.
        rng: Source of their places.

    Returns:
        Points, float32 (count, 2), within about ±2.5; and classes, int64 (count,), 0 or 1.
    """
    y = np.arange(count) % 2
    angle = rng.uniform(0, np.pi, count)
    upper = np.stack([np.cos(angle), np.sin(angle)], axis=1)
    lower = np.stack([1 - np.cos(angle), 0.5 - np.sin(angle)], axis=1)
    x = np.where(y[:, None] == 0, upper, lower) + rng.normal(0, 0.17, (count, 2))
    return ((x - [0.5, 0.25]) * 1.45).astype(np.float32), y


def _points() -> Dataset:
    x, y = moons(POINTS, np.random.default_rng(11))
    test_x, test_y = moons(300, np.random.default_rng(12))
    return Dataset(x, y, test_x, test_y, ("0", "1"))


def _digits() -> Dataset:
    # It takes a second to import, which only who comes to this lesson should wait for.
    from sklearn.datasets import load_digits

    pixels, labels = load_digits(return_X_y=True)
    order = np.random.default_rng(13).permutation(len(labels))
    x, y = (pixels[order] / 16).astype(np.float32), labels[order].astype(np.int64)
    return Dataset(x[:1200], y[:1200], x[1200:], y[1200:], tuple("0123456789"))
