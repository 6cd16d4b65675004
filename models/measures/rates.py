"""Shares that follow from counts: precision, recall, specificity, F1 and their means.

One formula for one sample and for many resamples of it: every array has the class as its first
axis and may have the resample as its second. NaN stands for what cannot be told; whoever tells
a figure turns it into None.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Counts:
    """How many examples of, taken for, and rightly taken for each class.

    Attributes:
        support: Examples of the class, (classes, …).
        taken: Examples taken for it, (classes, …).
        hits: Those of them that are of it, (classes, …).
    """

    support: Floats
    taken: Floats
    hits: Floats


@dataclass(frozen=True, slots=True)
class Rates:
    """Shares of each class, (classes, …), or means over classes, (…); 0 to 1 or NaN."""

    precision: Floats
    recall: Floats
    specificity: Floats
    f1: Floats


def counts_of(confusion: np.ndarray) -> Counts:
    """The counts of one confusion matrix; rows are true classes, columns predicted ones."""
    table = confusion.astype(np.float64)
    return Counts(table.sum(axis=1), table.sum(axis=0), np.diagonal(table))


def rates(counts: Counts) -> Rates:
    """Precision, recall, specificity and F1 of each class against all others."""
    support, taken, hits = counts.support, counts.taken, counts.hits
    others = support.sum(axis=0) - support
    return Rates(
        precision=_share(hits, taken),
        recall=_share(hits, support),
        specificity=_share(others - (taken - hits), others),
        f1=_share(2 * hits, support + taken),
    )


def averages(each: Rates, counts: Counts, *, weighted: bool) -> Rates:
    """Means over the classes that occur, of each class once or by its examples.

    A class that was never predicted counts with precision 0, as scikit-learn has it.

    Args:
        each: The rates of the classes.
        counts: Their counts.
        weighted: Whether a class counts by its support.
    """
    weights = counts.support if weighted else (counts.support > 0).astype(np.float64)

    def mean(values: Floats) -> Floats:
        counted = np.where(weights > 0, values, 0.0)
        total: Floats = (weights * counted).sum(axis=0) / weights.sum(axis=0)
        return total

    return Rates(
        precision=mean(np.nan_to_num(each.precision)),
        recall=mean(each.recall),
        specificity=mean(each.specificity),
        f1=mean(each.f1),
    )


def _share(part: Floats, whole: Floats) -> Floats:
    nothing = np.full(np.broadcast(part, whole).shape, np.nan)
    shares: Floats = np.divide(part, whole, out=nothing, where=whole > 0)
    return shares
