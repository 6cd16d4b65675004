"""Statistics of weights: what a person can see of millions of numbers."""

from __future__ import annotations

import numpy as np

from federated.signature import Signature
from federated.values import Value
from federated.wire import TensorReader

BINS = 40


class Histogram(Value):
    """Counts per bin; bin i lies between `edges[i]` and `edges[i + 1]`."""

    edges: tuple[float, ...]
    counts: tuple[int, ...]


class Statistics(Value):
    """Mean, median, standard deviation (population), extremes and histogram of some values."""

    count: int
    mean: float
    median: float
    std: float
    min: float
    max: float
    histogram: Histogram


class WeightStatistics(Value):
    """Statistics of all weights together, and of each tensor, in the signature's order."""

    all: Statistics
    tensors: dict[str, Statistics]


def statistics(values: np.ndarray) -> Statistics:
    """Statistics of `values` (any shape, float, at least one value), summed in float64."""
    flat = np.asarray(values, dtype=np.float64).ravel()
    counts, edges = np.histogram(flat, bins=BINS)
    return Statistics(
        count=flat.size,
        mean=float(flat.mean()),
        median=float(np.median(flat)),
        std=float(flat.std()),
        min=float(flat.min()),
        max=float(flat.max()),
        histogram=Histogram(
            edges=tuple(float(edge) for edge in edges), counts=tuple(int(c) for c in counts)
        ),
    )


def weight_statistics(weights: TensorReader, signature: Signature) -> WeightStatistics:
    """Statistics of a model's weights, whole and per tensor."""
    arrays = {name: weights.get_tensor(name) for name in signature.names}
    whole = np.concatenate([array.ravel() for array in arrays.values()])
    return WeightStatistics(
        all=statistics(whole),
        tensors={name: statistics(array) for name, array in arrays.items() if array.size},
    )


def relative_change(before: np.ndarray, after: np.ndarray) -> float | None:
    """How far values moved: the Euclidean length of the change over that of `before`.

    Args:
        before: Any shape, float.
        after: The same shape.

    Returns:
        0 for no change; None where `before` is all zeros, of which nothing is a multiple.
    """
    old = np.asarray(before, np.float64).ravel()
    length = float(np.linalg.norm(old))
    if length == 0:
        return None
    return float(np.linalg.norm(np.asarray(after, np.float64).ravel() - old)) / length
