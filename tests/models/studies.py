"""Small studies, drawn from a seed, on which models can show that they learn."""

from __future__ import annotations

import json
from typing import Any

import numpy as np

from federated.plan import ModelChoice
from federated.study import Study
from models.catalogue import catalogue

SMALL = {"alpha": 0.25, "width": 8, "units": 16, "dropout": 0.1}
"""Settings that make a model small and quick to learn, where an architecture has them."""


def a_study(classes: int = 3, size: int = 20, channels: int = 3) -> Study:
    return Study(
        id="shades",
        name="Shades",
        classes=tuple(f"shade {k}" for k in range(classes)),
        size=size,
        channels=channels,
    )


def small(name: str, study: Study | None = None) -> ModelChoice:
    """An architecture of the zoo as small as tests like it."""
    known = {setting.name for setting in catalogue()[name].settings}
    settings = {key: value for key, value in SMALL.items() if key in known}
    config = own_json(study or study_of(name)) if name == "own" else None
    return ModelChoice(name=name, settings=settings, config=config)


def study_of(name: str, classes: int = 3) -> Study:
    """A study of pictures that are large enough for the architecture."""
    return a_study(classes, max(20, catalogue()[name].smallest))


def own_json(study: Study) -> str:
    """A model of somebody's own, as Keras writes it, for the pictures and classes of a study."""
    layers = [
        own_layer("InputLayer", batch_shape=[None, *study.picture_shape], name="picture"),
        own_layer("Rescaling", scale=1 / 255, offset=0.0, name="Rescaling_7"),
        own_layer("Conv2D", filters=4, kernel_size=3, strides=2, activation="relu", name="Conv A"),
        own_layer("BatchNormalization", momentum=0.9, name="norm"),
        own_layer("Flatten", name="flat"),
        own_layer("Dropout", rate=0.1, seed=None, name="drop"),
        own_layer("Dense", units=len(study.classes), activation="softmax", name="dense_12"),
    ]
    inner = {"name": "mine", "layers": layers}
    return json.dumps({"module": "keras", "class_name": "Sequential", "config": inner})


def own_layer(class_name: str, **config: Any) -> dict[str, Any]:
    return {"module": "keras.layers", "class_name": class_name, "config": config}


def shades(study: Study, num_examples: int, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Noise around one brightness a class: (n, size, size, channels) uint8 and (n,) labels."""
    rng = np.random.default_rng(seed)
    labels = np.arange(num_examples) % len(study.classes)
    brightness = 30 + labels * 180 // (len(study.classes) - 1)
    noise = rng.integers(0, 45, (num_examples, *study.picture_shape))
    return (noise + brightness[:, None, None, None]).astype(np.uint8), labels
