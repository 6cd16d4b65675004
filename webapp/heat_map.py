"""A heat map laid over the picture that it is about, and where in it the most lies."""

from __future__ import annotations

import base64
import binascii
import io

import numpy as np
from PIL import Image, ImageOps

SHOWN_SIDE = 720
"""Pixels of the longer side, as sharp as a page shows it: each move of a slider draws anew."""

LARGEST_OVERLAY = 4 * 2**20
"""Bytes that no child's overlay has; more is not decoded."""

Unreadable = (OSError, ValueError, SyntaxError, Image.DecompressionBombError)
"""What Pillow raises on a file that it cannot make a picture of."""

PLACES = (
    *("top_left", "top", "top_right"),
    *("left", "middle", "right"),
    *("bottom_left", "bottom", "bottom_right"),
)


def shown(picture: bytes) -> Image.Image:
    """The picture upright, RGB, and no larger than a page shows it.

    Raises:
        OSError, ValueError, SyntaxError, DecompressionBombError: It is no picture.
    """
    with Image.open(io.BytesIO(picture), formats=("JPEG", "PNG")) as opened:
        opened.draft("RGB", (SHOWN_SIDE, SHOWN_SIDE))
        upright = ImageOps.exif_transpose(opened).convert("RGB")
    upright.thumbnail((SHOWN_SIDE, SHOWN_SIDE), Image.Resampling.LANCZOS, reducing_gap=2.0)
    factor = SHOWN_SIDE / max(upright.size)
    if factor > 1:
        larger = (round(upright.width * factor), round(upright.height * factor))
        upright = upright.resize(larger, Image.Resampling.BICUBIC)
    return upright


def decoded(overlay: str | None) -> Image.Image | None:
    """The overlay of a prediction, RGBA; None where there is none that can be read."""
    if overlay is None or len(overlay) > LARGEST_OVERLAY:
        return None
    try:
        file = io.BytesIO(base64.b64decode(overlay, validate=True))
        with Image.open(file, formats=("PNG",)) as opened:
            return opened.convert("RGBA")
    except (binascii.Error, *Unreadable):
        return None


def overlaid(picture: Image.Image, overlay: Image.Image, strength: float) -> Image.Image:
    """The picture with the map over it, RGB, as large as the picture.

    The picture turns grey as the map gets stronger, so that all colour is the map's.

    Args:
        picture: RGB.
        overlay: RGBA; stretched to the picture, as the model saw all of the picture.
        strength: 0 shows the picture alone, 1 the map at its full opacity.
    """
    grey = picture.convert("L").convert("RGB")
    ground = Image.blend(picture, grey, strength)
    heat = overlay.resize(picture.size, Image.Resampling.BICUBIC)
    opacity = heat.getchannel("A").point([round(level * strength) for level in range(256)])
    return Image.composite(heat.convert("RGB"), ground, opacity)


def place_of_most(overlay: Image.Image) -> str:
    """In which ninth of the picture most of the map lies: `top_left` to `bottom_right`."""
    opacity = np.asarray(overlay.getchannel("A"), np.float64)
    heat = opacity - opacity.min()
    rows = [part for row in np.array_split(heat, 3) for part in np.array_split(row, 3, axis=1)]
    return PLACES[int(np.argmax([part.mean() for part in rows]))]
