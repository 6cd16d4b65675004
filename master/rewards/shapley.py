"""GTG-Shapley: what an update brings, averaged over the orders in which updates could come. Pure.

References:
    Z. Liu, Y. Chen, H. Yu, Y. Liu, L. Cui, "GTG-Shapley: Efficient and Accurate Participant
    Contribution Evaluation in Federated Learning", ACM Transactions on Intelligent Systems and
    Technology 13(4), 2022. https://arxiv.org/abs/2109.02053
    L. S. Shapley, "A Value for n-Person Games", Contributions to the Theory of Games II, 1953.
    A. Ghorbani, J. Zou, "Data Shapley: Equitable Valuation of Data for Machine Learning",
    ICML 2019: truncation and the stopping rule. https://arxiv.org/abs/1904.02868
"""

from __future__ import annotations

import itertools
from collections.abc import Generator, Sequence
from dataclasses import dataclass, field

import numpy as np

from master.rewards.coalition import OUT_OF_TIME, Asking, Coalition, Merits, together
from master.rewards.orders import are_countable, guided_orders

WIDTH = 4
"""Orders that are walked side by side, so that as many models are measured in one call."""

LEAST_ORDERS = 30
MOST_ORDERS = 1000
"""Where most coalitions are known, more orders cost no measuring; they end here."""

LAG = 10
SETTLED = 0.02
"""The estimate stands when the last orders have moved it by less than this part of itself."""


@dataclass(frozen=True, slots=True)
class Bounds:
    """How much is measured, and what is too little to be measured.

    Attributes:
        evaluations: Most models that are measured.
        round_tolerance: Change of accuracy by the whole round below which nobody gets anything.
        order_tolerance: Distance from the accuracy of all below which the rest of an order is
            taken to add nothing.
        orders: Orders to take, neither more nor fewer: how an estimate is repeated. None: until
            it is settled.
    """

    evaluations: int
    round_tolerance: float
    order_tolerance: float
    orders: int | None = None


@dataclass(slots=True)
class _Estimate:
    """Sums over the orders so far.

    Attributes:
        count: Updates.
        seen: Coalitions that were asked for, each once, with their accuracies.
        trail: The mean after each order, newest last.
    """

    count: int
    seen: dict[Coalition, float]
    orders: int = 0
    total: np.ndarray = field(init=False)
    trail: list[np.ndarray] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.total = np.zeros(self.count)

    def add(self, brought: np.ndarray) -> None:
        self.orders += 1
        self.total = self.total + brought
        self.trail = [*self.trail[-LAG:], self.total / self.orders]

    @property
    def is_settled(self) -> bool:
        """Whether the last `LAG` orders have hardly moved it."""
        if self.orders < max(LEAST_ORDERS, self.count) or len(self.trail) <= LAG:
            return False
        # Against the sum of all: one update's own value may be 0 for good.
        now, moved = self.trail[-1], np.abs(self.trail[-1] - self.trail[0]).sum()
        return bool(moved <= SETTLED * np.abs(now).sum())


def shapley(count: int, bounds: Bounds, rng: np.random.Generator) -> Asking:
    """The contribution of update i is its mean marginal contribution over orders.

    φᵢ = mean over orders π of V(those before i in π, and i) − V(those before i in π). A round
    that changed nothing is not measured further (between-round truncation); within an order,
    those who come when the accuracy of all is reached bring nothing (within-round truncation).
    Up to five updates, each order is taken once, which is Shapley's value itself.

    Args:
        count: Updates of the round.
        bounds: How much is measured.
        rng: Draws the orders.
    """
    ends = (together(()), together(range(count)))
    found = yield ends
    if found is None:
        return Merits(why_none=OUT_OF_TIME)
    before, after = found
    if abs(after - before) < bounds.round_tolerance:
        return Merits(before=before, after=after, orders=0, why_none=_unchanged(before, after))
    estimate = _Estimate(count, dict(zip(ends, found, strict=True)))
    orders = guided_orders(count, rng)
    while not _is_done(estimate, bounds):
        batch = list(itertools.islice(orders, _width(estimate, bounds)))
        if not batch:
            break
        brought = yield from _walk(batch, estimate, found, bounds)
        if brought is None:
            break
        for one in brought:
            estimate.add(one)
    return _found(estimate, before, after)


def _unchanged(before: float, after: float) -> str:
    return (
        f"The round has hardly changed the accuracy on the audit pictures, from {before:.1%} "
        f"to {after:.1%}."
    )


def _is_done(estimate: _Estimate, bounds: Bounds) -> bool:
    if bounds.orders is not None:
        return estimate.orders >= bounds.orders
    is_settled = not are_countable(estimate.count) and estimate.is_settled
    return is_settled or estimate.orders >= MOST_ORDERS


def _width(estimate: _Estimate, bounds: Bounds) -> int:
    """As many orders as the bounds allow to finish, whatever they ask for; one at least."""
    if bounds.orders is not None:
        return min(WIDTH, bounds.orders - estimate.orders)
    left = bounds.evaluations - len(estimate.seen)
    return max(1, min(WIDTH, left // max(1, estimate.count - 1)))


def _walk(
    batch: Sequence[tuple[int, ...]],
    estimate: _Estimate,
    ends: tuple[float, ...],
    bounds: Bounds,
) -> Generator[tuple[Coalition, ...], tuple[float, ...] | None, list[np.ndarray] | None]:
    """What each update brings in each of some orders; None where they cannot be finished."""
    before, after = ends
    reached = [before] * len(batch)
    brought = [np.zeros(estimate.count) for _ in batch]
    for place in range(estimate.count):
        # The tolerance is a difference of accuracies, which binary fractions miss by a hair.
        short = [abs(after - accuracy) + 1e-12 >= bounds.order_tolerance for accuracy in reached]
        asked = {k: together(batch[k][: place + 1]) for k, is_short in enumerate(short) if is_short}
        new = tuple(dict.fromkeys(one for one in asked.values() if one not in estimate.seen))
        if bounds.orders is None and len(estimate.seen) + len(new) > bounds.evaluations:
            return None
        if new:
            found = yield new
            if found is None:
                return None
            estimate.seen.update(zip(new, found, strict=True))
        for k, one in asked.items():
            brought[k][batch[k][place]] = estimate.seen[one] - reached[k]
            reached[k] = estimate.seen[one]
    return brought


def _found(estimate: _Estimate, before: float, after: float) -> Merits:
    alone = tuple(estimate.seen.get(together((place,))) for place in range(estimate.count))
    why = None
    if not estimate.orders:
        why = "What the plan allows to be measured was not enough for one order of the updates."
    mean = estimate.total / max(1, estimate.orders)
    return Merits(
        contributions=tuple(map(float, mean)),
        compared=alone,
        before=before,
        after=after,
        orders=estimate.orders,
        why_none=why,
    )
