"""From 16 bits to 8."""

from __future__ import annotations

import numpy as np
import pytest

from imaging.depth import to_8_bits
from imaging.sanitise import sanitise
from tests.imaging.files import png_of


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ([0, 65_535, 256], [0, 255, 1]),
        ([0, 4095, 16, 2047], [0, 255, 1, 127]),
        ([0, 1023, 4], [0, 255, 1]),
        ([1023, 1024], [63, 64]),
        ([0, 255, 7], [0, 255, 7]),
        ([0, 0], [0, 0]),
        ([], []),
    ],
)
def test_the_smallest_depth_that_holds_the_picture_counts(
    values: list[int], expected: list[int]
) -> None:
    assert to_8_bits(np.array(values, np.uint16)).tolist() == expected


def test_a_scan_of_twelve_bits_is_not_nearly_black() -> None:
    values = np.array([[0, 2048, 4095]], ">u2")
    kept = sanitise(png_of(3, 1, 16, 0, b"\0" + values.tobytes()))
    assert kept.pixels[0, :, 0].tolist() == [0, 128, 255]
    assert kept.changed == ("converted from 16-bit grey",)
