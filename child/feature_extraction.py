"""Features of pictures: computed by the frozen part of a model, once a picture, and kept."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import numpy.typing as npt

from child.feature_array import FeatureArray
from imaging.array_rows import ArrayRows
from models.features import FeatureSplit

BATCH = 32
"""Pictures that go through the network together."""
AT_ONCE = 4 * BATCH
"""Pictures whose features are written together."""


class Cancelled(Exception):
    """The task whose features are computed is no longer wanted."""


def compute_features(
    split: FeatureSplit,
    pixels: ArrayRows,
    rows: npt.NDArray[np.int64],
    array: FeatureArray,
    tell: Callable[[int, int], None],
    cancelled: Callable[[], bool],
) -> None:
    """Has the features of pictures in their file; those that are there stay as they are.

    Args:
        split: The model in its two halves.
        pixels: uint8 (n, height, width, channels), read anew: a deleted picture turns black.
        rows: The pictures, by their rows in `pixels`.
        array: Where the features go, in the same rows.
        tell: Hears how many of how many pictures are done, before each step.
        cancelled: Asked between two steps.

    Raises:
        Cancelled: `cancelled` said so; what is done stays done.
        StorageFailure: The disk refused.
    """
    array.reserve(int(rows.max(initial=-1)) + 1)
    missing, whole = array.missing(rows), len(np.unique(rows))
    for start in range(0, len(missing), AT_ONCE):
        if cancelled():
            raise Cancelled
        tell(whole - len(missing) + start, whole)
        chosen = missing[start : start + AT_ONCE]
        images = pixels[chosen]
        features = _extract(split, images)
        array.put(chosen, features, _Unchanged(pixels, chosen, images))


class _Unchanged:
    """Whether the pictures that were looked at are still there."""

    def __init__(
        self,
        pixels: ArrayRows,
        rows: npt.NDArray[np.int64],
        images: npt.NDArray[np.uint8],
    ) -> None:
        self._pixels, self._rows, self._images = pixels, rows, images

    def __call__(self, place: int) -> bool:
        return np.array_equal(self._pixels[self._rows[place]], self._images[place])


def _extract(split: FeatureSplit, images: npt.NDArray[np.uint8]) -> npt.NDArray[np.float32]:
    """Features of pictures, each the same in whatever company it is computed.

    How a network's sums are ordered depends on the size of the batch: all are of one size.
    """
    spare = -len(images) % BATCH
    filled = np.concatenate([images, np.zeros((spare, *images.shape[1:]), np.uint8)])
    features: npt.NDArray[np.float32] = split.extract(filled, BATCH)[: len(images)]
    return features
