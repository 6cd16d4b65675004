"""Uncertainty: probabilities put right by a temperature, and answers that are not sure.

Pure numpy. All of it is measured on pictures that the model was not trained on.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from federated.uncertainty import Calibration, Sureness

LEAST_EXAMPLES = 20
"""With fewer pictures nothing is fitted."""

BELIEVED_EXAMPLES = 20
"""Pictures beside the measured ones that are taken to come out just as the model says.

They hold the temperature near 1 while there are few pictures: without them thirty pictures make
a model that was right about itself worse, more often than they mend one that was not.
"""

LEAST_SURE = 20
"""Sure answers without which nothing is said of how often they are wrong."""

TEMPERATURES = (0.25, 20.0)
TARGET_ERROR = 0.05
SMALLEST = 1e-12
"""A probability of 0 has no logarithm."""

ONE_SIDED_95 = 1.6449
"""Standard deviations of the normal distribution below which 95 % lie."""


def calibrated(probabilities: np.ndarray, temperature: float) -> np.ndarray:
    """The probabilities that the model would give had its logits been divided.

    Args:
        probabilities: (n, classes) or (classes,).
        temperature: Above 1 brings them closer to each other.

    Returns:
        float64, of the same shape; the last axis sums to 1, the order of classes stays.
    """
    scores = np.log(np.maximum(probabilities.astype(np.float64), SMALLEST)) / temperature
    powers = np.exp(scores - scores.max(axis=-1, keepdims=True))
    shares: np.ndarray = powers / powers.sum(axis=-1, keepdims=True)
    return shares


def fit_temperature(probabilities: np.ndarray, labels: np.ndarray) -> float:
    """The temperature under which `labels` are most likely, held near 1 while there are few.

    Where no answer was wrong it is at least 1: nothing shows how much surer the model might be.

    Args:
        probabilities: (n, classes), n > 0.
        labels: Class indices (n,).

    References:
        C. Guo et al., "On Calibration of Modern Neural Networks", ICML 2017.
        https://arxiv.org/abs/1706.04599
    """
    scores = np.log(np.maximum(probabilities.astype(np.float64), SMALLEST))
    measured = scores[np.arange(len(labels)), labels].sum()
    believed = (probabilities * scores).sum(axis=1).mean()

    def slope(sharpness: float) -> float:
        """Of the cross-entropy by 1 / temperature, which only grows: the least one is where."""
        expected = (calibrated(probabilities, 1 / sharpness) * scores).sum(axis=1)
        return float(expected.sum() - measured + BELIEVED_EXAMPLES * (expected.mean() - believed))

    least, most = 1 / TEMPERATURES[1], 1 / TEMPERATURES[0]
    if (probabilities.argmax(axis=1) == labels).all():
        most = 1.0
    for _ in range(60):
        middle = math.sqrt(least * most)
        least, most = (least, middle) if slope(middle) > 0 else (middle, most)
    return 1 / math.sqrt(least * most)


def calibrate(probabilities: np.ndarray, labels: np.ndarray) -> Calibration:
    """The temperature for a site's validation part, or why there is none.

    Args:
        probabilities: (n, classes), n may be 0.
        labels: Class indices (n,).
    """
    examples = len(labels)
    if examples < LEAST_EXAMPLES:
        missing = (
            f"The site has {examples} labelled validation pictures to check this model on, "
            f"and {LEAST_EXAMPLES} are needed."
        )
        return Calibration(examples=examples, missing=missing)
    temperature = fit_temperature(probabilities, labels)
    return Calibration(temperature=round(temperature, 4), examples=examples)


def sureness(
    probabilities: np.ndarray, labels: np.ndarray, target_error: float = TARGET_ERROR
) -> Sureness | None:
    """The lowest threshold above which at most a given share of the answers is wrong.

    Args:
        probabilities: (n, classes), calibrated; n may be 0.
        labels: Class indices (n,).
        target_error: Share of wrong answers that is allowed among the sure ones.

    Returns:
        The threshold and what was measured with it; None where there is none that leaves
        enough sure answers to tell.

    References:
        Y. Geifman, R. El-Yaniv, "Selective Classification for Deep Neural Networks",
        NIPS 2017. https://arxiv.org/abs/1705.08500
    """
    examples = len(labels)
    confidences = probabilities.max(axis=1)
    order = np.argsort(-confidences, kind="stable")
    wrong = np.cumsum(probabilities.argmax(axis=1)[order] != labels[order])
    answered = np.arange(1, examples + 1)
    # Answers that are equally sure are sure together, or not at all.
    ends = np.append(np.diff(confidences[order]) != 0, True)[:examples]
    allowed = ends & (wrong <= target_error * answered) & (answered >= LEAST_SURE)
    if not allowed.any():
        return None
    last = int(np.flatnonzero(allowed)[-1])
    sure, mistakes = last + 1, int(wrong[last])
    return Sureness(
        threshold=float(min(1.0, confidences[order][last])),
        coverage=sure / examples,
        error_when_sure=mistakes / sure,
        error_limit=wilson_limit(mistakes, sure),
        sure_examples=sure,
        examples=examples,
    )


def wilson_limit(count: int, examples: int) -> float:
    """Upper end of the one-sided 95 % interval of a share, `count` of `examples`, by Wilson.

    References:
        E. B. Wilson, "Probable Inference, the Law of Succession, and Statistical Inference",
        J. Am. Stat. Assoc. 22 (1927).
    """
    share, z2 = count / examples, ONE_SIDED_95**2
    middle = share + z2 / (2 * examples)
    spread = ONE_SIDED_95 * math.sqrt(
        share * (1 - share) / examples + z2 / (4 * examples * examples)
    )
    return min(1.0, (middle + spread) / (1 + z2 / examples))


def normalised_entropy(probabilities: Sequence[float]) -> float:
    """Entropy over that of a pure guess: 0 sure, 1 a pure guess; at least two classes."""
    entropy = -sum(p * math.log(p) for p in probabilities if p > 0)
    return min(1.0, max(0.0, entropy / math.log(len(probabilities))))
