"""Small studies, drawn from a seed, on which models can show that they learn."""

from __future__ import annotations

import numpy as np

from federated.plan import ModelChoice
from federated.study import Study
from models.catalogue import catalogue

SMALL = {"alpha": 0.25, "width": 8, "units": 16}
"""Settings that make a model small, by name, where an architecture has them."""


def a_study(classes: int = 3, size: int = 20, channels: int = 3) -> Study:
    return Study(
        id="shades",
        name="Shades",
        classes=tuple(f"shade {k}" for k in range(classes)),
        size=size,
        channels=channels,
    )


def small(name: str) -> ModelChoice:
    """An architecture of the zoo as small as tests like it."""
    known = {setting.name for setting in catalogue()[name].settings}
    return ModelChoice(name=name, settings={k: v for k, v in SMALL.items() if k in known})


def study_of(name: str, classes: int = 3) -> Study:
    """A study of pictures that are large enough for the architecture."""
    return a_study(classes, max(20, catalogue()[name].smallest))


def shades(study: Study, num_examples: int, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Noise around one brightness a class: (n, size, size, channels) uint8 and (n,) labels."""
    rng = np.random.default_rng(seed)
    labels = np.arange(num_examples) % len(study.classes)
    brightness = 30 + labels * 180 // (len(study.classes) - 1)
    noise = rng.integers(0, 45, (num_examples, *study.picture_shape))
    return (noise + brightness[:, None, None, None]).astype(np.uint8), labels
