"""A head on frozen features, trained and measured with numpy alone."""

from __future__ import annotations

import itertools
from dataclasses import dataclass

import numpy as np

Weights = dict[str, np.ndarray]


@dataclass(frozen=True, slots=True)
class Recipe:
    """How a head is made and trained.

    Attributes:
        hidden: Units of a hidden layer; 0 for a softmax regression.
        epochs: Epochs a round.
        adam: Adam, or plain gradient descent.
        rate: Learning rate.
        batch: Pictures a step.
    """

    hidden: int
    epochs: int
    adam: bool
    rate: float
    batch: int = 32

    @property
    def words(self) -> str:
        """In words, for a table."""
        head = f"{self.hidden} hidden" if self.hidden else "softmax"
        return f"{head}, {'Adam' if self.adam else 'SGD'} {self.rate:g}, {self.epochs} epochs"


def fresh(width: int, classes: int, hidden: int, rng: np.random.Generator) -> Weights:
    """Weights as Glorot and Bengio (2010) draw them; biases are 0."""
    sizes = [width, hidden, classes] if hidden else [width, classes]
    weights: Weights = {}
    for number, (inputs, outputs) in enumerate(itertools.pairwise(sizes)):
        bound = np.sqrt(6 / (inputs + outputs))
        kernel = rng.uniform(-bound, bound, (inputs, outputs)).astype(np.float32)
        weights[f"layer{number}/kernel"] = kernel
        weights[f"layer{number}/bias"] = np.zeros(outputs, np.float32)
    return weights


def train(
    weights: Weights, x: np.ndarray, y: np.ndarray, recipe: Recipe, rng: np.random.Generator
) -> Weights:
    """Weights after one round at a site; a fresh optimiser, as at a child.

    Args:
        weights: Where it starts.
        x: Features, float (n, width).
        y: Classes, int (n,).
        recipe: How it trains.
        rng: Of the order of the pictures.
    """
    trained = {name: array.astype(np.float64) for name, array in weights.items()}
    first = {name: np.zeros_like(array) for name, array in trained.items()}
    second = {name: np.zeros_like(array) for name, array in trained.items()}
    step = 0
    for _ in range(recipe.epochs):
        order = rng.permutation(len(x))
        for start in range(0, len(x), recipe.batch):
            rows = order[start : start + recipe.batch]
            step += 1
            for name, slope in _slopes(trained, x[rows], y[rows]).items():
                if recipe.adam:
                    first[name] = 0.9 * first[name] + 0.1 * slope
                    second[name] = 0.999 * second[name] + 0.001 * slope**2
                    spread = np.sqrt(second[name] / (1 - 0.999**step)) + 1e-7
                    slope = first[name] / (1 - 0.9**step) / spread
                trained[name] = trained[name] - recipe.rate * slope
    return {name: array.astype(np.float32) for name, array in trained.items()}


def probabilities(weights: Weights, x: np.ndarray) -> np.ndarray:
    """Class probabilities, float (n, classes)."""
    _, logits = _forward(weights, x)
    return _softmax(logits)


def _forward(weights: Weights, x: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """What goes into the last layer, and what comes out of it."""
    if "layer1/kernel" in weights:
        x = np.maximum(x @ weights["layer0/kernel"] + weights["layer0/bias"], 0)
    last = max(name.partition("/")[0] for name in weights)
    return x, x @ weights[f"{last}/kernel"] + weights[f"{last}/bias"]


def _softmax(logits: np.ndarray) -> np.ndarray:
    exponents = np.exp(logits - logits.max(axis=1, keepdims=True))
    shares: np.ndarray = exponents / exponents.sum(axis=1, keepdims=True)
    return shares


def _slopes(weights: Weights, x: np.ndarray, y: np.ndarray) -> Weights:
    """Gradient of the mean cross-entropy."""
    inside, logits = _forward(weights, x)
    wrong = _softmax(logits)
    wrong[np.arange(len(y)), y] -= 1
    wrong /= len(y)
    if "layer1/kernel" not in weights:
        return {"layer0/kernel": x.T @ wrong, "layer0/bias": wrong.sum(axis=0)}
    back = (wrong @ weights["layer1/kernel"].T) * (inside > 0)
    return {
        "layer0/kernel": x.T @ back,
        "layer0/bias": back.sum(axis=0),
        "layer1/kernel": inside.T @ wrong,
        "layer1/bias": wrong.sum(axis=0),
    }
