"""ROC and precision-recall curves of one class against the rest, and what follows from them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from sklearn.metrics import auc, precision_recall_curve, roc_curve

from models.measures.report import OperatingPoint, Points

MAX_POINTS = 60
"""Points of a curve that are kept: more than a chart can show."""

MAX_POINTS_OF_ALL = 6000
"""Points of all curves of one kind, which bounds a report on a thousand classes."""

DIGITS = 5


@dataclass(frozen=True, slots=True)
class Curves:
    """What every threshold on a class's probability comes to, by falling threshold.

    Attributes:
        false_positives: Examples of other classes at or above the threshold, (thresholds,).
        true_positives: Examples of the class at or above it, (thresholds,).
        thresholds: Scores, (thresholds,); the first is infinite, where nothing is taken.
        recall: Growing, (points,), from 0.
        precision: At `recall`, (points,); 1 where nothing is taken.
    """

    false_positives: npt.NDArray[np.float64]
    true_positives: npt.NDArray[np.float64]
    thresholds: npt.NDArray[np.float64]
    recall: npt.NDArray[np.float64]
    precision: npt.NDArray[np.float64]

    @property
    def auc(self) -> float:
        """Area under the ROC curve."""
        false, true = self.false_positives, self.true_positives
        return float(auc(false / false[-1], true / true[-1]))

    @property
    def average_precision(self) -> float:
        """Sum of the precisions, each times the recall that it adds, as scikit-learn has it."""
        # The empty sum of a class found first is a negative zero otherwise.
        return float(abs(np.sum(np.diff(self.recall) * self.precision[1:])))

    def roc_points(self, most: int = MAX_POINTS) -> Points:
        """(false positive rate, true positive rate) from (0, 0) to (1, 1)."""
        x = self.false_positives / self.false_positives[-1]
        y = self.true_positives / self.true_positives[-1]
        return _thinned(x, y, x + y, most)

    def precision_recall_points(self, most: int = MAX_POINTS) -> Points:
        """(recall, precision) by growing recall."""
        return _thinned(self.recall, self.precision, self.recall, most)


def curves_of(is_class: np.ndarray, score: np.ndarray) -> Curves:
    """The curves of one class; it and others must occur.

    Args:
        is_class: bool (n,).
        score: The class's probability, float (n,).
    """
    # Points on a line are kept here: one of them may be the best within a specificity.
    false, true, thresholds = roc_curve(is_class, score, drop_intermediate=False)
    precision, recall, _ = precision_recall_curve(is_class, score, drop_intermediate=True)
    positives = np.count_nonzero(is_class)
    return Curves(
        false_positives=np.rint(false * (len(is_class) - positives)),
        true_positives=np.rint(true * positives),
        thresholds=thresholds,
        recall=recall[::-1],
        precision=precision[::-1],
    )


def allowed_false_positives(
    specificity: float, negatives: npt.ArrayLike
) -> npt.NDArray[np.float64]:
    """How many of so many others may be taken for the class: whole numbers.

    Nine digits, so that 0.9 of 10 leaves 1, whatever binary fractions make of it.
    """
    return np.floor(np.round((1 - specificity) * np.asarray(negatives, np.float64), 9))


def operating_point(curves: Curves, specificity: float) -> OperatingPoint:
    """The most of the class that is found where `specificity` of the others is told apart.

    Of thresholds that find the same, the highest: it takes in the fewest others.
    """
    negatives, positives = curves.false_positives[-1], curves.true_positives[-1]
    allowed = allowed_false_positives(specificity, negatives)
    last = np.searchsorted(curves.false_positives, allowed, side="right") - 1
    place = int(np.searchsorted(curves.true_positives, curves.true_positives[last]))
    threshold = float(curves.thresholds[place])
    return OperatingPoint(
        specificity=specificity,
        reached=float(1 - curves.false_positives[place] / negatives),
        sensitivity=float(curves.true_positives[place] / positives),
        threshold=min(threshold, 1.0) if np.isfinite(threshold) else None,
    )


def points_a_curve(num_classes: int) -> int:
    """How many points each of so many classes' curves may have."""
    return max(2, min(MAX_POINTS, MAX_POINTS_OF_ALL // num_classes))


def _thinned(x: np.ndarray, y: np.ndarray, along: np.ndarray, most: int) -> Points:
    """At most so many points, evenly spread over growing `along`; the ends are kept."""
    if len(x) <= most:
        kept = np.arange(len(x))
    else:
        wanted = np.linspace(along[0], along[-1], most)
        kept = np.unique(np.searchsorted(along, wanted))
        kept[0], kept[-1] = 0, len(x) - 1
    return tuple((round(float(x[k]), DIGITS), round(float(y[k]), DIGITS)) for k in kept)
