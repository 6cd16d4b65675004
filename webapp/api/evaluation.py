"""The master's evaluation of a model, as the web app reads it.

The master writes it with `models.measures`, which the web app must not import; a test holds
the two together. What an earlier version did not write has a default.
"""

from __future__ import annotations

from pydantic import Field

from federated.values import Message

Points = tuple[tuple[float, float], ...]


class Interval(Message):
    """Where a figure would lie in 95 of 100 samples like this one."""

    low: float
    high: float


class OperatingPoint(Message):
    """How much of a class is found at a specificity.

    Attributes:
        specificity: Share of the others that is to be told apart.
        reached: Share that is; None for a mean over classes.
        sensitivity: Share of the class that is found.
        threshold: Probability from which on it counts as found; None where there is none.
        interval: Of the sensitivity.
    """

    specificity: float
    reached: float | None
    sensitivity: float
    threshold: float | None
    interval: Interval | None = None


class ClassFigures(Message):
    """How one class fares against all others; figures are None where they cannot be told.

    Attributes:
        name: The class.
        support: Examples that are of this class.
        precision: Share of right ones among those taken for this class.
        recall: Share of this class that was found.
        specificity: Share of the others that was not taken for this class.
        f1: Harmonic mean of precision and recall.
        auc: Area under the ROC curve.
        average_precision: Area under the steps of the precision-recall curve.
        roc: Points (false positive rate, true positive rate), each 0 to 1.
        precision_recall: Points (recall, precision), each 0 to 1.
        sensitivity_at: How much of it is found at each specificity.
        intervals: Of the figures that have one, by name.
        missing: Why a figure is not told, by name.
    """

    name: str
    support: int
    precision: float | None
    recall: float | None
    specificity: float | None = None
    f1: float | None
    auc: float | None
    average_precision: float | None = None
    roc: Points
    precision_recall: Points = ()
    sensitivity_at: tuple[OperatingPoint, ...] = ()
    intervals: dict[str, Interval] = Field(default_factory=dict)
    missing: dict[str, str] = Field(default_factory=dict)


class ReliabilityBin(Message):
    """The pictures on which the model was about as sure; None where there are none.

    Attributes:
        lower: Of its highest probability.
        upper: Of its highest probability.
        count: Pictures.
        confidence: Mean of their highest probabilities.
        accuracy: Share of them that was right.
    """

    lower: float
    upper: float
    count: int
    confidence: float | None
    accuracy: float | None


class Report(Message):
    """Figures of one model on one set of pictures.

    Attributes:
        num_examples: Pictures looked at.
        loss: Mean cross-entropy in nats.
        accuracy: Share that was right.
        balanced_accuracy: Mean recall over the classes that occur.
        auc: Area under the ROC curve, the mean over classes where there are more than two.
        auc_missing: Why there is no `auc`.
        average_precision: As `auc`, of the precision-recall curve.
        sensitivity_at: How much is found at each specificity: of the second of two classes, or
            the mean over more.
        classes: In the study's order.
        confusion: Rows are true classes, columns predicted ones.
        calibration_error: Mean gap between how sure the model was and how often it was right.
        reliability: The bins that it comes from.
        brier: Mean squared distance of the probabilities from the truth.
        intervals: Of the figures that have one, by name.
        resamples: Resamples that the intervals come from; 0 for none.
    """

    num_examples: int
    loss: float
    accuracy: float
    balanced_accuracy: float
    auc: float | None
    auc_missing: str | None
    average_precision: float | None = None
    sensitivity_at: tuple[OperatingPoint, ...] = ()
    classes: tuple[ClassFigures, ...]
    confusion: tuple[tuple[int, ...], ...]
    calibration_error: float | None = None
    reliability: tuple[ReliabilityBin, ...] = ()
    brier: float | None = None
    intervals: dict[str, Interval] = Field(default_factory=dict)
    resamples: int = 0


class Evaluation(Message):
    """`GET /runs/<id>/evaluation`: reports on the test and audit parts.

    Attributes:
        note: Why a report is missing.
    """

    round: int
    test: Report | None
    audit: Report | None = None
    note: str | None = None
