"""The forward pass, compiled once, on the backend that Keras runs on."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import keras
import numpy as np

Forward = Callable[[np.ndarray], np.ndarray]
"""From inputs, (b, …), to probabilities, float32 (b, classes)."""


def forward_program(model: keras.Model, dtype: np.dtype[Any]) -> Forward:
    """The model's answer as in use: nothing is dropped, and nothing is measured anew.

    The number of pictures is left open, so that one compilation serves every batch.

    Args:
        model: The model; its weights are read as they are at each call.
        dtype: Of its examples.
    """
    return _FORWARD[keras.config.backend()](model, dtype)


def _tensorflow(model: keras.Model, dtype: np.dtype[Any]) -> Forward:
    import tensorflow as tf

    inputs = tf.TensorSpec((None, *model.input_shape[1:]), dtype)
    call = tf.function(
        lambda batch: model(batch, training=False), input_signature=[inputs], autograph=False
    )

    def forward(batch: np.ndarray) -> np.ndarray:
        probabilities: np.ndarray = call(tf.constant(batch)).numpy()
        return probabilities

    return forward


def _jax(model: keras.Model, _dtype: np.dtype[Any]) -> Forward:
    import jax

    call = jax.jit(
        lambda trainable, others, batch: model.stateless_call(
            trainable, others, batch, training=False
        )[0]
    )

    def forward(batch: np.ndarray) -> np.ndarray:
        trainable = [variable.value for variable in model.trainable_variables]
        others = [variable.value for variable in model.non_trainable_variables]
        return np.asarray(call(trainable, others, batch))

    return forward


def _torch(model: keras.Model, _dtype: np.dtype[Any]) -> Forward:
    import torch

    def forward(batch: np.ndarray) -> np.ndarray:
        with torch.no_grad():
            probabilities: np.ndarray = keras.ops.convert_to_numpy(model(batch, training=False))
        return probabilities

    return forward


_FORWARD: dict[str, Callable[[keras.Model, np.dtype[Any]], Forward]] = {
    "tensorflow": _tensorflow,
    "jax": _jax,
    "torch": _torch,
}
