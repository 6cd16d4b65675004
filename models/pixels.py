"""How pixels enter a network: as they are stored, 0–255, scaled as the network expects them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from federated.study import Study
from models.white_balance import balanced

if TYPE_CHECKING:
    import keras

IMAGENET_MEAN = np.array([0.485, 0.456, 0.406])
IMAGENET_DEVIATION = np.array([0.229, 0.224, 0.225])
"""Of red, green and blue over ImageNet, of pixels from 0 to 1."""

CAFFE_MEAN = [103.939, 116.779, 123.68]
"""Of blue, green and red over ImageNet, of pixels from 0 to 255, as Caffe's networks have it."""


def rgb_pixels(
    study: Study, *, white_balance: bool = False
) -> tuple[keras.KerasTensor, keras.KerasTensor]:
    """The input, pixels as they are stored, and the same with three channels.

    Args:
        study: Gives the picture's shape.
        white_balance: Whether the second has the colours that it would have under white light.
    """
    import keras
    from keras import layers

    pixels = keras.Input(study.picture_shape, name="pixels")
    if study.channels == 3:
        return pixels, balanced(pixels) if white_balance else pixels
    return pixels, layers.Concatenate(dtype="float32", name="rgb")([pixels] * 3)


def scaled(x: keras.KerasTensor) -> keras.KerasTensor:
    """Pixels 0–255 brought to -1 … 1."""
    from keras import layers

    # In full precision, whatever the layers after it compute in: it costs next to nothing.
    return layers.Rescaling(1 / 127.5, offset=-1.0, dtype="float32", name="scale")(x)


def standardised(x: keras.KerasTensor, unit: float = 1.0) -> keras.KerasTensor:
    """RGB pixels 0–255 with ImageNet's mean taken off, in its standard deviations.

    Args:
        x: Pixels, (n, height, width, 3).
        unit: What one standard deviation becomes.
    """
    from keras import layers

    scale = unit / (255 * IMAGENET_DEVIATION)
    offset = -unit * IMAGENET_MEAN / IMAGENET_DEVIATION
    return layers.Rescaling(scale.tolist(), offset=offset.tolist(), dtype="float32", name="scale")(
        x
    )


def centred_bgr(x: keras.KerasTensor) -> keras.KerasTensor:
    """RGB pixels 0–255 as blue, green and red, with ImageNet's mean taken off."""
    import keras
    from keras import layers

    blue_first = keras.ops.flip(x, axis=-1)
    offset = [-mean for mean in CAFFE_MEAN]
    return layers.Rescaling(1.0, offset=offset, dtype="float32", name="scale")(blue_first)
