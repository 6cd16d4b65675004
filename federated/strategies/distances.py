"""How far updates lie from one another: exact, and the same to the bit on every computer.

The products of all pairs come from a matrix product, which is fast, but sums in an order that
depends on the processor and on the number of its threads. So each row is first rounded to so
few bits that no sum of a piece is ever rounded; then there is nothing for the order to change.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
from threadpoolctl import threadpool_limits

from federated.strategies.blocks import blocks
from federated.strategies.round import Contribution, RoundFacts
from federated.wire import read_range

LENGTH = 1 << 11
"""Values of an update in one piece: 2^11 products of numbers of 21 bits stay below 2^53."""

BITS = 21


def products(facts: RoundFacts, updates: Sequence[Contribution]) -> np.ndarray:
    """The inner product of every two updates' changes Wᵢ − W, over the trainable tensors.

    Within each piece of 2048 values, an update's changes are rounded to 2^-21 of the largest of
    them: a fraction of what float32 weights are precise to. Statistics do not count: where
    pictures are bright they outgrow all weights.

    Returns:
        float64 array (updates, updates); what overflows is infinite or NaN.
    """
    total: np.ndarray = np.zeros((len(updates), len(updates)), dtype=np.float64)
    # One thread: where other programs keep the cores busy, several wait for one another at each
    # of the many small products, and take a hundred times as long.
    with np.errstate(over="ignore", invalid="ignore"), threadpool_limits(1, "blas"):
        for changes in _pieces(facts, updates):
            _round(changes)
            total += changes @ changes.T
    return total


def squared_distances(facts: RoundFacts, updates: Sequence[Contribution]) -> np.ndarray:
    """The squared distance of every two updates, over the trainable tensors.

    Returns:
        float64 array (updates, updates), at least 0, with 0 between equal updates; infinite
        where it overflows.
    """
    inner = products(facts, updates)
    norms = np.diagonal(inner)
    with np.errstate(over="ignore", invalid="ignore"):
        distances: np.ndarray = norms[:, None] + norms[None, :] - 2 * inner
    distances[np.isnan(distances)] = np.inf
    np.fill_diagonal(distances, 0.0)
    return np.asarray(np.maximum(distances, 0.0))


def _pieces(facts: RoundFacts, updates: Sequence[Contribution]) -> Iterator[np.ndarray]:
    """The changes of all updates, float64 (updates, values), a piece at a time."""
    for spec in facts.signature.tensors:
        if not spec.trainable:
            continue
        for piece, block in blocks(updates, spec):
            before = read_range(facts.previous, spec.name, piece.start, piece.stop)
            for start in range(0, block.shape[1], LENGTH):
                part = slice(start, start + LENGTH)
                yield np.subtract(block[:, part], before[part], dtype=np.float64)


def _round(changes: np.ndarray) -> None:
    """Rounds each row, in place, to multiples of 2^-21 of the power of two above its largest."""
    largest = np.maximum(changes.max(axis=1), -changes.min(axis=1))
    _, exponents = np.frexp(largest)
    # Numbers of this size have no room for finer digits: adding it rounds, subtracting restores.
    size = np.ldexp(1.5, exponents + (52 - BITS))[:, None]
    changes += size
    changes -= size
