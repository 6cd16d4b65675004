"""The geometric median: the weights whose distances to all updates have the least sum.

References:
    K. Pillutla, S. M. Kakade, Z. Harchaoui, "Robust Aggregation for Federated Learning", IEEE
    Transactions on Signal Processing 2022: the smoothed Weiszfeld algorithm.
    https://arxiv.org/abs/1912.13445
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated

import numpy as np
from pydantic import Field

from federated.strategies.coordinates import median_of
from federated.strategies.distances import products
from federated.strategies.fedavg import by_examples, require_updates, scaled_sum
from federated.strategies.round import Outcome, RoundFacts, shares_of
from federated.values import Value

SETTLED = 1e-9
"""Largest relative change of a share with which the iteration ends."""


class GeometricMedianSettings(Value):
    """Settings of the geometric median.

    Attributes:
        nu: Distances count as at least this (the paper's ν): what keeps a division finite.
        iterations: Steps of the algorithm, at most.
        by_examples: Whether distances count by examples, as in the paper; a hostile site could
            then claim many.
    """

    nu: Annotated[float, Field(gt=0, le=1)] = 1e-6
    iterations: Annotated[int, Field(ge=1, le=10_000)] = 1000
    by_examples: bool = False


def geometric_median(facts: RoundFacts) -> Outcome:
    """W ← Σ cᵢ Wᵢ with cᵢ ∝ αᵢ / max(ν, ‖W − Wᵢ‖), repeated until it settles.

    The new weights are a mean of the updates, so their distances follow from the updates' inner
    products: the updates are read twice, however many steps it takes. As long as less than half
    of the αᵢ is hostile, no update can pull the result arbitrarily far. αᵢ is 1/n unless the
    settings say otherwise. Statistics are the median of all updates, coordinate by coordinate.

    Raises:
        NotEnoughUpdates: There is no update.
    """
    settings = GeometricMedianSettings.model_validate(dict(facts.settings))
    updates = facts.ordered
    require_updates(updates)
    alphas = by_examples(updates) if settings.by_examples else [1 / len(updates)] * len(updates)
    shares = weiszfeld(products(facts, updates), alphas, settings)
    weights = {
        spec.name: scaled_sum(updates, shares, spec).astype(spec.dtype)
        if spec.trainable
        else median_of(updates, spec).mean
        for spec in facts.signature.tensors
    }
    return Outcome(weights, shares_of(updates, shares))


def weiszfeld(
    inner: np.ndarray, alphas: Sequence[float], settings: GeometricMedianSettings
) -> list[float]:
    """The share of each point in the geometric median; they sum to 1.

    Args:
        inner: Inner products of the points, float64 (n, n). A point whose own is not finite
            lies too far away to count.
        alphas: How much the distance to each point counts; positive.
        settings: Smoothing and number of steps.
    """
    near = np.isfinite(np.diagonal(inner))
    if not near.any():
        return [float(alpha) for alpha in alphas]
    inner, counted = inner[np.ix_(near, near)], np.asarray(alphas)[near]
    shares = counted / counted.sum()
    for _ in range(settings.iterations):
        # Not a matrix product: its sums would depend on the processor.
        towards = (inner * shares).sum(axis=1)
        squares = (shares * towards).sum() - 2 * towards + np.diagonal(inner)
        pulls = counted / np.maximum(np.sqrt(np.maximum(squares, 0.0)), settings.nu)
        before, shares = shares, pulls / pulls.sum()
        if np.all(np.abs(shares - before) <= SETTLED * before):
            break
    whole = np.zeros(len(near))
    whole[near] = shares
    return [float(share) for share in whole]
