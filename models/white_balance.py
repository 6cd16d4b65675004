"""Pictures as they would look under white light, whatever camera and lamp they were taken with.

Each picture is judged by itself, so nothing is learned and nothing travels. Hospitals differ in
their cameras most of all in colour, and a network that has learned one camera's colours fails
at the next (docs/results.md).

References:
    G. D. Finlayson, E. Trezzi, "Shades of Gray and Colour Constancy", Color and Imaging
    Conference 2004.
    C. Barata, M. E. Celebi, J. S. Marques, "Improving Dermoscopy Image Classification Using
    Color Constancy", IEEE Journal of Biomedical and Health Informatics 2015.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from models.architecture import ArchitectureSetting

if TYPE_CHECKING:
    import keras

WHITE_BALANCE = ArchitectureSetting(
    "white_balance",
    False,
    "Whether each picture is first brought to the colours that it would have under white light. "
    "Helps where cameras differ, costs a little where all are alike.",
)

LEAST = 1e-3
"""Gain of a channel, at least: one that is black throughout stays black."""


def balanced(pixels: keras.KerasTensor) -> keras.KerasTensor:
    """Pictures whose light is grey, as bright as before.

    The light's colour is each channel's Minkowski norm of order 6, which looks at bright parts
    more than a mean does and, unlike the brightest pixel, does not hang on one highlight.

    Args:
        pixels: (n, height, width, 3), 0–255.

    Returns:
        The same shape and range.
    """
    from keras import ops

    square = ops.square(pixels / 255.0)
    light = ops.mean(square * square * square, axis=(1, 2), keepdims=True) ** (1 / 6)
    brightness = ops.sqrt(ops.mean(ops.square(light), axis=3, keepdims=True))
    gain = ops.maximum(light / ops.maximum(brightness, LEAST), LEAST)
    return ops.minimum(pixels / gain, 255.0)
