"""Games whose Shapley values are known."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Sequence

from master.rewards import Coalition

Game = Callable[[frozenset[int]], float]


def value_of(game: Game, asked: list[Coalition] | None = None) -> Callable[..., list[float]]:
    """What measures the models of a game; `asked` keeps what was asked for."""

    def value(coalitions: Sequence[Coalition]) -> list[float]:
        if asked is not None:
            asked.extend(coalitions)
        return [game(frozenset(one.members)) for one in coalitions]

    return value


def exact(game: Game, count: int) -> list[float]:
    """Shapley's formula: Σ over S without i of |S|! (n−|S|−1)! / n! · (V(S+i) − V(S))."""
    values = []
    for player in range(count):
        others, value = [k for k in range(count) if k != player], 0.0
        for size in range(count):
            weight = math.factorial(size) * math.factorial(count - size - 1)
            for some in itertools.combinations(others, size):
                gain = game(frozenset(some) | {player}) - game(frozenset(some))
                value += weight / math.factorial(count) * gain
        values.append(value)
    return values


def glove(members: frozenset[int]) -> float:
    """Player 0 has a left glove, players 1 and 2 a right one each; a pair is worth 0.6."""
    return 0.6 if 0 in members and members & {1, 2} else 0.0


def curve(members: frozenset[int]) -> float:
    """Accuracies that saturate, with one player who does harm."""
    strength = sum((0.5, 0.3, 0.2, -0.15, 0.1, 0.05, 0.02, 0.4)[player] for player in members)
    return 0.5 + 0.4 * (1 - math.exp(-2 * strength))
