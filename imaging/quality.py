"""Whether a picture is worth judging: its size, how sharp it is, how it is lit.

The thresholds for focus and light were set on real pictures. Of 400 skin pictures as they are, none
is called for again; blurred by a Gaussian of 2 pixels at 128 pixels' side, all are; at a fifth of
their light 363 are, at two and a half times their light 386. Pictures of other things have other
detail and light: of 200 from magnetic resonance 3 are called for again as they are, of 200
textures 19, and of the blurred ones 23 and 83. The bands tell a bad picture, not a good one.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from PIL import Image

from federated.picture_quality import Fault, PictureQuality, QualityFinding

LOOKED_AT_SIDE = 128
"""Pixels of the shorter side at which focus is measured, about as many as models see."""

FEWEST_PIXELS = 800 * 600
"""What store-and-forward teledermatology asks for at least.

Reference: American Telemedicine Association, Quick Guide to Store-Forward Teledermatology, 2012.
"""

BLURRED, SOFT = 8.0, 18.0
DARK, RATHER_DARK, RATHER_BRIGHT, BRIGHT = 30.0, 42.0, 225.0, 240.0
BURNT_LEVEL, RATHER_BURNT, BURNT = 250, 0.01, 0.05
"""A pixel with all three colours there has lost what it showed; shares of the middle."""

Pixels = npt.NDArray[np.uint8]


def picture_quality(pixels: Pixels, original: tuple[int, int], model_side: int) -> PictureQuality:
    """What can be said of a picture before a model looks at it.

    Args:
        pixels: uint8 `(height, width, 3)`, RGB, upright.
        original: Width and height before the picture was scaled down; either way up.
        model_side: Pixels of a side as the model sees the picture.
    """
    height, width = pixels.shape[:2]
    if (width >= height) != (original[0] >= original[1]):
        original = original[::-1]
    findings = (_size(original, model_side), _focus(pixels), _light(pixels))
    return PictureQuality(width=original[0], height=original[1], findings=findings)


def laplacian_variance(pixels: Pixels) -> float:
    """How much fine detail there is: the variance of the Laplacian of the brightness.

    It is measured at one size, so that a large picture and a small one of the same scene compare.

    References:
        J. L. Pech-Pacheco et al., "Diatom autofocusing in brightfield microscopy: a comparative
        study", ICPR 2000.
    """
    grey = Image.fromarray(pixels)
    shrink = min(grey.size) / LOOKED_AT_SIDE
    if shrink > 1:
        size = (round(grey.width / shrink), round(grey.height / shrink))
        grey = grey.resize(size, Image.Resampling.BOX, reducing_gap=2.0)
    if min(grey.size) < 3:
        return 0.0
    seen = np.asarray(grey.convert("L"), np.float32)
    middle = 4 * seen[1:-1, 1:-1]
    around = seen[:-2, 1:-1] + seen[2:, 1:-1] + seen[1:-1, :-2] + seen[1:-1, 2:]
    return float((middle - around).var())


def _size(original: tuple[int, int], model_side: int) -> QualityFinding:
    side = min(original)
    if side < model_side:
        return QualityFinding(aspect="size", band="poor", fault="below_model", value=side)
    if original[0] * original[1] < FEWEST_PIXELS:
        return QualityFinding(aspect="size", band="fair", fault="small", value=side)
    return QualityFinding(aspect="size", band="good", fault="", value=side)


def _focus(pixels: Pixels) -> QualityFinding:
    value = laplacian_variance(pixels)
    if value < BLURRED:
        return QualityFinding(aspect="focus", band="poor", fault="blurred", value=value)
    if value < SOFT:
        return QualityFinding(aspect="focus", band="fair", fault="soft", value=value)
    return QualityFinding(aspect="focus", band="good", fault="", value=value)


def _light(pixels: Pixels) -> QualityFinding:
    """Of the middle alone: a dermoscope's picture is black around its round field."""
    middle = _middle(pixels)
    value = float(np.median(np.asarray(Image.fromarray(middle).convert("L"))))
    burnt = float((middle.min(axis=-1) >= BURNT_LEVEL).mean())
    faults: tuple[tuple[Fault, bool, bool], ...] = (
        ("dark", value < DARK, value < RATHER_DARK),
        ("bright", value > BRIGHT, value > RATHER_BRIGHT),
        ("burnt", burnt > BURNT, burnt > RATHER_BURNT),
    )
    poor = next((fault for fault, is_poor, _ in faults if is_poor), None)
    if poor is not None:
        return QualityFinding(aspect="light", band="poor", fault=poor, value=value)
    fair = next((fault for fault, _, is_fair in faults if is_fair), None)
    if fair is not None:
        return QualityFinding(aspect="light", band="fair", fault=fair, value=value)
    return QualityFinding(aspect="light", band="good", fault="", value=value)


def _middle(pixels: Pixels) -> Pixels:
    """Three fifths of each side, about a quarter of a million pixels: a median needs no more."""
    height, width = pixels.shape[:2]
    top, left = height // 5, width // 5
    middle = pixels[top : height - top, left : width - left]
    step = max(1, round((middle.shape[0] * middle.shape[1] / 2.5e5) ** 0.5))
    return np.ascontiguousarray(middle[::step, ::step])
