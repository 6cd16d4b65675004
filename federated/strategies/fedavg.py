"""Federated averaging: the mean of the children's weights, each counted by its examples.

References:
    H. B. McMahan, E. Moore, D. Ramage, S. Hampson, B. Agüera y Arcas,
    "Communication-Efficient Learning of Deep Networks from Decentralized Data",
    AISTATS 2017. https://arxiv.org/abs/1602.05629
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from federated.errors import NotEnoughUpdates
from federated.signature import TensorSpec
from federated.strategies.round import Contribution, Outcome, RoundFacts, shares_of

PIECE = 1 << 15
"""Values that are summed at a time: 256 KiB in float64."""


def fedavg(facts: RoundFacts) -> Outcome:
    """W ← Σ nᵢ Wᵢ / Σ nᵢ, with nᵢ the examples of update i.

    BatchNorm's moving statistics are tensors like any other and are averaged too. One tensor
    of one update is in memory at a time, whatever the number of updates.

    Raises:
        NotEnoughUpdates: There is no update, or none counts any example.
    """
    updates = facts.ordered
    require_updates(updates)
    return Outcome(
        weights={spec.name: weighted_mean(updates, spec) for spec in facts.signature.tensors},
        shares=shares_of(updates, by_examples(updates)),
    )


def require_updates(updates: Sequence[Contribution]) -> None:
    """Refuses to average nothing.

    Raises:
        NotEnoughUpdates: There is no update, or none counts any example.
    """
    total = sum(update.num_examples for update in updates)
    if not updates or total <= 0:
        raise NotEnoughUpdates(
            "There is nothing to average",
            expected="at least one update with at least one example",
            received=f"{len(updates)} updates with {total} examples",
        )


def weighted_mean(updates: Sequence[Contribution], spec: TensorSpec) -> np.ndarray:
    """Mean of one tensor over the updates, weighted by examples, summed in float64.

    Args:
        updates: In a fixed order; floating-point sums depend on it.
        spec: The tensor's name, shape and dtype.

    Returns:
        Array of the spec's shape and dtype.
    """
    return scaled_sum(updates, by_examples(updates), spec).astype(spec.dtype)


def by_examples(updates: Sequence[Contribution]) -> list[float]:
    """The share of each update by its examples; they sum to 1."""
    total = sum(update.num_examples for update in updates)
    return [update.num_examples / total for update in updates]


def scaled_sum(
    updates: Sequence[Contribution], scales: Sequence[float], spec: TensorSpec
) -> np.ndarray:
    """Sum of scale times update for one tensor; an update whose scale is 0 is not read.

    Args:
        updates: In a fixed order; floating-point sums depend on it.
        scales: One for each update.
        spec: The tensor's name, shape and dtype.

    Returns:
        float64 array of the spec's shape.
    """
    total = np.zeros(spec.shape, dtype=np.float64)
    for update, scale in zip(updates, scales, strict=True):
        if scale:
            add_scaled(total, update.weights.get_tensor(spec.name), scale)
    return total


def add_scaled(total: np.ndarray, array: np.ndarray, scale: float) -> None:
    """Adds scale * array to total, in float64 and in place.

    Args:
        total: float64, any shape, contiguous.
        array: Float, of the same shape.
        scale: Any number.
    """
    sums, values = total.reshape(-1), array.reshape(-1)
    # Piece by piece, so that the products never leave the processor's cache.
    products = np.empty(min(PIECE, sums.size), dtype=np.float64)
    for start in range(0, sums.size, PIECE):
        piece = slice(start, start + PIECE)
        product = products[: values[piece].size]
        np.multiply(values[piece], scale, out=product, dtype=np.float64)
        sums[piece] += product
