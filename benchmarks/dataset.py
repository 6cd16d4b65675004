"""Data sets for measurements: drawn ones, and the same pictures as plain arrays."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from PIL import Image

from federated.split import validation_split
from federated.study import Study
from imaging.folders import Found
from imaging.resize import to_model_pixels
from imaging.sanitise import sanitise
from imaging.synthetic import CLASSES, draw_lesion

Arrays = dict[str, np.ndarray]


def draw_dataset(folder: Path, parts: Mapping[str, int], size: int, seed: int) -> None:
    """Synthetic lesions in class folders, as many of each part as `parts` says."""
    rng = np.random.default_rng(seed)
    for part, number in parts.items():
        for index in range(number):
            label = CLASSES[index % 2]
            place = folder / part / label
            place.mkdir(parents=True, exist_ok=True)
            picture = Image.fromarray(draw_lesion(rng, label, size, 0.3))
            picture.save(place / f"{index}.png", compress_level=1)


def plain_arrays(
    pictures: Sequence[Found], study: Study
) -> tuple[np.ndarray, np.ndarray, list[str]]:
    """Pictures as the model sees them, their labels and names, in the children's order.

    Returns:
        uint8 (n, size, size, channels), int32 (n,), and the SHA-256 of each picture.
    """
    sane = [(sanitise(found.read()), found.label) for found in pictures]
    unique = {picture.sha256: (picture, label) for picture, label in sane}
    names = sorted(unique)
    images = [to_model_pixels(unique[name][0].pixels, study.size, study.channels) for name in names]
    labels = [study.classes.index(unique[name][1]) for name in names]
    return np.stack(images), np.array(labels, dtype=np.int32), names


def site_arrays(pictures: Sequence[Found], study: Study, fraction: float, seed: int) -> Arrays:
    """One site's pictures, split as the child itself splits them."""
    images, labels, names = plain_arrays(pictures, study)
    by_name = {name: study.classes[label] for name, label in zip(names, labels, strict=True)}
    parts = validation_split(by_name, fraction=fraction, seed=seed)
    judges = np.array([parts[name] == "validation" for name in names])
    return {
        "train_images": images[~judges],
        "train_labels": labels[~judges],
        "val_images": images[judges],
        "val_labels": labels[judges],
    }
