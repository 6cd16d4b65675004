"""Orders in which updates join a coalition: guided, so that each comes first as often. Pure."""

from __future__ import annotations

import itertools
from collections.abc import Iterator

import numpy as np

COUNTABLE = 5
"""Updates whose orders are gone through one by one: 5! are 120, of only 32 coalitions."""


def are_countable(count: int) -> bool:
    """Whether so many updates have few enough orders to take each of them once."""
    return count <= COUNTABLE


def guided_orders(count: int, rng: np.random.Generator) -> Iterator[tuple[int, ...]]:
    """Orders of `count` updates; in each group of `count`, each of them comes first once.

    Few updates get each of their orders once, and then the orders end. Of more, orders are
    drawn without end.

    Args:
        count: Updates, at least 1.
        rng: Draws them.

    References:
        Z. Liu, Y. Chen, H. Yu, Y. Liu, L. Cui, "GTG-Shapley: Efficient and Accurate
        Participant Contribution Evaluation in Federated Learning", ACM TIST 13(4), 2022:
        guided sampling. https://arxiv.org/abs/2109.02053
    """
    if are_countable(count):
        groups = [_shuffled_orders(first, count, rng) for first in range(count)]
        yield from itertools.chain.from_iterable(zip(*groups, strict=True))
        return
    while True:
        for first in rng.permutation(count):
            rest = rng.permutation([place for place in range(count) if place != first])
            yield (int(first), *map(int, rest))


def _shuffled_orders(first: int, count: int, rng: np.random.Generator) -> list[tuple[int, ...]]:
    rest = [place for place in range(count) if place != first]
    every = [(first, *order) for order in itertools.permutations(rest)]
    return [every[place] for place in rng.permutation(len(every))]
