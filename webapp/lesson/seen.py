"""What a convolution's filter answers to, and what it looks like: pictures of numbers."""

from __future__ import annotations

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

NEGATIVE, ZERO, POSITIVE = (0, 114, 178), (246, 244, 240), (213, 94, 0)
"""Colours of weights, of Okabe and Ito's palette: told apart by people with any colour vision."""

DARK, BRIGHT = (0, 34, 78), (254, 232, 56)
"""The ends of cividis, which grows evenly brighter."""


def feature_map(picture: np.ndarray, kernel: np.ndarray, bias: float) -> np.ndarray:
    """A filter slid over a picture: how strongly it answers at each place; below 0 counts as 0.

    Args:
        picture: uint8 (height, width, channels); taken from -1 to 1, as `cnn10` takes it.
        kernel: (rows, columns, channels).
        bias: Added at each place.

    Returns:
        float32 (height − rows + 1, width − columns + 1), at least 0.
    """
    pixels = picture.astype(np.float32) / 127.5 - 1
    windows = sliding_window_view(pixels, kernel.shape).squeeze(2)
    answers: np.ndarray = np.einsum("hwijc,ijc->hw", windows, kernel) + np.float32(bias)
    return np.asarray(np.maximum(answers, 0))


def in_colours(values: np.ndarray, limit: float) -> np.ndarray:
    """Numbers as colours: blue below 0, orange above it.

    Args:
        values: (rows, columns).
        limit: The number that has the full colour; greater than 0.

    Returns:
        uint8 (rows, columns, 3).
    """
    share = np.clip(values / limit, -1, 1)[..., None]
    ends = np.where(share < 0, NEGATIVE, POSITIVE)
    colours: np.ndarray = np.array(ZERO) + np.abs(share) * (ends - np.array(ZERO))
    return np.asarray(np.round(colours), np.uint8)


def in_brightness(values: np.ndarray, limit: float) -> np.ndarray:
    """Numbers from 0 to `limit` as colours from dark blue to bright yellow, uint8 (…, 3)."""
    share = np.clip(values / limit, 0, 1)[..., None]
    colours: np.ndarray = np.array(DARK) + share * (np.array(BRIGHT) - np.array(DARK))
    return np.asarray(np.round(colours), np.uint8)


def enlarged(pixels: np.ndarray, side: int) -> np.ndarray:
    """A small picture in squares that can be told apart.

    Args:
        pixels: uint8 (rows, columns, 3).
        side: Pixels that the longer side is to have at least.
    """
    times = max(1, -(-side // max(pixels.shape[:2])))
    return np.repeat(np.repeat(pixels, times, 0), times, 1)
