"""The same values of all updates side by side, a few at a time: memory stays bounded.

For rules that look at every update at once, coordinate by coordinate or pair by pair.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from federated.signature import TensorSpec
from federated.strategies.round import Contribution
from federated.wire import read_range

BLOCK = 1 << 23
"""Values of all updates together that are in memory at a time: 32 MiB in float32."""

NARROWEST = 256
"""Values of each update that a block holds at least: shorter reads cost more than they bring."""

GAP = 16
"""Values between two rows of a block. Rows that lie a power of two apart share the processor's
cache lines, and reading across them takes five times as long."""


def blocks(updates: Sequence[Contribution], spec: TensorSpec) -> Iterator[tuple[slice, np.ndarray]]:
    """One tensor of all updates, piece by piece.

    Args:
        updates: At least one.
        spec: The tensor.

    Yields:
        Which values of the tensor, laid flat, and an array (updates, values) of its dtype. The
        next block overwrites it.
    """
    width = min(max(BLOCK // len(updates), NARROWEST), spec.count)
    rows = np.empty((len(updates), width + GAP), dtype=spec.dtype)
    for start in range(0, spec.count, max(width, 1)):
        piece = slice(start, min(start + width, spec.count))
        block = rows[:, : piece.stop - start]
        for row, update in zip(block, updates, strict=True):
            row[:] = read_range(update.weights, spec.name, piece.start, piece.stop)
        yield piece, block
