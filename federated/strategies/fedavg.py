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
from federated.strategies.round import Contribution, Outcome, RoundFacts

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
    total = sum(update.num_examples for update in updates)
    return Outcome(
        weights={spec.name: weighted_mean(updates, spec) for spec in facts.signature.tensors},
        shares={update.node: update.num_examples / total for update in updates},
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
    total = sum(update.num_examples for update in updates)
    mean = np.zeros(spec.shape, dtype=np.float64)
    for update in updates:
        add_scaled(mean, update.weights.get_tensor(spec.name), update.num_examples / total)
    return mean.astype(spec.dtype)


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
