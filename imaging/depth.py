"""From 16 bits to the 8 that a model sees."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

DEPTHS = (8, 10, 12, 14, 16)
"""Bits that cameras and scanners give; their values come in 16 bits all the same."""


def to_8_bits(values: npt.NDArray[Any]) -> npt.NDArray[np.uint8]:
    """Values from 0 to 65535 (any integer dtype, any shape) as uint8 of the same shape.

    The picture is taken to have the smallest depth of `DEPTHS` that holds its largest value,
    and keeps the upper 8 bits of it: a 12-bit scan is not shown in the lowest sixteenth, and
    brightness still means the same in pictures of one camera, as it would not if each were
    stretched from its own darkest to its own brightest value.
    """
    largest = int(values.max(initial=0))
    depth = next(depth for depth in DEPTHS if largest < 2**depth)
    return (values >> (depth - 8)).astype(np.uint8)
