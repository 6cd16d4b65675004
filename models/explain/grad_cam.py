"""Grad-CAM: which cells of a layer's grid speak for a class."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np

from models.explain.gradient import gradient
from models.explain.layers import Visit, tapped

SMALLEST = 1e-30
"""A probability of 0 has no logarithm; no softmax in float32 that matters gives less."""


def grad_cam(model: keras.Model, picture: np.ndarray, visit: Visit, target: int) -> np.ndarray:
    """Evidence for a class, by cell of a layer's grid.

    The layer's channels are summed, each weighted by the mean gradient of the class's score.
    As score serves the logarithm of the class's odds, p / (1 - p): with two classes it is the
    difference of the two values before the softmax, and it can be had of any model that gives
    probabilities. The probability itself would not do: it no longer moves once it is near 1.

    Args:
        model: From pixels to class probabilities.
        picture: (height, width, channels), 0–255.
        visit: The layer, with what it gave for this picture.
        target: Index of the class.

    Returns:
        float32 (rows, columns), of any range.

    References:
        R. R. Selvaraju et al., "Grad-CAM: Visual Explanations from Deep Networks via
        Gradient-based Localization", ICCV 2017. https://arxiv.org/abs/1610.02391
    """
    activations = np.asarray(keras.ops.convert_to_numpy(visit.output), np.float32)

    def score(change: Any) -> Any:
        # The gradient by what is added to the layer's output is the one by the output.
        def add(_: str, output: Any) -> Any:
            return output + keras.ops.cast(change, output.dtype)

        with tapped({visit.name: visit.layer}, add):
            return log_odds(model(picture[None], training=False)[0], target)

    slopes = gradient(score, np.zeros_like(activations))
    weights = slopes.mean(axis=(0, 1, 2))
    evidence: np.ndarray = np.maximum(activations[0] @ weights, 0)
    return evidence


def log_odds(probabilities: Any, target: int) -> Any:
    """The logarithm of p / (1 - p) of one class; `probabilities` (classes,) of the backend."""
    ops = keras.ops
    mine = ops.one_hot(target, probabilities.shape[-1], dtype=probabilities.dtype)
    # The others are summed: 1 - p would be lost in rounding where p is near 1.
    own, others = ops.sum(probabilities * mine), ops.sum(probabilities * (1 - mine))
    return ops.log(ops.maximum(own, SMALLEST)) - ops.log(ops.maximum(others, SMALLEST))
