"""How good probabilities are: one report for the audit, the test part and every site.

What cannot be said of the given examples is `None`, with the reason beside it, never NaN.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from sklearn.metrics import confusion_matrix

from models.measures.bootstrap import affordable_resamples, resampled
from models.measures.calibration import calibration_error, reliability_bins
from models.measures.curves import Curves, curves_of, operating_point, points_a_curve
from models.measures.inputs import check_examples
from models.measures.intervals import with_intervals
from models.measures.proper_scores import brier_score, cross_entropy
from models.measures.rates import Rates, averages, counts_of, rates
from models.measures.report import Averages, ClassReport, OperatingPoint, Report

SPECIFICITIES = (0.90, 0.95)
"""What few false alarms mean to those who ask how much is found."""

NOT_AFFORDABLE = "There are too many examples and classes for intervals."
REASONS = {
    "precision": "Nothing was taken for this class.",
    "recall": "There is no example of this class.",
    "specificity": "There is no example of another class.",
    "f1": "There is no example of this class, and nothing was taken for it.",
}


def evaluate_probabilities(
    labels: np.ndarray,
    probabilities: np.ndarray,
    classes: Sequence[str],
    *,
    intervals: bool = False,
    specificities: Sequence[float] = SPECIFICITIES,
    seed: int = 0,
) -> Report:
    """The report on `probabilities` against the true `labels`.

    Args:
        labels: True class indices, integers (n,), n at least 1.
        probabilities: (n, classes), each row summing to 1.
        classes: The class names, in order.
        intervals: Whether to tell 95 % intervals too, which costs many times as much.
        specificities: At which sensitivities are told, each 0 to 1.
        seed: Of the resamples that intervals come from.

    Returns:
        The report. Of equal probabilities, the first class counts as predicted.

    Raises:
        InvalidInput: The arrays do not fit each other, or are no labels or no probabilities.
    """
    check_examples(labels, probabilities, len(classes))
    chances = probabilities.astype(np.float64)
    figures = _figures(labels, chances, specificities)
    report = _report(figures, labels, chances, classes)
    if not intervals:
        return report
    resamples = affordable_resamples(len(labels), len(classes))
    if not resamples:
        return report.model_copy(update={"missing": report.missing | {"intervals": NOT_AFFORDABLE}})
    again = resampled(labels, chances, figures.counted, specificities, resamples, seed)
    return with_intervals(report, again, figures.counted)


@dataclass(frozen=True, slots=True)
class _Figures:
    """What the parts of a report are made from.

    Attributes:
        confusion: Rows are true classes, columns predicted ones.
        curves: Of each class that occurs beside others, else None.
        points: Of each class, its operating points; empty without curves.
        counted: Classes whose mean is the AUC of all; empty where there is none.
    """

    confusion: npt.NDArray[np.int64]
    curves: tuple[Curves | None, ...]
    points: tuple[tuple[OperatingPoint, ...], ...]
    counted: tuple[int, ...]


def _figures(
    labels: np.ndarray, chances: npt.NDArray[np.float64], specificities: Sequence[float]
) -> _Figures:
    num_classes = chances.shape[1]
    confusion = confusion_matrix(labels, chances.argmax(axis=1), labels=range(num_classes))
    support = confusion.sum(axis=1)
    curves = tuple(
        curves_of(labels == k, chances[:, k]) if 0 < support[k] < len(labels) else None
        for k in range(num_classes)
    )
    # With two classes, class 1 against the rest is the figure that papers quote.
    asked = tuple(range(num_classes)) if num_classes > 2 else (1,)
    points = tuple(
        tuple(operating_point(curve, each) for each in specificities)
        if curve is not None and k in asked
        else ()
        for k, curve in enumerate(curves)
    )
    return _Figures(confusion, curves, points, asked if (support > 0).all() else ())


def _report(
    figures: _Figures,
    labels: np.ndarray,
    chances: npt.NDArray[np.float64],
    classes: Sequence[str],
) -> Report:
    """Everything but intervals."""
    confusion, counted = figures.confusion, figures.counted
    counts = counts_of(confusion)
    each = rates(counts)
    macro = averages(each, counts, weighted=False)
    predicted = chances.argmax(axis=1)
    reliability = reliability_bins(chances.max(axis=1), predicted == labels)
    curves = [curve for k, curve in enumerate(figures.curves) if k in counted and curve is not None]
    why = _why_no_auc(classes, counts.support) if not counted else None
    names = ("auc", "average_precision", "sensitivity_at")
    return Report(
        num_examples=len(labels),
        loss=cross_entropy(labels, chances),
        accuracy=float(np.mean(predicted == labels)),
        balanced_accuracy=float(macro.recall),
        auc=_mean([curve.auc for curve in curves]),
        auc_missing=why,
        average_precision=_mean([curve.average_precision for curve in curves]),
        macro=_averages(macro),
        weighted=_averages(averages(each, counts, weighted=True)),
        sensitivity_at=_mean_points([figures.points[k] for k in counted]),
        classes=tuple(_class_report(name, k, figures, each) for k, name in enumerate(classes)),
        confusion=tuple(tuple(int(count) for count in row) for row in confusion),
        calibration_error=calibration_error(reliability),
        reliability=reliability,
        brier=brier_score(labels, chances),
        missing=dict.fromkeys(names, why) if why else {},
    )


def _class_report(name: str, k: int, figures: _Figures, each: Rates) -> ClassReport:
    curve, most = figures.curves[k], points_a_curve(len(figures.curves))
    told = {figure: _told(getattr(each, figure)[k]) for figure in REASONS}
    missing = {figure: why for figure, why in REASONS.items() if told[figure] is None}
    if curve is None:
        why = missing.get("recall") or missing["specificity"]
        missing |= {"auc": why, "average_precision": why, "sensitivity_at": why}
    return ClassReport(
        name=name,
        support=int(figures.confusion[k].sum()),
        precision=told["precision"],
        recall=told["recall"],
        specificity=told["specificity"],
        f1=told["f1"],
        auc=curve.auc if curve else None,
        average_precision=curve.average_precision if curve else None,
        roc=curve.roc_points(most) if curve else (),
        precision_recall=curve.precision_recall_points(most) if curve else (),
        sensitivity_at=figures.points[k],
        missing=missing,
    )


def _why_no_auc(classes: Sequence[str], support: npt.NDArray[np.float64]) -> str:
    missing = [name for name, count in zip(classes, support, strict=True) if not count]
    return f"AUC needs examples of every class; there are none of {', '.join(missing)}."


def _mean_points(points: Sequence[tuple[OperatingPoint, ...]]) -> tuple[OperatingPoint, ...]:
    """Class 1's own of two classes; of more, the mean sensitivity at each specificity."""
    if len(points) <= 1:
        return points[0] if points else ()
    return tuple(
        OperatingPoint(
            specificity=same[0].specificity,
            reached=None,
            sensitivity=float(np.mean([point.sensitivity for point in same])),
            threshold=None,
        )
        for same in zip(*points, strict=True)
    )


def _averages(means: Rates) -> Averages:
    return Averages(
        precision=float(means.precision),
        recall=float(means.recall),
        specificity=_told(means.specificity),
        f1=float(means.f1),
    )


def _mean(values: Sequence[float]) -> float | None:
    return float(np.mean(values)) if values else None


def _told(value: np.floating | npt.NDArray[np.float64]) -> float | None:
    """None for what cannot be told."""
    return None if math.isnan(value) else float(value)
