"""Whether probabilities mean what they say: of all answers given with 80 %, are 80 % right?

References:
    M. P. Naeini, G. F. Cooper, M. Hauskrecht, "Obtaining Well Calibrated Probabilities Using
    Bayesian Binning", AAAI 2015.
    C. Guo et al., "On Calibration of Modern Neural Networks", ICML 2017.
    https://arxiv.org/abs/1706.04599
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence

import numpy as np

from models.measures.report import ReliabilityBin

CALIBRATION_BINS = 10


def reliability_bins(confidence: np.ndarray, right: np.ndarray) -> tuple[ReliabilityBin, ...]:
    """Sorts examples into ten bins of the same width by how sure the model was.

    Args:
        confidence: The highest probability of each example, float (n,), 0 to 1.
        right: Whether it was the true class's, bool (n,).
    """
    edges = np.linspace(0.0, 1.0, CALIBRATION_BINS + 1)
    bins = np.clip(np.digitize(confidence, edges, right=True) - 1, 0, CALIBRATION_BINS - 1)
    return tuple(
        _reliability_bin(lower, upper, confidence[bins == k], right[bins == k])
        for k, (lower, upper) in enumerate(itertools.pairwise(edges))
    )


def calibration_error(reliability: Sequence[ReliabilityBin]) -> float:
    """Expected calibration error: mean gap of confidence and accuracy, by the bins' counts."""
    gaps = [
        entry.count * abs(entry.confidence - entry.accuracy)
        for entry in reliability
        if entry.confidence is not None and entry.accuracy is not None
    ]
    return sum(gaps) / sum(entry.count for entry in reliability)


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
