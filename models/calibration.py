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
"""Sure answers, on either half, without which nothing is said of how often they are wrong."""

HALVING_SEED = 2927
"""The same pictures are always halved in the same way."""

TEMPERATURES = (0.25, 20.0)
TARGET_ERROR = 0.05
SMALLEST = 1e-12
"""A probability of 0 has no logarithm."""

DOUBT = 0.05
"""How often a limit of 95 % may be passed."""


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
    """From where on an answer is sure, chosen on one half of the pictures, measured on the other.

    Whatever chose the threshold, the other half knows nothing of it: the share of wrong answers
    there is an honest one, and its limit holds.

    Args:
        probabilities: (n, classes), calibrated; n may be 0.
        labels: Class indices (n,).
        target_error: Share of wrong answers that is allowed among the sure ones of the half
            that chooses.

    Returns:
        The threshold and what was measured with it; None where `why_no_sureness` says why.

    References:
        Y. Geifman, R. El-Yaniv, "Selective Classification for Deep Neural Networks",
        NIPS 2017. https://arxiv.org/abs/1705.08500
    """
    choosing, measuring = _halves(len(labels))
    threshold = choose_threshold(probabilities[choosing], labels[choosing], target_error)
    if threshold is None:
        return None
    return measure_threshold(probabilities[measuring], labels[measuring], threshold)


def why_no_sureness(
    probabilities: np.ndarray, labels: np.ndarray, target_error: float = TARGET_ERROR
) -> str:
    """Why `sureness` of the same arguments found nothing, as a sentence."""
    examples = len(labels)
    if examples < 2 * LEAST_SURE:
        return (
            f"The site has {examples} labelled validation pictures to find out which answers of "
            f"this model can be relied on, and {2 * LEAST_SURE} are needed."
        )
    choosing, measuring = _halves(examples)
    if choose_threshold(probabilities[choosing], labels[choosing], target_error) is None:
        return (
            f"On half of the site's {examples} validation pictures no {LEAST_SURE} answers, "
            f"however sure, were right often enough: more than {target_error:.0%} of them were "
            "wrong."
        )
    return (
        f"On one half of the site's {examples} validation pictures some answers were right often "
        f"enough, but the other {len(measuring)} hold fewer than {LEAST_SURE} such answers to "
        "measure how often they are wrong."
    )


def _halves(examples: int) -> tuple[np.ndarray, np.ndarray]:
    order = np.random.default_rng(HALVING_SEED).permutation(examples)
    return order[: examples // 2], order[examples // 2 :]


def choose_threshold(
    probabilities: np.ndarray, labels: np.ndarray, target_error: float
) -> float | None:
    """The lowest threshold above which at most a given share of the answers is wrong.

    Args:
        probabilities: (n, classes), n may be 0.
        labels: Class indices (n,).
        target_error: That share.

    Returns:
        A probability; None where there is none that leaves enough sure answers to tell.
    """
    confidences = probabilities.max(axis=1)
    order = np.argsort(-confidences, kind="stable")
    wrong = np.cumsum(probabilities.argmax(axis=1)[order] != labels[order])
    answered = np.arange(1, len(labels) + 1)
    # Answers that are equally sure are sure together, or not at all.
    ends = np.append(np.diff(confidences[order]) != 0, True)[: len(labels)]
    allowed = ends & (wrong <= target_error * answered) & (answered >= LEAST_SURE)
    if not allowed.any():
        return None
    return float(min(1.0, confidences[order][np.flatnonzero(allowed)[-1]]))


def measure_threshold(
    probabilities: np.ndarray, labels: np.ndarray, threshold: float
) -> Sureness | None:
    """How often sure answers are wrong, on pictures on which the threshold was not chosen.

    Args:
        probabilities: (n, classes), n may be 0.
        labels: Class indices (n,).
        threshold: Least highest probability of a sure answer.

    Returns:
        What was measured; None where too few answers are sure.
    """
    certain = probabilities.max(axis=1) >= threshold
    sure = int(certain.sum())
    # Judged by how many there are, never by how many are wrong: that would be choosing again.
    if sure < LEAST_SURE:
        return None
    mistakes = int((probabilities.argmax(axis=1) != labels)[certain].sum())
    return Sureness(
        threshold=threshold,
        coverage=sure / len(labels),
        error_when_sure=mistakes / sure,
        error_limit=upper_limit(mistakes, sure),
        sure_examples=sure,
        examples=len(labels),
    )


def upper_limit(count: int, examples: int) -> float:
    """Upper end of the one-sided 95 % interval of a share, `count` of `examples`, exactly.

    A true share above it would have shown no more than `count` in less than one case of twenty.

    References:
        C. J. Clopper, E. S. Pearson, "The Use of Confidence or Fiducial Limits Illustrated in
        the Case of the Binomial", Biometrika 26 (1934).
    """
    if count == examples:
        return 1.0
    least, most = count / examples, 1.0
    for _ in range(40):
        middle = (least + most) / 2
        likely = _probability_of_at_most(count, examples, middle) > DOUBT
        least, most = (middle, most) if likely else (least, middle)
    return most


def _probability_of_at_most(count: int, examples: int, share: float) -> float:
    counts = range(count + 1)
    ways = [math.lgamma(k + 1) + math.lgamma(examples - k + 1) for k in counts]
    logs = [k * math.log(share) + (examples - k) * math.log1p(-share) for k in counts]
    whole = math.lgamma(examples + 1)
    return sum(math.exp(whole + log - way) for log, way in zip(logs, ways, strict=True))


def normalised_entropy(probabilities: Sequence[float]) -> float:
    """Entropy over that of a pure guess: 0 sure, 1 a pure guess; at least two classes."""
    entropy = -sum(p * math.log(p) for p in probabilities if p > 0)
    return min(1.0, max(0.0, entropy / math.log(len(probabilities))))
