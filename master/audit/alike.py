"""Which updates of a round are so alike that one may be a copy of another.

One matrix product compares all of them: a round may have a thousand updates, and it closes in
the transaction that looks at them.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from master.audit.sketch import Sketch

BLOCK = 256
"""Updates that are compared with all before them at a time, so that memory stays small."""


@dataclass(frozen=True, slots=True)
class Sent:
    """An update of a round as it is compared with those before it.

    Attributes:
        sketch: Its sketch, which is telling.
        node: Its node.
        start: The weights that it started from.
        work: What it was made of: the same for attempts at the same public work.
        few_steps: Whether its node took few steps.
    """

    sketch: Sketch
    node: str
    start: str
    work: str
    few_steps: bool


def alike(sent: Sequence[Sent], near: float) -> list[list[int]]:
    """For each update the places of those before it that speak of a copy, three at most.

    Those are the first with the same weights, the first with the same change by another node,
    and the first whose like change may be honest. The same work done twice is no copy, nor is
    what a node makes of the same weights again.

    Args:
        sent: The updates of a round, in the order in which they came.
        near: Distance (`master.audit.sketch.distance`) up to which two changes are the same.
    """
    if not sent:
        return []
    return [found for rows in _blocks(sent, near) for found in rows]


def _blocks(sent: Sequence[Sent], near: float) -> Iterator[list[list[int]]]:
    norms = np.array([one.sketch.norm for one in sent])
    ways = np.stack([one.sketch.projection for one in sent]).astype(np.float64)
    squares = np.einsum("ij,ij->i", ways, ways)
    digests, nodes, starts, works = (
        np.unique(list(names), return_inverse=True)[1]
        for names in zip(*((s.sketch.digest, s.node, s.start, s.work) for s in sent), strict=True)
    )
    few = np.array([one.few_steps for one in sent])
    for begin in range(0, len(sent), BLOCK):
        rows = slice(begin, min(begin + BLOCK, len(sent)))
        longer = np.maximum(norms[rows, None], norms[None])
        a, b = norms[rows, None] / longer, norms[None] / longer
        apart = a**2 * squares[rows, None] + b**2 * squares - 2 * a * b * (ways[rows] @ ways.T)
        own = nodes[rows, None] == nodes
        before = np.arange(len(sent)) < np.arange(rows.start, rows.stop)[:, None]
        other_work = ~(own & (starts[rows, None] == starts)) & (works[rows, None] != works)
        counts = before & other_work
        # Rounding may take the last digit: whoever asks measures the distance itself.
        close = counts & (apart <= near**2 + 1e-12)
        honest = own | (few[rows, None] & few)
        kinds = (counts & (digests[rows, None] == digests), close & ~honest, close & honest)
        yield [_firsts(kinds, row) for row in range(rows.stop - rows.start)]


def _firsts(kinds: Sequence[np.ndarray], row: int) -> list[int]:
    return [int(kind[row].argmax()) for kind in kinds if kind[row].any()]
