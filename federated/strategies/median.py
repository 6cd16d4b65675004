"""The median of each weight by itself.

References:
    D. Yin, Y. Chen, K. Ramchandran, P. Bartlett, "Byzantine-Robust Distributed Learning: Towards
    Optimal Statistical Rates", ICML 2018, definition 1. https://arxiv.org/abs/1803.01498
"""

from __future__ import annotations

from federated.strategies.round import Outcome, RoundFacts
from federated.strategies.trimmed_mean import without_ends


def median(facts: RoundFacts) -> Outcome:
    """Of each weight the middle value, or the mean of the two in the middle.

    As long as fewer than half of the updates are hostile, each weight stays within the range
    of the honest ones. The number of examples does not count, as in the paper: a hostile site
    could claim many. BatchNorm's moving statistics are taken in the same way. The share of an
    update is how many of all middle values were its own.

    Raises:
        NotEnoughUpdates: There is no update.
    """
    return without_ends(facts, (len(facts.contributions) - 1) // 2)
