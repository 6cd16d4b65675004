"""How good probabilities are: one report for the audit, the test part and every site.

Pure numpy and scikit-learn. What cannot be said of the given examples is `None`, never NaN.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from typing import Annotated

import numpy as np
from pydantic import Field
from sklearn.metrics import roc_auc_score, roc_curve

from federated.errors import InvalidInput
from federated.values import Label, Value

MAX_ROC_POINTS = 60
CALIBRATION_BINS = 10
SMALLEST_PROBABILITY = 1e-7
"""A probability of 0 for what is true would cost infinitely much; Keras clips here too."""

Share = Annotated[float, Field(ge=0, le=1)]
Count = Annotated[int, Field(ge=0)]


class ClassReport(Value):
    """How one class fares against all others.

    Attributes:
        name: The class.
        support: Examples that are of this class.
        precision: Share of right ones among those taken for this class; None if there are none.
        recall: Share of this class that was found; None without support.
        f1: Harmonic mean of both; None if the class neither occurs nor was predicted.
        auc: Area under the ROC curve; None unless there are examples of it and of others.
        roc: Points (false positive rate, true positive rate), at most 60; empty without `auc`.
    """

    name: Label
    support: Count
    precision: Share | None
    recall: Share | None
    f1: Share | None
    auc: Share | None
    roc: tuple[tuple[Share, Share], ...]


class ReliabilityBin(Value):
    """The examples whose highest probability lies in `(lower, upper]`.

    Attributes:
        lower: Lower end.
        upper: Upper end.
        count: Examples in this bin.
        confidence: Mean of their highest probabilities; None if the bin is empty.
        accuracy: Share of them that were right; None if the bin is empty.
    """

    lower: Share
    upper: Share
    count: Count
    confidence: Share | None
    accuracy: Share | None


class Report(Value):
    """Everything that the web app and REST tell of an evaluation.

    Attributes:
        num_examples: Examples looked at.
        loss: Mean cross-entropy in nats.
        accuracy: Share that was right.
        balanced_accuracy: Mean recall over the classes that occur.
        auc: Two classes: area under the ROC curve of class 1. More: mean over the classes, each
            against the rest. None where a class does not occur.
        auc_missing: Why there is no `auc`, as a sentence; None where there is one.
        classes: One report a class, in order.
        confusion: Rows are true classes, columns predicted ones.
        calibration_error: Expected calibration error (Naeini et al., AAAI 2015; as in
            Guo et al., arXiv:1706.04599) over ten bins of the same width.
        reliability: The bins of `calibration_error`.
    """

    num_examples: Annotated[int, Field(ge=1)]
    loss: Annotated[float, Field(ge=0)]
    accuracy: Share
    balanced_accuracy: Share
    auc: Share | None
    auc_missing: str | None
    classes: tuple[ClassReport, ...]
    confusion: tuple[tuple[Count, ...], ...]
    calibration_error: Share
    reliability: tuple[ReliabilityBin, ...]


def evaluate_probabilities(
    labels: np.ndarray, probabilities: np.ndarray, classes: Sequence[str]
) -> Report:
    """The report on `probabilities` against the true `labels`.

    Args:
        labels: True class indices, integers (n,), n at least 1.
        probabilities: (n, classes), each row summing to 1.
        classes: The class names, in order.

    Returns:
        The report. Of equal probabilities, the first class counts as predicted.

    Raises:
        InvalidInput: The arrays do not fit each other, or are no labels or no probabilities.
    """
    _check(labels, probabilities, len(classes))
    chances = probabilities.astype(np.float64)
    predicted = chances.argmax(axis=1)
    confusion = confusion_matrix(labels, predicted, len(classes))
    reports = tuple(
        _class_report(name, k, labels, chances, confusion) for k, name in enumerate(classes)
    )
    reliability = reliability_bins(chances.max(axis=1), predicted == labels)
    auc, auc_missing = _mean_auc(reports)
    recalls = [report.recall for report in reports if report.recall is not None]
    return Report(
        num_examples=len(labels),
        loss=cross_entropy(labels, chances),
        accuracy=float(np.mean(predicted == labels)),
        balanced_accuracy=float(np.mean(recalls)),
        auc=auc,
        auc_missing=auc_missing,
        classes=reports,
        confusion=tuple(tuple(int(count) for count in row) for row in confusion),
        calibration_error=_calibration_error(reliability),
        reliability=reliability,
    )


def cross_entropy(labels: np.ndarray, probabilities: np.ndarray) -> float:
    """Mean over examples of minus the logarithm of the true class's probability, in nats."""
    of_truth = probabilities[np.arange(len(labels)), labels]
    return float(-np.log(np.clip(of_truth, SMALLEST_PROBABILITY, 1.0)).mean())


