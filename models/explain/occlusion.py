"""Occlusion: what hiding a part of the picture costs a class."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np

LARGEST_GRID = 12
"""Patches a side, at most: 144 forward passes for a picture of any size."""

PATCH_SHARE = 6
"""A patch is one sixth of the picture's side: one stride and its like overlap by half."""

BATCH_BYTES = 16 * 2**20
MOST_AT_ONCE = 32

Forward = Callable[[np.ndarray], np.ndarray]
"""From uint8 (n, height, width, channels) to probabilities (n, classes)."""


def occlusion_map(forward: Forward, picture: np.ndarray, target: int) -> np.ndarray:
    """How much of the evidence for a class is lost where a part of the picture is hidden.

    A patch of the picture's mean colour is laid over it at up to twelve by twelve places.

    Args:
        forward: The model.
        picture: uint8 (height, width, channels).
        target: Index of the class.

    Returns:
        float32 (rows, columns): the loss in the logarithm of the class's odds, by place of
        the patch; negative where hiding that place speaks for the class.

    References:
        M. D. Zeiler, R. Fergus, "Visualizing and Understanding Convolutional Networks",
        ECCV 2014, section 4.2. https://arxiv.org/abs/1311.2901
    """
    height, width = picture.shape[:2]
    tops, lefts = _places(height), _places(width)
    scores = np.concatenate(
        [_log_odds(forward(batch), target) for batch in _batches(picture, tops, lefts)]
    )
    whole = _log_odds(forward(picture[None]), target)[0]
    lost: np.ndarray = (whole - scores).astype(np.float32)
    return lost.reshape(len(tops), len(lefts))


def _places(side: int) -> list[slice]:
    """Patches that cover a side evenly, from its first pixel to its last."""
    patch = max(1, round(side / PATCH_SHARE))
    starts = np.linspace(0, side - patch, min(LARGEST_GRID, side - patch + 1)).round().astype(int)
    return [slice(start, start + patch) for start in starts.tolist()]


def _batches(picture: np.ndarray, tops: list[slice], lefts: list[slice]) -> Iterator[np.ndarray]:
    places = [(top, left) for top in tops for left in lefts]
    at_once = max(1, min(MOST_AT_ONCE, BATCH_BYTES // picture.nbytes))
    grey = picture.mean(axis=(0, 1)).round().astype(np.uint8)
    for start in range(0, len(places), at_once):
        chosen = places[start : start + at_once]
        batch = np.repeat(picture[None], len(chosen), axis=0)
        for hidden, (top, left) in zip(batch, chosen, strict=True):
            hidden[top, left] = grey
        yield batch


def _log_odds(probabilities: np.ndarray, target: int) -> np.ndarray:
    own = probabilities[:, target].astype(np.float64)
    others = np.delete(probabilities, target, axis=1).astype(np.float64).sum(axis=1)
    odds: np.ndarray = np.log(np.maximum(own, 1e-30)) - np.log(np.maximum(others, 1e-30))
    return odds
