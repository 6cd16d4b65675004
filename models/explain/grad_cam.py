"""Grad-CAM: which cells of a layer's grid speak for a class."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import keras
import numpy as np

from models.explain.gradient import Gradient, gradient_at
from models.explain.layers import SpatialLayer, SpatialLayers, spatial_layers, tapped

SMALLEST = 1e-30
"""A probability of 0 has no logarithm."""

FAR = 1e30
"""Takes a class out of a sum of exponentials."""

KEPT_LAYERS = 3
"""Layers that one model keeps compiled; there may be hundreds to ask for."""


class GradCam:
    """Grad-CAM of one model, with what was compiled for the layers that were last asked for.

    Args:
        model: From pixels to class probabilities; its weights may change between calls.
    """

    def __init__(self, model: keras.Model) -> None:
        self._model = model
        self.layers: SpatialLayers = spatial_layers(model)
        self._compiled: OrderedDict[str, Gradient] = OrderedDict()

    def cells(self, picture: np.ndarray, at: SpatialLayer, target: int) -> np.ndarray:
        """Evidence for a class, by cell of a layer's grid.

        The layer's channels are summed, each weighted by the mean gradient of the class's score.
        As score serves the logarithm of the class's odds, p / (1 - p): with two classes it is
        the difference of the two values before the softmax, and it can be had of any model that
        gives probabilities. The probability itself would not do: it no longer moves once it is
        near 1.

        Args:
            picture: uint8 (height, width, channels), 0–255.
            at: The layer.
            target: Index of the class.

        Returns:
            float32 (rows, columns), 0 or more.

        References:
            R. R. Selvaraju et al., "Grad-CAM: Visual Explanations from Deep Networks via
            Gradient-based Localization", ICCV 2017. https://arxiv.org/abs/1610.02391
        """
        mine = np.zeros(self._model.output_shape[-1], np.float32)
        mine[target] = 1
        slopes, activations = self._gradient(at)(picture[None], mine)
        weights = slopes.mean(axis=(0, 1, 2))
        evidence: np.ndarray = np.maximum(activations[0] @ weights, 0)
        return evidence

    def _gradient(self, at: SpatialLayer) -> Gradient:
        if at.name not in self._compiled:
            self._compiled[at.name] = self._compile(at)
        self._compiled.move_to_end(at.name)
        while len(self._compiled) > KEPT_LAYERS:
            self._compiled.popitem(last=False)
        return self._compiled[at.name]

    def _compile(self, at: SpatialLayer) -> Gradient:
        def score(change: Any, picture: Any, mine: Any) -> tuple[Any, Any]:
            seen: list[Any] = []

            # The gradient by what is added to the layer's output is the one by the output.
            def add(_: str, output: Any) -> Any:
                seen.append(keras.ops.cast(output, "float32"))
                return output + keras.ops.cast(change, output.dtype)

            with tapped({at.name: at.layer}, add), before_softmax(self._model) as is_before:
                answer = self._model(picture, training=False)[0]
            values = answer if is_before else keras.ops.log(keras.ops.maximum(answer, SMALLEST))
            return margin(values, mine), seen[0]

        return gradient_at(score, np.zeros((1, *at.shape), np.float32))


@contextmanager
def before_softmax(model: keras.Model) -> Iterator[bool]:
    """While it lasts, the model gives what goes into its softmax; tells whether that is so.

    A model that is far too sure gives probabilities of exactly 0 and 1, which have no slope.
    """
    last = model.layers[-1]
    ends_so = getattr(last, "activation", None) is keras.activations.softmax
    try:
        if ends_so:
            object.__setattr__(last, "activation", keras.activations.linear)
        yield ends_so
    finally:
        if ends_so:
            object.__setattr__(last, "activation", keras.activations.softmax)


def margin(values: Any, mine: Any) -> Any:
    """The logarithm of p / (1 - p) of one class, p being the softmax of `values`.

    Args:
        values: (classes,): logits, or logarithms of probabilities.
        mine: (classes,): 1 for the class, 0 for the others.
    """
    ops = keras.ops
    return ops.sum(values * mine) - ops.logsumexp(values - mine * FAR)
