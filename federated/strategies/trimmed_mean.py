"""The trimmed mean: of each weight, the largest and the smallest values do not count.

References:
    D. Yin, Y. Chen, K. Ramchandran, P. Bartlett, "Byzantine-Robust Distributed Learning: Towards
    Optimal Statistical Rates", ICML 2018, definition 2. https://arxiv.org/abs/1803.01498
"""

from __future__ import annotations

from typing import Annotated

import numpy as np
from pydantic import Field

from federated.plan import share_of
from federated.strategies.coordinates import parts_of, trimmed
from federated.strategies.fedavg import require_updates
from federated.strategies.round import Outcome, RoundFacts, shares_of
from federated.values import Value


class TrimmedMeanSettings(Value):
    """Settings of the trimmed mean.

    Attributes:
        beta: Share of the values that is cut off at either end, rounded up: at least as large
            as the share of updates that may be hostile.
    """

    beta: Annotated[float, Field(ge=0, lt=0.5)] = 0.2


def trimmed_mean(facts: RoundFacts) -> Outcome:
    """Of each weight, the mean of the values that are left when ⌈βn⌉ are cut off at either end.

    At least one value, or the two in the middle, is always left. The number of examples does
    not count, as in the paper. BatchNorm's moving statistics are trimmed like any tensor, so
    that one site cannot spoil them. The share of an update is how many of all values that
    counted were its own. Flower cuts off ⌊βn⌋, which is none of 4 updates at β = 0.2; where βn
    is whole, both agree.

    Raises:
        NotEnoughUpdates: There is no update.
    """
    settings = TrimmedMeanSettings.model_validate(dict(facts.settings))
    number = len(facts.contributions)
    return without_ends(facts, min(share_of(settings.beta, number), (number - 1) // 2))


def without_ends(facts: RoundFacts, cut: int) -> Outcome:
    """Of each weight, the mean of the values that are left when `cut` are cut off at either end.

    Raises:
        NotEnoughUpdates: There is no update.
    """
    updates = facts.ordered
    require_updates(updates)
    weights: dict[str, np.ndarray] = {}
    counts = np.zeros(len(updates), dtype=np.int64)
    for spec in facts.signature.tensors:
        result = trimmed(updates, spec, cut)
        weights[spec.name] = result.mean
        counts += result.counts
    return Outcome(weights, shares_of(updates, parts_of(counts)))
