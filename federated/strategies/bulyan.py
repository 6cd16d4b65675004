"""Bulyan: Krum chooses, and of what it chose each weight is a mean around the median.

References:
    E. M. El Mhamdi, R. Guerraoui, S. Rouault, "The Hidden Vulnerability of Distributed Learning in
    Byzantium", ICML 2018. https://arxiv.org/abs/1802.07927
"""

from __future__ import annotations

import numpy as np

from federated.strategies.coordinates import Middle, parts_of, picked
from federated.strategies.distances import squared_distances
from federated.strategies.krum import KrumSettings, krum_scores, require_number
from federated.strategies.round import Outcome, RoundFacts, shares_of


class BulyanSettings(KrumSettings):
    """Settings of Bulyan.

    Attributes:
        f: Updates of a round that may be hostile.
    """

    @property
    def least(self) -> int:
        """Updates that it takes."""
        return 4 * self.f + 3


def bulyan(facts: RoundFacts) -> Outcome:
    """Of each weight, the mean of the θ − 2f values closest to the median of θ = n − 2f updates.

    Those θ updates are chosen by Krum one after the other, each among those that are left. The
    number of examples does not count, as in the paper. BatchNorm's moving statistics are not
    looked at by Krum, but taken from the chosen like any tensor. The share of an update is
    how many of all values that counted were its own. Flower's newer Bulyan takes the θ best of
    a single Krum instead, which is another rule; its older one is this.

    Raises:
        NotEnoughUpdates: There are fewer than 4f + 3 updates.
    """
    settings = BulyanSettings.model_validate(dict(facts.settings))
    updates = facts.ordered
    require_number(updates, settings.least, f"Bulyan with f = {settings.f}")
    number = len(updates) - 2 * settings.f
    places = chosen(squared_distances(facts, updates), settings.f, number)
    selected = [updates[place] for place in places]
    weights: dict[str, np.ndarray] = {}
    counts = np.zeros(number, dtype=np.int64)
    for spec in facts.signature.tensors:
        result = picked(selected, spec, lambda ordered: around_median(ordered, settings.f))
        weights[spec.name] = result.mean
        counts += result.counts
    left_out = shares_of(updates, [0.0] * len(updates))
    return Outcome(weights, left_out | shares_of(selected, parts_of(counts)))


def chosen(distances: np.ndarray, f: int, number: int) -> list[int]:
    """The places of so many updates that Krum chooses one after the other, in order of place."""
    left = np.arange(len(distances))
    taken = []
    for _ in range(number):
        scores = krum_scores(distances[np.ix_(left, left)], f)
        best = int(np.argmin(scores))
        taken.append(int(left[best]))
        left = np.delete(left, best)
    return sorted(taken)


def around_median(ordered: np.ndarray, f: int) -> Middle:
    """All but the 2f values that lie furthest from the median, coordinate by coordinate.

    Args:
        ordered: (coordinates, values), sorted along the values.
        f: Half of the number of values that are left out.
    """
    number = ordered.shape[1]
    length = number - 2 * f
    values = ordered.astype(np.float64)
    middle = (values[:, (number - 1) // 2] + values[:, number // 2])[:, None] / 2
    # The closest values lie side by side; where to begin is where the further end is nearest.
    reach = np.maximum(middle - values[:, : 2 * f + 1], values[:, length - 1 :] - middle)
    start = np.argmin(reach, axis=1)[:, None]
    place = np.arange(number)[None, :]
    mean = values.sum(axis=1, where=(place >= start) & (place < start + length)) / length
    low = np.take_along_axis(ordered, start, axis=1)[:, 0]
    high = np.take_along_axis(ordered, start + length - 1, axis=1)[:, 0]
    return Middle(mean, low, high)
