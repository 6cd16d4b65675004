"""The one place that asks a backend for a gradient outside of training."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from typing import Any

import keras
import numpy as np


def gradient(score: Callable[[Any], Any], point: np.ndarray) -> np.ndarray:
    """The gradient of `score` at `point`.

    Args:
        score: From a tensor of the backend to a scalar tensor, by Keras's operations alone.
        point: float32, of any shape.

    Returns:
        float32, as `point`.

    Raises:
        NotImplementedError: Keras runs on a backend without gradients.
    """
    tensor = keras.ops.convert_to_tensor(point)
    match keras.backend.backend():
        case "tensorflow":
            found = _by_tensorflow(score, tensor)
        case "jax":
            found = _by_jax(score, tensor)
        case "torch":
            found = _by_torch(score, tensor)
        case other:
            raise NotImplementedError(f"no gradient with the backend {other}")
    return np.asarray(keras.ops.convert_to_numpy(found))


def _by_tensorflow(score: Callable[[Any], Any], point: Any) -> Any:
    import tensorflow as tf

    with tf.GradientTape(watch_accessed_variables=False) as tape:
        tape.watch(point)
        value = score(point)
    return tape.gradient(value, point)


def _by_jax(score: Callable[[Any], Any], point: Any) -> Any:
    jax: Any = importlib.import_module("jax")
    return jax.grad(score)(point)


def _by_torch(score: Callable[[Any], Any], point: Any) -> Any:
    torch: Any = importlib.import_module("torch")
    with torch.enable_grad():
        leaf = point.detach().requires_grad_(True)
        return torch.autograd.grad(score(leaf), leaf)[0]
