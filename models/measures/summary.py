"""What several evaluations of one kind come to: the folds of a cross-validation, or seeds.

References:
    R. Kohavi, "A Study of Cross-Validation and Bootstrap for Accuracy Estimation and Model
    Selection", IJCAI 1995.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from typing import Annotated

import numpy as np
from pydantic import Field

from federated.values import Value
from models.measures.report import Report

WHOLE = (
    "loss",
    "accuracy",
    "balanced_accuracy",
    "auc",
    "average_precision",
    "calibration_error",
    "brier",
)
OF_CLASSES = ("precision", "recall", "specificity", "f1", "auc", "average_precision")


class Spread(Value):
    """One figure over several reports.

    Attributes:
        mean: Of the reports that tell it.
        deviation: Sample standard deviation (divided by one less than `count`); None for one.
        low: The least.
        high: The greatest.
        count: Reports that tell it, at least 1.
    """

    mean: float
    deviation: float | None
    low: float
    high: float
    count: Annotated[int, Field(ge=1)]


def figures_of(report: Report) -> dict[str, float | None]:
    """Every single figure of a report under one name each; None where it cannot be told.

    Those of all classes together have their own names (`auc`, `f1`: means in which each class
    counts once; `sensitivity_at_90`), those of a class its name behind: `recall/melanoma`.
    """
    figures: dict[str, float | None] = {name: getattr(report, name) for name in WHOLE}
    macro = report.macro
    figures |= {"f1": macro.f1, "precision": macro.precision, "specificity": macro.specificity}
    for point in report.sensitivity_at:
        figures[f"sensitivity_at_{100 * point.specificity:g}"] = point.sensitivity
    for entry in report.classes:
        figures |= {f"{name}/{entry.name}": getattr(entry, name) for name in OF_CLASSES}
    return figures


def summarise(reports: Sequence[Report]) -> dict[str, Spread]:
    """Mean and deviation over the reports of every figure that at least one tells.

    The deviation is how much one fold or seed differs from another, not how sure their mean
    is: folds share their training pictures.
    """
    each = [figures_of(report) for report in reports]
    names = list(dict.fromkeys(name for figures in each for name in figures))
    told = {name: [f[name] for f in each if f.get(name) is not None] for name in names}
    return {
        name: spread(v for v in values if v is not None) for name, values in told.items() if values
    }


def spread(values: Iterable[float]) -> Spread:
    """Mean, deviation and ends of at least one value."""
    numbers = np.array(list(values), np.float64)
    deviation = float(numbers.std(ddof=1)) if len(numbers) > 1 else None
    return Spread(
        mean=math.fsum(numbers) / len(numbers),
        deviation=deviation,
        low=float(numbers.min()),
        high=float(numbers.max()),
        count=len(numbers),
    )
