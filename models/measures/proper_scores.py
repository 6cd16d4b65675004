"""Proper scores: an honest forecaster's best answer is what it believes.

References:
    T. Gneiting and A. E. Raftery, "Strictly Proper Scoring Rules, Prediction, and Estimation",
    Journal of the American Statistical Association 102 (2007).
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

SMALLEST_PROBABILITY = 1e-7
"""A probability of 0 for what is true would cost infinitely much; Keras clips here too."""


def cross_entropies(labels: np.ndarray, probabilities: np.ndarray) -> npt.NDArray[np.float64]:
    """Minus the logarithm of each example's probability of the truth, in nats, (n,)."""
    of_truth = probabilities[np.arange(len(labels)), labels].astype(np.float64)
    logarithms: npt.NDArray[np.float64] = np.log(np.clip(of_truth, SMALLEST_PROBABILITY, 1.0))
    return -logarithms


def cross_entropy(labels: np.ndarray, probabilities: np.ndarray) -> float:
    """Mean over examples of minus the logarithm of the true class's probability, in nats.

    Args:
        labels: Class indices, integers (n,).
        probabilities: (n, classes).
    """
    return float(cross_entropies(labels, probabilities).mean())


def squared_distances(labels: np.ndarray, probabilities: np.ndarray) -> npt.NDArray[np.float64]:
    """Each example's part in the Brier score, (n,); the score is their mean.

    Two classes: the square of what class 1's probability is off by, 0 to 1. More: such squares
    summed over the classes, 0 to 2. scikit-learn's `brier_score_loss` has it likewise, but
    gives the mean alone, which cannot be resampled.

    References:
        G. W. Brier, "Verification of Forecasts Expressed in Terms of Probability", Monthly
        Weather Review 78 (1950).
    """
    num_classes = probabilities.shape[1]
    off = probabilities.astype(np.float64) - np.eye(num_classes)[labels]
    squares: npt.NDArray[np.float64] = (off**2).sum(axis=1)
    return squares / 2 if num_classes == 2 else squares


def brier_score(labels: np.ndarray, probabilities: np.ndarray) -> float:
    """Mean of `squared_distances`: 0 is perfect."""
    return float(squared_distances(labels, probabilities).mean())
