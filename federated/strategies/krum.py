"""Krum: the one update that lies closest to its neighbours.

References:
    P. Blanchard, E. M. El Mhamdi, R. Guerraoui, J. Stainer, "Machine Learning with Adversaries:
    Byzantine Tolerant Gradient Descent", NeurIPS 2017. https://arxiv.org/abs/1703.02757
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Self

import numpy as np
from pydantic import Field

from federated.errors import NotEnoughUpdates
from federated.strategies.coordinates import median_of
from federated.strategies.distances import squared_distances
from federated.strategies.fedavg import scaled_sum
from federated.strategies.round import Contribution, Outcome, RoundFacts, shares_of
from federated.values import Value

Hostile = Annotated[int, Field(ge=0, le=10_000)]


class KrumSettings(Value):
    """Settings of Krum.

    Attributes:
        f: Updates of a round that may be hostile.
    """

    f: Hostile = 1

    @property
    def least(self) -> int:
        """Updates that it takes: of fewer, hostile ones could pass for the crowd."""
        return 2 * self.f + 3

    def of_fewer(self, number: int) -> Self | None:
        """The settings for fewer updates: the largest f that so many bear; None below three.

        Args:
            number: Updates that there are.
        """
        borne = (self.model_copy(update={"f": f}) for f in range(self.f, -1, -1))
        return next((settings for settings in borne if settings.least <= number), None)


def krum(facts: RoundFacts) -> Outcome:
    """W ← the Wᵢ with the least sum of squared distances to its n − f − 2 closest others.

    Distances go over the trainable tensors; the number of examples does not count, as in the
    paper. Of equal sums that of the first node by name counts. Statistics are the median of
    all updates, coordinate by coordinate: a hostile site could send honest weights with
    statistics that spoil them.

    Raises:
        NotEnoughUpdates: There are fewer than 2f + 3 updates.
    """
    settings = KrumSettings.model_validate(dict(facts.settings))
    updates = facts.ordered
    require_number(updates, settings.least, f"Krum with f = {settings.f}")
    scores = krum_scores(squared_distances(facts, updates), settings.f)
    return mean_of_chosen(facts, updates, closest(scores, 1))


def require_number(updates: Sequence[Contribution], least: int, rule: str) -> None:
    """Refuses too few updates for a rule.

    Raises:
        NotEnoughUpdates: There are fewer than `least`.
    """
    if len(updates) < least:
        raise NotEnoughUpdates(
            f"{rule} has too few updates", expected=f"at least {least}", received=len(updates)
        )


def krum_scores(distances: np.ndarray, f: int) -> np.ndarray:
    """For each update the sum of the distances to its n − f − 2 closest others, at least one.

    Args:
        distances: Squared, float64 (n, n).
        f: Updates that may be hostile.
    """
    others = distances.copy()
    np.fill_diagonal(others, np.inf)
    others.sort(axis=1)
    return np.asarray(others[:, : max(1, len(others) - f - 2)].sum(axis=1))


def closest(scores: np.ndarray, number: int) -> np.ndarray:
    """The places of so many least scores, in order of place; of equal ones the first count."""
    return np.sort(np.argsort(scores, kind="stable")[:number])


def mean_of_chosen(
    facts: RoundFacts, updates: Sequence[Contribution], chosen: np.ndarray
) -> Outcome:
    """The plain mean of some updates' trainable tensors, and the median of all statistics.

    Args:
        facts: The round.
        updates: All its updates, in order.
        chosen: The places of those that count, at least one.
    """
    scales = [0.0] * len(updates)
    for place in chosen:
        scales[place] = 1 / len(chosen)
    weights = {
        spec.name: scaled_sum(updates, scales, spec).astype(spec.dtype)
        if spec.trainable
        else median_of(updates, spec).mean
        for spec in facts.signature.tensors
    }
    return Outcome(weights, shares_of(updates, scales))
