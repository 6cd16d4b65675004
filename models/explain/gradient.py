"""The one place that asks a backend for a gradient outside of training."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from typing import Any

import keras
import numpy as np

from federated.errors import InvalidInput

Function = Callable[..., tuple[Any, Any]]
"""From a point and more arguments, tensors of the backend, to a scalar and another tensor."""

Gradient = Callable[..., tuple[np.ndarray, np.ndarray]]
"""From those further arguments to the gradient by the point, and that other tensor."""


def gradient_at(function: Function, point: np.ndarray) -> Gradient:
    """What gives the gradient of a function's scalar at `point`, compiled where that pays.

    The arguments' shapes and dtypes must stay the same from call to call; the weights of a
    model that the function runs may change.

    Args:
        function: It uses Keras's operations alone.
        point: float32, of any shape.

    Raises:
        InvalidInput: Keras runs on a backend without gradients.
    """
    backend = keras.config.backend()
    if backend not in _GRADIENTS:
        raise InvalidInput(
            "Keras runs on a backend that gives no gradients",
            expected=f"one of {sorted(_GRADIENTS)}",
            received=backend,
        )
    found = _GRADIENTS[backend](function, point)

    def gradient(*arguments: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        slopes, other = found(*map(keras.ops.convert_to_tensor, arguments))
        to_numpy = keras.ops.convert_to_numpy
        return np.asarray(to_numpy(slopes)), np.asarray(to_numpy(other))

    return gradient


def _by_tensorflow(function: Function, point: np.ndarray) -> Function:
    import tensorflow as tf

    def gradient(*arguments: Any) -> tuple[Any, Any]:
        start = tf.constant(point)
        with tf.GradientTape(watch_accessed_variables=False) as tape:
            tape.watch(start)
            value, other = function(start, *arguments)
        return tape.gradient(value, start), other

    # Step by step, a recurrent layer would take a minute for what takes a second compiled.
    compiled: Function = tf.function(gradient, autograph=False)
    return compiled


def _by_jax(function: Function, point: np.ndarray) -> Function:
    # Not compiled: the weights would become constants.
    jax: Any = importlib.import_module("jax")
    gradient = jax.grad(function, has_aux=True)
    return lambda *arguments: gradient(keras.ops.convert_to_tensor(point), *arguments)


def _by_torch(function: Function, point: np.ndarray) -> Function:
    torch: Any = importlib.import_module("torch")

    def gradient(*arguments: Any) -> tuple[Any, Any]:
        with torch.enable_grad():
            start = keras.ops.convert_to_tensor(point).detach().requires_grad_(True)
            value, other = function(start, *arguments)
            return torch.autograd.grad(value, start)[0], other.detach()

    return gradient


_GRADIENTS: dict[str, Callable[[Function, np.ndarray], Function]] = {
    "tensorflow": _by_tensorflow,
    "jax": _by_jax,
    "torch": _by_torch,
}
