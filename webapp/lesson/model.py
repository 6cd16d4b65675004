"""A network of one hidden layer, its weights named arrays like those of any model here."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypeAlias

import numpy as np

Weights: TypeAlias = Mapping[str, np.ndarray]
"""`hidden/kernel` (features, units), `hidden/bias`, `output/kernel` (units, classes),
`output/bias`; float32."""


def initial(features: int, units: int, classes: int, rng: np.random.Generator) -> Weights:
    """Fresh weights: kernels drawn by Glorot and Bengio's rule, biases 0.

    Args:
        features: Numbers of an example.
        units: Of the hidden layer.
        classes: How many there are to tell apart.
        rng: Source of the kernels.
    """

    def kernel(rows: int, columns: int) -> np.ndarray:
        limit = np.sqrt(6 / (rows + columns))
        return rng.uniform(-limit, limit, (rows, columns)).astype(np.float32)

    return {
        "hidden/kernel": kernel(features, units),
        "hidden/bias": np.zeros(units, np.float32),
        "output/kernel": kernel(units, classes),
        "output/bias": np.zeros(classes, np.float32),
    }


def probabilities(weights: Weights, x: np.ndarray) -> np.ndarray:
    """How probable each class is for each example, float32 (n, classes); rows sum to 1."""
    return _forward(weights, x)[1]


def loss_and_accuracy(weights: Weights, x: np.ndarray, y: np.ndarray) -> tuple[float, float]:
    """Mean cross-entropy in nats, and the share of examples whose class is found (0 to 1)."""
    found = probabilities(weights, x)
    own = found[np.arange(len(y)), y]
    return float(-np.log(np.maximum(own, 1e-7)).mean()), float((found.argmax(1) == y).mean())


def gradient(weights: Weights, x: np.ndarray, y: np.ndarray) -> dict[str, np.ndarray]:
    """The slope of the mean cross-entropy over these examples, by name of the tensor."""
    hidden, found = _forward(weights, x)
    error = found.copy()
    error[np.arange(len(y)), y] -= 1
    error /= np.float32(len(y))
    back = (error @ weights["output/kernel"].T) * (1 - hidden**2)
    return {
        "hidden/kernel": x.T @ back,
        "hidden/bias": back.sum(0),
        "output/kernel": hidden.T @ error,
        "output/bias": error.sum(0),
    }


def flat(weights: Weights) -> np.ndarray:
    """All weights in one row, float64."""
    return np.concatenate([array.ravel() for array in weights.values()]).astype(np.float64)


def _forward(weights: Weights, x: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    hidden = np.tanh(x @ weights["hidden/kernel"] + weights["hidden/bias"])
    scores = hidden @ weights["output/kernel"] + weights["output/bias"]
    powers = np.exp(scores - scores.max(1, keepdims=True))
    return hidden, powers / powers.sum(1, keepdims=True)
