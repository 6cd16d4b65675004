"""A picture for the web app's tests, drawn."""

from __future__ import annotations

import functools
import io

import numpy as np
from PIL import Image


@functools.cache
def png(seed: int = 0) -> bytes:
    """A small picture of a blob on a skin-like ground."""
    rng = np.random.default_rng(seed)
    y, x = np.mgrid[0:96, 0:96]
    inside = (x - 48) ** 2 + (y - 48) ** 2 < (18 + 4 * (seed % 4)) ** 2
    pixels = np.full((96, 96, 3), (222, 184, 160), np.float64)
    pixels[inside] = (120, 70 + 8 * (seed % 5), 50)
    noisy = np.clip(pixels + rng.normal(0, 6, pixels.shape), 0, 255).astype(np.uint8)
    return encoded(Image.fromarray(noisy))


def encoded(picture: Image.Image, **save: object) -> bytes:
    """A picture as a file; `save` goes to Pillow, PNG by default."""
    stream = io.BytesIO()
    picture.save(stream, **{"format": "PNG", **save})  # type: ignore[arg-type]
    return stream.getvalue()
