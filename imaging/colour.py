"""Colours: every kind of picture to RGB as screens understand it (sRGB)."""

from __future__ import annotations

import io

import numpy as np
from PIL import Image, ImageCms

from imaging.depth import to_8_bits

NAMES = {
    "1": "black and white",
    "L": "grey",
    "LA": "grey with transparency",
    "I;16": "16-bit grey",
    "P": "a palette",
    "RGBA": "colour with transparency",
    "CMYK": "CMYK",
}
"""Pillow's modes other than RGB, in words."""


def plain(picture: Image.Image) -> Image.Image:
    """`picture` as `L`, `RGB`, `RGBA` or `CMYK`, 8 bits each, without a palette.

    16-bit values are scaled to 8 bits (`imaging.depth`); Pillow's own conversion would cut
    them off.
    """
    if picture.mode == "I;16":
        return Image.fromarray(to_8_bits(np.asarray(picture)))
    if picture.has_transparency_data:
        return picture.convert("RGBA")
    if picture.mode in ("L", "RGB", "CMYK"):
        return picture
    return picture.convert("L" if picture.mode == "1" else "RGB")


def to_srgb(picture: Image.Image, profile: bytes) -> Image.Image:
    """`picture`, as `plain` gives it, as RGB over white, by its ICC profile if it can be used.

    A profile that is broken, or made for other colours, is left out of account: the
    picture then looks as it would in a program that knows no profiles.
    """
    opaque = _over_white(picture) if picture.mode == "RGBA" else picture
    converted = _by_profile(opaque, profile) if profile else None
    return (converted or opaque).convert("RGB")


def _over_white(picture: Image.Image) -> Image.Image:
    white = Image.new("RGBA", picture.size, "white")
    return Image.alpha_composite(white, picture).convert("RGB")


def _by_profile(picture: Image.Image, profile: bytes) -> Image.Image | None:
    try:
        source = ImageCms.ImageCmsProfile(io.BytesIO(profile))
        # A round trip from sRGB to sRGB would only add rounding.
        if "sRGB" in (source.profile.profile_description or ""):
            return None
        target = ImageCms.createProfile("sRGB")
        return ImageCms.profileToProfile(picture, source, target, outputMode="RGB")
    except (ImageCms.PyCMSError, OSError, TypeError, ValueError):
        return None
