"""Two models on the same pictures: whether one is right more often by more than chance. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import sqrt

DEVIATIONS = 1.959964
"""Standard deviations to either side that hold 95 % of a normal distribution."""


@dataclass(frozen=True, slots=True)
class Pairing:
    """What two models came to on the same pictures.

    Attributes:
        difference: Accuracy of the second less that of the first.
        low: Lower end of its 95 % interval.
        high: Upper end of it.
        only_first: Pictures that the first alone is right about.
        only_second: Pictures that the second alone is right about.
        p_value: How often chance alone would part two equal models so far.
    """

    difference: float
    low: float
    high: float
    only_first: int
    only_second: int
    p_value: float


def paired(first: Sequence[bool], second: Sequence[bool]) -> Pairing:
    """Compares two models by the pictures that one alone is right about.

    Args:
        first: Whether the first model is right, by picture; at least one.
        second: The same of the second model, in the same order.

    References:
        Q. McNemar, "Note on the sampling error of the difference between correlated
        proportions", Psychometrika 12 (1947); here exact, by the binomial distribution.
        A. Agresti, Y. Min, "Simple improved confidence intervals for comparing matched
        proportions", Statistics in Medicine 24 (2005): half a picture is added to each cell.
    """
    number = len(first)
    both = list(zip(first, second, strict=True))
    only_first = sum(a and not b for a, b in both)
    only_second = sum(b and not a for a, b in both)
    low, high = _interval(only_first, only_second, number)
    return Pairing(
        difference=(only_second - only_first) / number,
        low=low,
        high=high,
        only_first=only_first,
        only_second=only_second,
        p_value=exact_p_value(only_first, only_second),
    )


def exact_p_value(only_first: int, only_second: int) -> float:
    """Two-sided exact McNemar test; 1 where the models never part."""
    number = only_first + only_second
    term = tail = 1
    # Each coefficient from the one before it; whole numbers throughout, for 2 to the power of a
    # thousand pictures is more than a float holds.
    for k in range(min(only_first, only_second)):
        term = term * (number - k) // (k + 1)
        tail += term
    p_value: float = 2 * tail / (1 << number)
    return min(1.0, p_value)


def _interval(only_first: int, only_second: int, number: int) -> tuple[float, float]:
    b, c, n = only_first + 0.5, only_second + 0.5, number + 2
    middle = (c - b) / n
    half = DEVIATIONS * sqrt(b + c - (c - b) ** 2 / n) / n
    return max(-1.0, middle - half), min(1.0, middle + half)
