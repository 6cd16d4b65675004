"""Trains `cnn10` a few steps on the backend of this process: `python -m benchmarks.one_backend`.

Takes a file of first weights, which it writes if there is none, and the number of epochs; prints
the losses of each plan and the pictures trained on a second, as JSON.
"""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path

import numpy as np

from federated.plan import ModelChoice
from federated.study import Study
from federated.training import Augmentation, Schedule, Training

STUDY = Study(id="stripes", name="Stripes", classes=("a", "b", "c"), size=48)
PICTURES = 120
SETTINGS: dict[str, Training] = {
    "plain": Training(),
    "all": Training(
        optimizer="sgd",
        learning_rate=0.02,
        momentum=0.9,
        weight_decay=0.01,
        schedule=Schedule(kind="cosine", warmup=0.1),
        loss="focal",
        class_weights="balanced",
        augmentation=Augmentation(horizontal_flip=True, rotation=15, brightness=0.1, hue=0.05),
        clip_norm=1.0,
        proximal=0.1,
    ),
}


def main(weights: Path, epochs: int) -> None:
    """Prints what the trainings came to."""
    from models import runtime

    runtime.configure(threads=1, deterministic=True)
    from models.fit import fit
    from models.named import build_model

    # No dropout: each backend draws random numbers of its own.
    model = build_model(STUDY, ModelChoice(settings={"dropout": 0.0}), seed=1)
    if not weights.exists():
        np.savez(weights, allow_pickle=False, **model.read())
    first = dict(np.load(weights))
    images, labels = _pictures()
    losses, seconds = {}, {}
    for name, settings in SETTINGS.items():
        training = settings.model_copy(update={"epochs": epochs})
        # Once to compile, once to measure.
        for _ in range(2):
            model.assign(first)
            started = time.perf_counter()
            history = fit(model, images, labels, training, seed=4).history
            seconds[name] = time.perf_counter() - started
        losses[name] = [figures.loss for figures in history]
    speed = {name: PICTURES * epochs / taken for name, taken in seconds.items()}
    print(json.dumps({"losses": losses, "speed": speed}))


def _pictures() -> tuple[np.ndarray, np.ndarray]:
    """Stripes of three widths in noise: uint8 (n, size, size, 3) and labels (n,)."""
    rng = np.random.default_rng(2)
    labels = np.arange(PICTURES) % len(STUDY.classes)
    places = np.arange(STUDY.size)[None, None, :, None]
    stripes = (places // (2 + 2 * labels[:, None, None, None])) % 2 * 90
    noise = rng.integers(0, 120, (PICTURES, *STUDY.picture_shape))
    return (stripes + noise + 20).astype(np.uint8), labels


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]))
