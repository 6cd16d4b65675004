"""95 % intervals by the stratified percentile bootstrap.

Examples are drawn anew, with replacement, from each class as many as it has. Every resample can
then tell every figure that the sample could, and sets that were put together class by class are
treated as what they are; an accuracy's interval therefore holds for these shares of the classes.
The training is not repeated: the intervals are of this model on other examples alike.

The calibration error has no interval: resamples have larger ones than the sample throughout, so
that the percentiles would lie beside the figure.

References:
    B. Efron and R. J. Tibshirani, "An Introduction to the Bootstrap", 1993, chapter 13.
    J. Carpenter and J. Bithell, "Bootstrap confidence intervals: when, which, what?",
    Statistics in Medicine 19 (2000).
    X. Robin et al., "pROC: an open-source package for R and S+ to analyze and compare ROC
    curves", BMC Bioinformatics 12 (2011): drawn class by class.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from models.measures import rankings
from models.measures.proper_scores import cross_entropies, squared_distances
from models.measures.rates import Counts, averages, rates
from models.measures.report import Interval

Floats = npt.NDArray[np.float64]

RESAMPLES = 1000
FEWEST_RESAMPLES = 200
"""Fewer tell too little of the tails."""

CELLS = 50_000_000
"""Examples times classes times resamples that intervals may cost: about two seconds."""

CHUNK = 2**17
"""Examples times resamples that are worked on together, so that they stay in the cache."""

PERCENTILES = (2.5, 97.5)
UNTOLD = 0.05
"""Share of the resamples that may be unable to tell a figure that has an interval."""

NO_WIDTH = "Every resample gives the same figure, so that no interval can be told."
TOO_RARE = "Too many resamples cannot tell this figure."


@dataclass(frozen=True, slots=True)
class Resampled:
    """The figures of each resample; NaN where it cannot tell one.

    Attributes:
        whole: Of all classes together, by name, (resamples,).
        classes: Of each class, by name, (classes, resamples).
        sensitivities: At each specificity, (specificities, classes, resamples).
    """

    whole: Mapping[str, Floats]
    classes: Mapping[str, Floats]
    sensitivities: Floats


def affordable_resamples(num_examples: int, num_classes: int) -> int:
    """How many resamples so many examples get; 0 where it would be too few."""
    number = min(RESAMPLES, CELLS // (num_examples * num_classes))
    return number if number >= FEWEST_RESAMPLES else 0


def resampled(
    labels: np.ndarray,
    probabilities: Floats,
    counted: Sequence[int],
    specificities: Sequence[float],
    resamples: int,
    seed: int,
) -> Resampled:
    """The figures of so many resamples.

    Args:
        labels: Class indices, integers (n,).
        probabilities: (n, classes).
        counted: Classes whose mean is the ranking figure of all; empty where there is none.
        specificities: At which sensitivities are told.
        resamples: How many.
        seed: Equal seeds draw equal resamples.
    """
    sample = _Sample(labels, probabilities, tuple(counted), tuple(specificities))
    parts = [_figures(sample, weights) for weights in draws(labels, resamples, seed)]
    return Resampled(
        {name: np.concatenate([p.whole[name] for p in parts]) for name in parts[0].whole},
        {name: np.hstack([p.classes[name] for p in parts]) for name in parts[0].classes},
        np.concatenate([p.sensitivities for p in parts], axis=2),
    )


def draws(labels: np.ndarray, resamples: int, seed: int) -> Iterator[Floats]:
    """How often each example is drawn, (n, some of the resamples), chunk by chunk."""
    rng = np.random.default_rng(seed)
    strata = [np.flatnonzero(labels == k) for k in np.unique(labels)]
    size = max(1, CHUNK // len(labels))
    for start in range(0, resamples, size):
        number = min(size, resamples - start)
        weights = np.empty((len(labels), number))
        for members in strata:
            weights[members] = _drawn(len(members), number, rng)
        yield weights


def interval(values: Floats) -> Interval | str:
    """The 95 % percentile interval of a figure's resamples, (resamples,), or why there is none."""
    told = values[np.isfinite(values)]
    if len(told) < (1 - UNTOLD) * len(values):
        return TOO_RARE
    low, high = np.percentile(told, PERCENTILES)
    # An interval of no width would claim certainty where there were only too few mistakes.
    return Interval(low=float(low), high=float(high)) if low < high else NO_WIDTH


@dataclass(frozen=True, slots=True)
class _Sample:
    labels: np.ndarray
    probabilities: Floats
    counted: tuple[int, ...]
    specificities: tuple[float, ...]


def _drawn(size: int, number: int, rng: np.random.Generator) -> npt.NDArray[np.intp]:
    """How often each of so many was drawn, (size, number)."""
    places = rng.integers(0, size, (size, number)) * number + np.arange(number)
    return np.bincount(places.ravel(), minlength=size * number).reshape(size, number)


def _figures(sample: _Sample, weights: Floats) -> Resampled:
    """All figures of the resamples whose draws are given."""
    num_classes = sample.probabilities.shape[1]
    predicted = sample.probabilities.argmax(axis=1)
    truth, taken = np.eye(num_classes)[sample.labels], np.eye(num_classes)[predicted]
    counts = Counts(truth.T @ weights, taken.T @ weights, (truth * taken).T @ weights)
    each, total = rates(counts), weights.sum(axis=0)
    macro = averages(each, counts, weighted=False)
    ranked, sensitivities = _ranked(sample, weights)
    whole = {
        "accuracy": counts.hits.sum(axis=0) / total,
        "balanced_accuracy": macro.recall,
        "f1": macro.f1,
        "loss": cross_entropies(sample.labels, sample.probabilities) @ weights / total,
        "brier": squared_distances(sample.labels, sample.probabilities) @ weights / total,
    }
    if sample.counted:
        whole |= {name: ranked[name][list(sample.counted)].mean(axis=0) for name in ranked}
    classes = {
        "precision": each.precision,
        "recall": each.recall,
        "specificity": each.specificity,
        "f1": each.f1,
    }
    return Resampled(whole, classes | ranked, sensitivities)


def _ranked(sample: _Sample, weights: Floats) -> tuple[dict[str, Floats], Floats]:
    """What depends on the order of the probabilities, of each class that has others beside."""
    num_classes, resamples = sample.probabilities.shape[1], weights.shape[1]
    figures = {
        name: np.full((num_classes, resamples), np.nan) for name in ("auc", "average_precision")
    }
    found = np.full((len(sample.specificities), num_classes, resamples), np.nan)
    for k in range(num_classes):
        is_class = sample.labels == k
        if is_class.all() or not is_class.any():
            continue
        ranking = rankings.ranking_of(is_class, sample.probabilities[:, k])
        at = rankings.thresholds(ranking, weights)
        figures["auc"][k] = rankings.auc(at)
        figures["average_precision"][k] = rankings.average_precision(at)
        for place, specificity in enumerate(sample.specificities):
            found[place, k] = rankings.sensitivity(at, specificity)
    return figures, found
