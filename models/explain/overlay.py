"""A map as a picture to lay over another one. Imports without Keras."""

from __future__ import annotations

import io

import numpy as np
from PIL import Image

from models.explain.explanation import Floats

# Viridis (S. van der Walt, N. Smith, matplotlib, CC0) at nine places: its lightness grows
# evenly, so that it reads in grey print and with any colour vision.
VIRIDIS = np.array(
    [
        (68, 1, 84),
        (71, 44, 122),
        (59, 81, 139),
        (44, 113, 142),
        (33, 144, 141),
        (39, 173, 129),
        (92, 200, 99),
        (170, 220, 50),
        (253, 231, 37),
    ],
    np.float32,
)
LEVELS = 64
"""Steps of the map that are told apart: no eye needs more, and the file is a fifth as large."""


def overlay_png(heat: Floats, least: float = 0.15, most: float = 0.85) -> bytes:
    """`heat` in colours, as an RGBA PNG of its size.

    Args:
        heat: float32 (height, width), 0 to 1.
        least: Opacity where the map is 0.
        most: Opacity where the map is 1.
    """
    levels = np.rint(np.clip(heat, 0, 1) * (LEVELS - 1)) / (LEVELS - 1)
    pixels = np.empty((*heat.shape, 4), np.uint8)
    places = np.linspace(0, 1, len(VIRIDIS))
    for channel in range(3):
        pixels[..., channel] = np.interp(levels, places, VIRIDIS[:, channel]).round()
    pixels[..., 3] = np.rint(255 * (least + (most - least) * levels))
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, "PNG")
    return file.getvalue()
