"""What intervals cost: a report without and with them, and against scikit-learn in a loop.

Times are of the processor, so that other work on the machine counts little.
"""

from __future__ import annotations

import time
from collections.abc import Callable

import numpy as np
import numpy.typing as npt
from sklearn.metrics import average_precision_score, roc_auc_score

from benchmarks.figures import Figure, Report, ratio
from models.measures import RESAMPLES, SPECIFICITIES, evaluate_probabilities
from models.measures.bootstrap import draws, resampled

CASES = ((414, 2), (733, 7), (5000, 7))
"""Test pictures and classes: of skin_binary, of skin_ham7, and of a large test part."""

PEER_RESAMPLES = 20
"""As many as scikit-learn's loop can do in a while; ours does the same number beside it."""


def run(quick: bool) -> Report:
    """Measures each case in turn, on invented probabilities that are better than guessing."""
    cases, repetitions = (CASES[:2], 2) if quick else (CASES, 7)
    figures = [
        figure for number, classes in cases for figure in _case(number, classes, repetitions)
    ]
    return Report("measures", figures, {"resamples": RESAMPLES, "runs": repetitions})


def _case(number: int, classes: int, repetitions: int) -> list[Figure]:
    labels, chances = _invented(number, classes)
    names = [f"class {k}" for k in range(classes)]
    key, said = f"{number}_{classes}", f"{number} pictures, {classes} classes"

    def ours() -> None:
        resampled(labels, chances, range(classes), SPECIFICITIES, PEER_RESAMPLES, seed=0)

    def measured(name: str, meaning: str, work: Callable[[], object]) -> Figure:
        times = tuple(_seconds(work) for _ in range(repetitions))
        return Figure(f"{name}_{key}", f"{said}: {meaning}", times, "s")

    plain = measured("report", "report", lambda: evaluate_probabilities(labels, chances, names))
    sure = measured(
        "intervals",
        "report with intervals",
        lambda: evaluate_probabilities(labels, chances, names, intervals=True),
    )
    few = measured("ours", f"{PEER_RESAMPLES} resamples, ours", ours)
    peer = measured(
        "peer",
        f"{PEER_RESAMPLES} resamples, AUC and average precision by scikit-learn",
        lambda: _loop(labels, chances),
    )
    return [plain, sure, few, peer, ratio(f"ratio_{key}", "  ours over scikit-learn", few, peer)]


def _loop(labels: np.ndarray, chances: npt.NDArray[np.float64]) -> None:
    """Two of the figures that `resampled` tells, one resample and one class at a time."""
    for weights in draws(labels, PEER_RESAMPLES, seed=0):
        for counts in weights.T:
            for k in range(chances.shape[1]):
                roc_auc_score(labels == k, chances[:, k], sample_weight=counts)
                average_precision_score(labels == k, chances[:, k], sample_weight=counts)


def _invented(number: int, classes: int) -> tuple[np.ndarray, npt.NDArray[np.float64]]:
    rng = np.random.default_rng(0)
    labels = rng.integers(0, classes, number)
    certainty = rng.normal(size=(number, classes))
    certainty[np.arange(number), labels] += 1
    chances = np.exp(certainty)
    return labels, chances / chances.sum(axis=1, keepdims=True)


def _seconds(work: Callable[[], object]) -> float:
    started = time.process_time()
    work()
    return time.process_time() - started
