"""Pictures of noise, half of which have a mark: what a map must find."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from federated.study import Study

SIZE, SIDE = 40, 8
STUDY = Study(id="marks", name="Marks", classes=("plain", "marked"), size=SIZE)


class Planted(NamedTuple):
    """Pictures, labels, and the top left corner of each picture's mark."""

    images: np.ndarray
    labels: np.ndarray
    corners: np.ndarray


def planted(num_examples: int, seed: int) -> Planted:
    """Noise; in every second picture a chequered square, as bright as the noise on the whole."""
    rng = np.random.default_rng(seed)
    images = rng.normal(128, 40, (num_examples, *STUDY.picture_shape)).clip(0, 255)
    labels = np.arange(num_examples) % 2
    corners = rng.integers(2, SIZE - SIDE - 2, (num_examples, 2))
    chequered = np.indices((SIDE, SIDE)).sum(axis=0) // 2 % 2
    for image, label, (top, left) in zip(images, labels, corners, strict=True):
        if label:
            image[top : top + SIDE, left : left + SIDE] = (28 + 200 * chequered)[..., None]
    return Planted(images.astype(np.uint8), labels, corners)


def concentration(heat: np.ndarray, corner: np.ndarray) -> float:
    """The share of a map that lies on the mark, over the share that a flat map has there."""
    top, left = corner
    inside = heat[top : top + SIDE, left : left + SIDE].sum()
    return float(inside / max(heat.sum(), 1e-9) / (SIDE / SIZE) ** 2)
