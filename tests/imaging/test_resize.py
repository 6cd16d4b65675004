"""How a picture becomes a model's input."""

from __future__ import annotations

import io

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from imaging.errors import WrongPixels
from imaging.resize import thumbnail, to_model_pixels
from tests.imaging.files import picture


def test_the_result_has_the_size_and_channels_of_the_study() -> None:
    for channels in (1, 3):
        result = to_model_pixels(picture(30, 47), 24, channels)
        assert result.shape == (24, 24, channels)
        assert result.dtype == np.uint8


@settings(max_examples=50)
@given(
    height=st.integers(1, 90),
    width=st.integers(1, 90),
    size=st.integers(1, 60),
    level=st.integers(0, 255),
)
def test_a_plain_picture_stays_plain(height: int, width: int, size: int, level: int) -> None:
    result = to_model_pixels(np.full((height, width, 3), level, np.uint8), size, 3)
    assert result.shape == (size, size, 3)
    assert (result == level).all()


def test_a_picture_that_fits_is_left_alone() -> None:
    pixels = picture(24, 24)
    assert np.array_equal(to_model_pixels(pixels, 24, 3), pixels)


def test_nothing_at_the_edge_is_lost() -> None:
    pixels = np.zeros((60, 200, 3), np.uint8)
    pixels[:, :20] = 255
    left, rest = np.split(to_model_pixels(pixels, 20, 3), [2], axis=1)
    assert left.min() > 200
    assert rest[:, 2:].max() < 30


def test_fine_stripes_become_their_mean_and_not_a_pattern() -> None:
    stripes = np.zeros((300, 300, 3), np.uint8)
    stripes[:, ::2] = 200
    result = to_model_pixels(stripes, 30, 3)[2:-2, 2:-2]
    assert abs(result.mean() - 100) < 2
    assert result.std() < 4


def test_grey_follows_the_eye() -> None:
    colours = np.array([[[255, 0, 0], [0, 255, 0]], [[0, 0, 255], [255, 255, 255]]], np.uint8)
    grey = to_model_pixels(colours, 2, 1)[:, :, 0]
    assert grey.tolist() == [[76, 150], [29, 255]]
    assert np.array_equal(to_model_pixels(grey[:, :, None], 2, 3)[:, :, 1], grey)


def test_the_input_stays_as_it_was_and_the_result_can_be_written() -> None:
    pixels = picture()
    pixels.flags.writeable = False
    result = to_model_pixels(pixels, 8, 3)
    result[:] = 0
    assert np.array_equal(pixels, picture())


@pytest.mark.parametrize(
    "pixels",
    [
        np.zeros((4, 4), np.uint8),
        np.zeros((4, 4, 2), np.uint8),
        np.zeros((4, 4, 3), np.float32),
        np.zeros((0, 4, 3), np.uint8),
    ],
)
def test_other_arrays_are_refused(pixels: np.ndarray) -> None:
    with pytest.raises(WrongPixels, match="Expected uint8"):
        to_model_pixels(pixels, 8, 3)


def test_two_channels_are_refused() -> None:
    with pytest.raises(WrongPixels):
        to_model_pixels(picture(), 8, 2)


def test_a_thumbnail_keeps_the_proportions_and_says_nothing() -> None:
    with Image.open(io.BytesIO(thumbnail(picture(60, 90), side=45))) as small:
        assert small.size == (45, 30)
        assert not small.getexif()
        assert set(small.info) <= {"jfif", "jfif_version", "jfif_unit", "jfif_density"}


def test_a_thumbnail_is_never_enlarged() -> None:
    with Image.open(io.BytesIO(thumbnail(picture(10, 20), side=160))) as small:
        assert small.size == (20, 10)
