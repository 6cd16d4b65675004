"""Bands of size, focus and light, on made pictures and on real ones."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageFilter

from imaging.quality import laplacian_variance, picture_quality

DATA = Path(__file__).parents[2].parent / "shared" / "data" / "skin_ham7" / "test"
LARGE = (1200, 900)


def checks(level: int = 60, side: int = 160, middle: int = 128) -> np.ndarray:
    """Squares of 8 pixels, `level` darker and lighter than the middle."""
    row, column = np.indices((side, side)) // 8
    value = middle + level * (1 - 2 * ((row + column) % 2))
    return np.repeat(value.astype(np.uint8)[..., None], 3, axis=-1)


def bands(pixels: np.ndarray, original: tuple[int, int] = LARGE, model: int = 64) -> dict[str, str]:
    found = picture_quality(pixels, original, model)
    return {f.aspect: f.fault or f.band for f in found.findings}


def blurred(pixels: np.ndarray, radius: float) -> np.ndarray:
    return np.asarray(Image.fromarray(pixels).filter(ImageFilter.GaussianBlur(radius)))


def test_a_good_picture_has_no_fault() -> None:
    assert bands(checks()) == {"size": "good", "focus": "good", "light": "good"}
    assert not picture_quality(checks(), LARGE, 64).again


@pytest.mark.parametrize(
    ("original", "model", "fault"),
    [((799, 600), 64, "small"), ((600, 800), 64, "good"), ((90, 3000), 96, "below_model")],
)
def test_size_is_that_of_the_file_as_it_came(
    original: tuple[int, int], model: int, fault: str
) -> None:
    assert bands(checks(), original, model)["size"] == fault


def test_a_picture_that_was_turned_upright_tells_its_sides_upright() -> None:
    upright = checks()[:, :100]
    found = picture_quality(upright, (900, 700), 64)
    assert (found.width, found.height) == (700, 900)


def test_blur_takes_detail_away_until_it_is_called_for_again() -> None:
    values = [laplacian_variance(blurred(checks(20), radius)) for radius in (0, 1, 3, 6)]
    assert values == sorted(values, reverse=True)
    assert bands(blurred(checks(20), 6))["focus"] == "blurred"
    assert bands(np.full((50, 50, 3), 128, np.uint8))["focus"] == "blurred"


def test_a_large_picture_and_a_small_one_of_the_same_scene_compare() -> None:
    small = checks(20, side=128)
    large = np.asarray(Image.fromarray(small).resize((640, 640), Image.Resampling.NEAREST))
    assert laplacian_variance(large) == pytest.approx(laplacian_variance(small), rel=0.01)


def test_light_is_that_of_the_middle_alone() -> None:
    framed = checks()
    framed[:30], framed[-30:], framed[:, :30], framed[:, -30:] = 0, 0, 0, 0
    assert bands(framed)["light"] == "good"
    lights = [picture_quality(np.full((9, 9, 3), v, np.uint8), LARGE, 9) for v in (20, 36, 44)]
    told = [(light.findings[2].fault, light.findings[2].band) for light in lights]
    assert told == [("dark", "poor"), ("dark", "fair"), ("", "good")]


def test_what_is_burnt_out_is_told_apart_from_what_is_bright() -> None:
    spotted = checks(10)
    spotted[60:85, 60:85] = 255
    assert bands(spotted)["light"] == "burnt"
    assert bands(checks(2, middle=245))["light"] == "bright"


def test_a_picture_of_one_pixel_is_called_for_again() -> None:
    assert picture_quality(np.zeros((1, 1, 3), np.uint8), (1, 1), 64).again


@pytest.mark.skipif(not DATA.is_dir(), reason="the real pictures are not on this computer")
def test_real_pictures_pass_and_their_blurred_copies_do_not() -> None:
    files = sorted(DATA.glob("*/*"))[::25]
    pictures = [np.asarray(Image.open(file).convert("RGB")) for file in files]
    assert len(pictures) > 15
    assert not any(picture_quality(one, (128, 128), 64).again for one in pictures)
    assert all(picture_quality(blurred(one, 2), (128, 128), 64).again for one in pictures)
