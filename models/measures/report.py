"""What is told of an evaluation: the figures of a report, as they are written and sent."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from federated.values import Label, Value

Share = Annotated[float, Field(ge=0, le=1)]
Count = Annotated[int, Field(ge=0)]
Points = tuple[tuple[Share, Share], ...]


class Interval(Value):
    """Where a figure would lie in 95 of 100 samples like this one (see `bootstrap`).

    Attributes:
        low: Lower end.
        high: Upper end.
    """

    low: float
    high: float


class OperatingPoint(Value):
    """How much of a class is found where few of the others may be taken for it.

    Attributes:
        specificity: The share of the others that must be told apart; what was asked for.
        reached: The share that is told apart at the threshold, at least `specificity`; None
            where the figure is a mean over classes.
        sensitivity: Share of the class that is found.
        threshold: Probability from which on an example counts as of the class; None where the
            figure is a mean over classes, or where every threshold lets too many others in.
        interval: Of `sensitivity`; each resample finds a threshold of its own.
    """

    specificity: Share
    reached: Share | None
    sensitivity: Share
    threshold: Share | None
    interval: Interval | None = None


class Averages(Value):
    """Means over the classes that occur; a class that was never predicted has precision 0.

    Attributes:
        precision: Mean precision.
        recall: Mean recall: of each class once, the balanced accuracy.
        specificity: Mean specificity; None where one class alone occurs.
        f1: Mean F1.
    """

    precision: Share
    recall: Share
    specificity: Share | None
    f1: Share


class ClassReport(Value):
    """How one class fares against all others.

    Attributes:
        name: The class.
        support: Examples that are of this class.
        precision: Share of right ones among those taken for this class; None if there are none.
        recall: Share of this class that was found, its sensitivity; None without support.
        specificity: Share of the others that was not taken for this class; None without others.
        f1: Harmonic mean of precision and recall; None if the class neither occurs nor was
            predicted.
        auc: Area under the ROC curve; None unless there are examples of it and of others.
        average_precision: Mean of the precisions over the recalls, of each threshold in turn;
            guessing reaches the class's share of the examples. None as `auc`.
        roc: Points (false positive rate, true positive rate); empty without `auc`.
        precision_recall: Points (recall, precision) by growing recall; empty without `auc`.
        sensitivity_at: Its sensitivity at each specificity asked for. Of two classes only the
            second has it; empty without `auc`.
        intervals: Of the figures that have one, by name.
        missing: Why a figure or its interval (`recall_interval`) is not told, as sentences.
    """

    name: Label
    support: Count
    precision: Share | None
    recall: Share | None
    specificity: Share | None
    f1: Share | None
    auc: Share | None
    average_precision: Share | None
    roc: Points
    precision_recall: Points
    sensitivity_at: tuple[OperatingPoint, ...] = ()
    intervals: dict[str, Interval] = Field(default_factory=dict)
    missing: dict[str, str] = Field(default_factory=dict)


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
        average_precision: Of class 1, or the mean over the classes, as `auc`.
        macro: Means in which each class counts once.
        weighted: Means in which each class counts by its examples.
        sensitivity_at: Sensitivity at each specificity asked for: of class 1, or the mean over
            the classes, as `auc`; empty without it.
        classes: One report a class, in order.
        confusion: Rows are true classes, columns predicted ones.
        calibration_error: Expected calibration error (Naeini et al., AAAI 2015; as in
            Guo et al., arXiv:1706.04599) over ten bins of the same width.
        reliability: The bins of `calibration_error`.
        brier: Brier score, 0 for a perfect forecast: mean squared distance of the probabilities
            from the truth. Two classes: of class 1 alone, 0 to 1. More: summed over the
            classes, 0 to 2 (Brier, Monthly Weather Review 78, 1950).
        intervals: 95 % intervals of the figures that have one, by name; empty where none were
            asked for.
        missing: Why a figure or its interval (`auc_interval`) is not told, as sentences.
        resamples: Resamples that `intervals` come from; 0 for none.
    """

    num_examples: Annotated[int, Field(ge=1)]
    loss: Annotated[float, Field(ge=0)]
    accuracy: Share
    balanced_accuracy: Share
    auc: Share | None
    auc_missing: str | None
    average_precision: Share | None
    macro: Averages
    weighted: Averages
    sensitivity_at: tuple[OperatingPoint, ...]
    classes: tuple[ClassReport, ...]
    confusion: tuple[tuple[Count, ...], ...]
    calibration_error: Share
    reliability: tuple[ReliabilityBin, ...]
    brier: Annotated[float, Field(ge=0, le=2)]
    intervals: dict[str, Interval] = Field(default_factory=dict)
    missing: dict[str, str] = Field(default_factory=dict)
    resamples: Count = 0
