"""The name of a picture: a hash of its pixels, whatever file they came in."""

from __future__ import annotations

import hashlib

import numpy as np
import numpy.typing as npt


def picture_identity(pixels: npt.NDArray[np.uint8]) -> str:
    """SHA-256 (hexadecimal) of `pixels`, uint8 `(height, width, 3)`: mode, size and bytes.

    The size is part of it, so that a picture and the same bytes laid out in another
    shape differ.
    """
    height, width, _ = pixels.shape
    digest = hashlib.sha256(f"RGB {width} {height}\n".encode())
    digest.update(np.ascontiguousarray(pixels).data)
    return digest.hexdigest()
