"""A model so small that its trainings take no time: 8 × 8 pictures, one convolution."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from models.named import NamedModel

SHAPE = (8, 8, 3)


def tiny_model(classes: int = 3, *, norm: bool = False, dropout: float = 0.0) -> NamedModel:
    """The same first weights each time."""
    import keras
    from keras import layers

    from models.named import NamedModel

    start = keras.initializers.GlorotUniform
    pixels = keras.Input(SHAPE, name="pixels")
    x = layers.Rescaling(1 / 127.5, offset=-1.0, name="scale")(pixels)
    x = layers.Conv2D(4, 3, kernel_initializer=start(1), name="conv")(x)
    if norm:
        x = layers.BatchNormalization(momentum=0.9, name="norm")(x)
    x = layers.ReLU(name="relu")(x)
    x = layers.GlobalAveragePooling2D(name="pool")(x)
    if dropout:
        x = layers.Dropout(dropout, seed=3, name="dropout")(x)
    x = layers.Dense(classes, "softmax", kernel_initializer=start(2), name="output")(x)
    return NamedModel(keras.Model(pixels, x))


def tiny_pictures(count: int, classes: int = 3, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Noise around one brightness a class: uint8 (count, 8, 8, 3) and labels (count,)."""
    rng = np.random.default_rng(seed)
    labels = np.arange(count) % classes
    brightness = 40 + labels * 150 // (classes - 1)
    noise = rng.integers(0, 60, (count, *SHAPE))
    return (noise + brightness[:, None, None, None]).astype(np.uint8), labels
