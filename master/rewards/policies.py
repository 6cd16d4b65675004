"""The policies by name. Pure."""

from __future__ import annotations

import numpy as np

from federated.plan import RewardPolicy
from master.rewards.accuracy import accuracy
from master.rewards.coalition import Asking
from master.rewards.improvement import improvement
from master.rewards.leave_one_out import leave_one_out
from master.rewards.shapley import Bounds, shapley


def asking(policy: RewardPolicy, count: int, seed: int, orders: int | None = None) -> Asking:
    """The plan's policy over a round's updates, ready to be asked.

    Args:
        policy: The plan's.
        count: Updates of the round, at least 1.
        seed: Root of what it draws.
        orders: For `shapley`: orders to take, neither more nor fewer, to repeat an estimate.
    """
    match policy.policy:
        case "accuracy":
            return accuracy(count)
        case "improvement":
            return improvement(count)
        case "leave_one_out":
            return leave_one_out(count)
    bounds = Bounds(
        evaluations=policy.max_evaluations,
        round_tolerance=policy.round_tolerance,
        order_tolerance=policy.order_tolerance,
        orders=orders,
    )
    return shapley(count, bounds, np.random.default_rng(seed))
