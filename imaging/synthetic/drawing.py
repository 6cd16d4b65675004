"""A whole synthetic picture: skin, lesion, hairs, light, and the word that it is synthetic."""

from __future__ import annotations

from functools import lru_cache
from typing import Literal, get_args

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageDraw, ImageFilter, ImageFont

from imaging.errors import WrongPixels
from imaging.synthetic import lesion, skin
from imaging.synthetic.fields import Field, clouds, coordinates, step
from imaging.synthetic.lesion import Signs
from imaging.synthetic.skin import Colours

LesionLabel = Literal["benign", "malignant"]
CLASSES: tuple[LesionLabel, ...] = get_args(LesionLabel)

# Melanin takes blue light first: thin layers look tan, thick ones black.
_MELANIN = np.array([0.60, 0.92, 1.12], np.float32)
_BLOOD = np.array([0.10, 0.52, 0.42], np.float32)
_BLUE_VEIL = np.array([98, 104, 128], np.float32)
_SCAR = np.array([226, 206, 200], np.float32)


def draw_lesion(
    rng: np.random.Generator, label: LesionLabel, size: int = 128, difficulty: float = 0.5
) -> npt.NDArray[np.uint8]:
    """A lesion that never was on anybody's skin: uint8 `(size, size, 3)`, RGB.

    Skin tone, place, light and hairs say nothing about the class; only the signs of the
    ABCD rule do, and each only on average. The word `synthetic` stands on every picture,
    in the same place and colour.

    Args:
        rng: Source of all chance; the same state gives the same picture.
        label: `benign` or `malignant`.
        size: Height and width in pixels, at least 16.
        difficulty: 0 (the classes are plainly apart) to 1 (they nearly overlap).

    Raises:
        WrongPixels: The label, size or difficulty is none of these.
    """
    _check(label, size, difficulty)
    x, y = coordinates(size)
    signs = lesion.draw_signs(rng, label == "malignant", difficulty)
    colours = skin.draw_skin(rng, size)
    depth, coverage = lesion.outline(rng, x, y, signs)
    density = lesion.pigment(rng, x, y, depth, coverage, signs)
    colours = _stain(rng, colours, density, depth, coverage, signs)
    colours = skin.light(rng, x, y, skin.draw_hairs(rng, colours))
    return _photograph(rng, colours)


def _check(label: str, size: int, difficulty: float) -> None:
    if label not in CLASSES or size < 16 or not 0 <= difficulty <= 1:
        raise WrongPixels(
            "Such a lesion cannot be drawn",
            expected=f"a label of {' and '.join(CLASSES)}, 16 pixels or more, difficulty 0 to 1",
            received=f"{label}, {size} pixels, difficulty {difficulty}",
        )


def _stain(
    rng: np.random.Generator,
    colours: Colours,
    density: Field,
    depth: Field,
    coverage: Field,
    signs: Signs,
) -> Colours:
    """`colours` under pigment (Beer and Lambert's law), blood, blue veil and scars."""
    size = len(colours)
    warmth = np.array([1, 1, rng.uniform(0.85, 1.1)], np.float32)
    redness = coverage * (0.02 + 0.07 * np.abs(clouds(rng, size, 3)))
    redness = redness + 0.8 * _patch(rng, coverage, signs.colour * rng.uniform(0, 1))
    stained = colours * np.exp(
        -density[..., None] * _MELANIN * warmth - redness[..., None] * _BLOOD
    )
    deep = coverage * step(0.25, 0.2, depth)
    for colour, most in ((_BLUE_VEIL, 0.75), (_SCAR, 0.55)):
        alpha = most * _patch(rng, deep, signs.colour * rng.uniform(0, 1))[..., None]
        stained = stained + alpha * (colour * (colours.mean() / 190) - stained)
    return np.asarray(stained, dtype=np.float32)


def _patch(rng: np.random.Generator, within: Field, extent: float) -> Field:
    """A cloud within a region, larger and fuller with `extent`; nothing below about a third."""
    return (
        within
        * step(1.9 - 1.9 * extent, 0.5, clouds(rng, len(within), 3))
        * np.float32(min(1, 1.6 * extent))
    )


def _photograph(rng: np.random.Generator, colours: Colours) -> npt.NDArray[np.uint8]:
    """`colours` through a lens and a sensor, with the caption on top."""
    size = len(colours)
    image = Image.fromarray(colours.clip(0, 255).astype(np.uint8))
    image = image.filter(ImageFilter.GaussianBlur(size / 128 * rng.uniform(0.15, 0.5)))
    sensor = rng.normal(0, rng.uniform(1.0, 3.0), colours.shape).astype(np.float32)
    exposed = np.asarray(image, np.float32) * np.float32(rng.uniform(0.94, 1.06)) + sensor
    return _caption(exposed.clip(0, 255).astype(np.uint8))


def _caption(pixels: npt.NDArray[np.uint8]) -> npt.NDArray[np.uint8]:
    """`pixels` with the word `synthetic` at the lower left."""
    size = len(pixels)
    image = Image.fromarray(pixels)
    pen = ImageDraw.Draw(image)
    font = _font(max(7, size / 14))
    place = (size * 0.035, size * 0.97)
    pen.text(
        place, "synthetic", (244, 240, 236), font, "ls", stroke_width=1, stroke_fill=(70, 60, 58)
    )
    return np.array(image)


@lru_cache
def _font(height: float) -> ImageFont.ImageFont | ImageFont.FreeTypeFont:
    return ImageFont.load_default(height)