def confusion_matrix(labels: np.ndarray, predicted: np.ndarray, num_classes: int) -> np.ndarray:
    """Counts, int64 (classes, classes); rows are true classes, columns predicted ones."""
    pairs = labels.astype(np.int64) * num_classes + predicted
    return np.bincount(pairs, minlength=num_classes**2).reshape(num_classes, num_classes)


def reliability_bins(confidence: np.ndarray, right: np.ndarray) -> tuple[ReliabilityBin, ...]:
    """Sorts examples by confidence, float (n,) in 0–1, into ten bins of the same width."""
    edges = np.linspace(0.0, 1.0, CALIBRATION_BINS + 1)
    bins = np.clip(np.digitize(confidence, edges, right=True) - 1, 0, CALIBRATION_BINS - 1)
    return tuple(
        _reliability_bin(lower, upper, confidence[bins == k], right[bins == k])
        for k, (lower, upper) in enumerate(itertools.pairwise(edges))
    )


def roc_points(is_class: np.ndarray, score: np.ndarray) -> tuple[tuple[float, float], ...]:
    """The ROC curve from (0, 0) to (1, 1), thinned to at most 60 points."""
    false_positive, true_positive, _ = roc_curve(is_class, score)
    count = len(false_positive)
    kept = np.unique(np.linspace(0, count - 1, min(count, MAX_ROC_POINTS)).round().astype(int))
    return tuple((float(false_positive[k]), float(true_positive[k])) for k in kept)


def _class_report(
    name: str, k: int, labels: np.ndarray, chances: np.ndarray, confusion: np.ndarray
) -> ClassReport:
    hits, support, taken = confusion[k, k], confusion[k].sum(), confusion[:, k].sum()
    has_both = 0 < support < len(labels)
    return ClassReport(
        name=name,
        support=int(support),
        precision=_ratio(hits, taken),
        recall=_ratio(hits, support),
        f1=_ratio(2 * hits, support + taken),
        auc=float(roc_auc_score(labels == k, chances[:, k])) if has_both else None,
        roc=roc_points(labels == k, chances[:, k]) if has_both else (),
    )


def _ratio(part: int, whole: int) -> float | None:
    return float(part / whole) if whole else None


def _mean_auc(reports: Sequence[ClassReport]) -> tuple[float | None, str | None]:
    missing = [report.name for report in reports if not report.support]
    if missing:
        return None, f"AUC needs examples of every class; there are none of {', '.join(missing)}."
    # With two classes, class 1 against the rest is the figure that papers quote.
    counted = reports[1:] if len(reports) == 2 else reports
    return float(np.mean([report.auc for report in counted])), None


def _reliability_bin(
    lower: float, upper: float, confidence: np.ndarray, right: np.ndarray
) -> ReliabilityBin:
    empty = len(confidence) == 0
    return ReliabilityBin(
        lower=float(lower),
        upper=float(upper),
        count=len(confidence),
        confidence=None if empty else float(np.clip(confidence.mean(), 0.0, 1.0)),
        accuracy=None if empty else float(right.mean()),
    )


def _calibration_error(reliability: Sequence[ReliabilityBin]) -> float:
    gaps = [
        entry.count * abs(entry.confidence - entry.accuracy)
        for entry in reliability
        if entry.confidence is not None and entry.accuracy is not None
    ]
    return sum(gaps) / sum(entry.count for entry in reliability)


def _check(labels: np.ndarray, probabilities: np.ndarray, num_classes: int) -> None:
    if len(labels) == 0 or probabilities.shape != (len(labels), num_classes):
        raise InvalidInput(
            "Labels and probabilities do not fit each other",
            expected=f"labels (n,) and probabilities (n, {num_classes}), n at least 1",
            received=f"{labels.shape} and {probabilities.shape}",
        )
    if not np.issubdtype(labels.dtype, np.integer) or not (
        0 <= labels.min() <= labels.max() < num_classes
    ):
        raise InvalidInput(
            "A label is no class of this study",
            expected=f"integers from 0 to {num_classes - 1}",
            received=f"{labels.dtype} from {labels.min()} to {labels.max()}",
        )
    sums = probabilities.sum(axis=1)
    # NaN fails every comparison, so that it is refused here too.
    if not (np.all(probabilities >= 0) and np.allclose(sums, 1.0, atol=1e-3)):
        raise InvalidInput(
            "These are no probabilities",
            expected="finite rows of numbers from 0 to 1 that sum to 1",
            received=f"rows that sum to {sums.min():g} … {sums.max():g}",
        )
