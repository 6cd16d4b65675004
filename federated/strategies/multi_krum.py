"""Multi-Krum: the mean of the updates that lie closest to their neighbours.

References:
    P. Blanchard, E. M. El Mhamdi, R. Guerraoui, J. Stainer, "Machine Learning with Adversaries:
    Byzantine Tolerant Gradient Descent", NeurIPS 2017. https://arxiv.org/abs/1703.02757
"""

from __future__ import annotations

from typing import Annotated, Self

from pydantic import Field

from federated.strategies.distances import squared_distances
from federated.strategies.krum import (
    KrumSettings,
    closest,
    krum_scores,
    mean_of_chosen,
    require_number,
)
from federated.strategies.round import Outcome, RoundFacts


class MultiKrumSettings(KrumSettings):
    """Settings of Multi-Krum.

    Attributes:
        m: Updates that count; n − f where it is not given, and never more than that.
    """

    m: Annotated[int, Field(ge=1, le=100_000)] | None = None

    @property
    def least(self) -> int:
        """Updates that it takes: of fewer, hostile ones could pass for the crowd."""
        return max(2 * self.f + 3, (self.m or 0) + self.f)

    def of_fewer(self, number: int) -> Self | None:
        """The settings for fewer updates: the largest f, and then the largest m, that they bear.

        Args:
            number: Updates that there are.
        """
        fewer = KrumSettings.of_fewer(self.model_copy(update={"m": None}), number)
        if fewer is None or self.m is None:
            return fewer
        return fewer.model_copy(update={"m": min(self.m, number - fewer.f)})


def multi_krum(facts: RoundFacts) -> Outcome:
    """W ← the plain mean of the m updates with the best scores of Krum.

    The number of examples does not count, as in the paper; Flower weighs by them, and agrees
    where they are equal. Statistics are the median of all updates, as in Krum.

    Raises:
        NotEnoughUpdates: There are fewer than 2f + 3 updates, or than m + f.
    """
    settings = MultiKrumSettings.model_validate(dict(facts.settings))
    updates = facts.ordered
    require_number(updates, settings.least, f"Multi-Krum with f = {settings.f}")
    scores = krum_scores(squared_distances(facts, updates), settings.f)
    number = settings.m or len(updates) - settings.f
    return mean_of_chosen(facts, updates, closest(scores, number))
