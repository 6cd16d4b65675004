"""AUC, average precision and sensitivity of many weightings of the same examples at once.

scikit-learn takes one weighting a call, which a thousand resamples cannot afford; a test holds
these to its `sample_weight`.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from models.measures.curves import allowed_false_positives

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Ranking:
    """The examples by falling probability of one class.

    Attributes:
        order: Places of the examples, integers (n,).
        is_class: Whether each is of the class, in that order, bool (n,).
        ends: Place in `order` of the last of those that share a probability, (distinct,).
    """

    order: npt.NDArray[np.intp]
    is_class: npt.NDArray[np.bool_]
    ends: npt.NDArray[np.intp]


@dataclass(frozen=True, slots=True)
class Thresholds:
    """What each threshold takes in, under many weightings.

    Attributes:
        true_positives: Weight of the class at or above each threshold, (distinct, weightings).
        false_positives: Weight of the others there, (distinct, weightings).
    """

    true_positives: Floats
    false_positives: Floats


def ranking_of(is_class: np.ndarray, score: np.ndarray) -> Ranking:
    """Sorts the examples of one class and the others once, for all weightings.

    Args:
        is_class: bool (n,).
        score: The class's probability, float (n,).
    """
    order = np.argsort(-score, kind="stable")
    ranked = score[order]
    ends = np.append(np.flatnonzero(np.diff(ranked)), len(ranked) - 1)
    return Ranking(order, is_class[order], ends)


def thresholds(ranking: Ranking, weights: Floats) -> Thresholds:
    """What each threshold takes in.

    Args:
        ranking: Of the class.
        weights: How often each example counts, (n, weightings), in the examples' own order.
    """
    ranked = weights[ranking.order]
    taken = np.cumsum(ranked, axis=0)[ranking.ends]
    ranked[~ranking.is_class] = 0.0
    found = np.cumsum(ranked, axis=0)[ranking.ends]
    return Thresholds(found, taken - found)


def auc(at: Thresholds) -> Floats:
    """Area under each weighting's ROC curve, (weightings,); both kinds must have weight."""
    widths = np.diff(at.false_positives, axis=0, prepend=0.0)
    heights = at.true_positives.copy()
    heights[1:] += at.true_positives[:-1]
    twice = np.einsum("tw,tw->w", widths, heights)
    area: Floats = twice / (2 * at.true_positives[-1] * at.false_positives[-1])
    return area


def average_precision(at: Thresholds) -> Floats:
    """Sum of the precisions, each times the recall that it adds, (weightings,)."""
    taken = at.true_positives + at.false_positives
    precision = at.true_positives / np.maximum(taken, np.finfo(np.float64).tiny)
    added = np.diff(at.true_positives, axis=0, prepend=0.0)
    total: Floats = np.einsum("tw,tw->w", added, precision) / at.true_positives[-1]
    return total


def sensitivity(at: Thresholds, specificity: float) -> Floats:
    """The most of the class that is found at a specificity, (weightings,).

    Each weighting has the threshold that suits it.
    """
    allowed = allowed_false_positives(specificity, at.false_positives[-1])
    found = np.where(at.false_positives <= allowed, at.true_positives, 0.0).max(axis=0)
    share: Floats = found / at.true_positives[-1]
    return share
