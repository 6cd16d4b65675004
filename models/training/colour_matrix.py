"""Colours made stronger, paler or turned, as matrices on red, green and blue."""

from __future__ import annotations

import numpy as np

YIQ_FROM_RGB = np.array(
    [
        [0.299, 0.587, 0.114],
        [0.59590059, -0.27455667, -0.32134392],
        [0.21153661, -0.52273617, 0.31119955],
    ]
)
"""Brightness (ITU-R BT.601) and two axes of colour, of which angle is hue and length strength."""

RGB_FROM_YIQ = np.linalg.inv(YIQ_FROM_RGB)


def colour_matrices(channels: int, strength: np.ndarray, angle: np.ndarray) -> np.ndarray:
    """A matrix for each picture that turns and stretches the colours and keeps the brightness.

    Args:
        channels: 3 for colours; pictures of any other number have none, and stay.
        strength: Factor of the saturation, (n,); 0 makes grey.
        angle: By how much the hue turns, in radians, (n,).

    Returns:
        float64 (n, channels, channels).
    """
    if channels != 3:
        return np.broadcast_to(np.eye(channels), (len(strength), channels, channels))
    turns = np.zeros((len(strength), 3, 3))
    turns[:, 0, 0] = 1
    turns[:, 1, 1] = turns[:, 2, 2] = strength * np.cos(angle)
    turns[:, 2, 1] = strength * np.sin(angle)
    turns[:, 1, 2] = -turns[:, 2, 1]
    matrices: np.ndarray = RGB_FROM_YIQ @ turns @ YIQ_FROM_RGB
    return matrices
