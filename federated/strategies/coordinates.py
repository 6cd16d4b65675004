"""Rules that go by the sorted values of each weight over all updates.

Updates are not weighed by examples: a hostile site could claim many.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from federated.signature import TensorSpec
from federated.strategies.blocks import blocks
from federated.strategies.round import Contribution

COLUMNS = 512
"""Values of each update that are sorted at a time, so that they stay in the processor's cache."""


@dataclass(frozen=True, slots=True)
class Middle:
    """The values that count, of some coordinates.

    Attributes:
        mean: Their mean by coordinate, float64 (coordinates,).
        low: The least of them, (coordinates,).
        high: The largest of them, (coordinates,).
    """

    mean: np.ndarray
    low: np.ndarray
    high: np.ndarray


@dataclass(frozen=True, slots=True)
class Picked:
    """What a rule makes of one tensor.

    Attributes:
        mean: The new tensor, in its shape and dtype.
        counts: For each update, how many of its values counted.
    """

    mean: np.ndarray
    counts: np.ndarray


def picked(
    updates: Sequence[Contribution], spec: TensorSpec, pick: Callable[[np.ndarray], Middle]
) -> Picked:
    """One tensor by a rule that goes by sorted values.

    Args:
        updates: At least one; their order does not matter for the mean.
        spec: The tensor.
        pick: Is given values (coordinates, updates), sorted along the updates.
    """
    mean = np.empty(spec.count, dtype=spec.dtype)
    counts = np.zeros(len(updates), dtype=np.int64)
    for piece, values in _columns(updates, spec):
        middle = pick(_sorted(values))
        # Minus zero plus zero is zero: which zero was sorted first is nobody's business.
        mean[piece] = middle.mean + 0.0
        inside = (values >= middle.low) & (values <= middle.high)
        counts += np.count_nonzero(inside, axis=1)
    return Picked(mean.reshape(spec.shape), counts)


def trimmed(updates: Sequence[Contribution], spec: TensorSpec, cut: int) -> Picked:
    """One tensor as the mean of the values that are left when `cut` are cut off at either end.

    Args:
        updates: More than twice `cut`.
        spec: The tensor.
        cut: How many.
    """

    def pick(ordered: np.ndarray) -> Middle:
        left = ordered[:, cut : ordered.shape[1] - cut]
        return Middle(left.mean(axis=1, dtype=np.float64), left[:, 0], left[:, -1])

    return picked(updates, spec, pick)


def median_of(updates: Sequence[Contribution], spec: TensorSpec) -> Picked:
    """One tensor as the middle of the values, or the mean of the two in the middle."""
    return trimmed(updates, spec, (len(updates) - 1) // 2)


def parts_of(counts: np.ndarray) -> list[float]:
    """Counts as shares that sum to 1; equal where nothing was counted."""
    total = int(counts.sum())
    if not total:
        return [1 / len(counts)] * len(counts)
    return [float(count / total) for count in counts]


def _columns(
    updates: Sequence[Contribution], spec: TensorSpec
) -> Iterator[tuple[slice, np.ndarray]]:
    for piece, block in blocks(updates, spec):
        for start in range(0, block.shape[1], COLUMNS):
            part = block[:, start : start + COLUMNS]
            place = piece.start + start
            yield slice(place, place + part.shape[1]), part


def _sorted(values: np.ndarray) -> np.ndarray:
    """(updates, coordinates) as (coordinates, updates), sorted along the updates."""
    # Sorting all is as fast as finding the middle, and the same to the bit on every processor.
    ordered = np.ascontiguousarray(values.T)
    ordered.sort(axis=1)
    return ordered
