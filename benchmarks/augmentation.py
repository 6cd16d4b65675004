"""What changing pictures at random costs while a model trains."""

from __future__ import annotations

import time

import numpy as np

from benchmarks.figures import Figure, Report, ratio
from federated.plan import ModelChoice
from federated.study import Study
from federated.training import Augmentation, Training

PICTURES = 640
SIZE = 96
KINDS: dict[str, tuple[str, Augmentation]] = {
    "none": ("as they are", Augmentation()),
    "flip": ("mirrored left to right", Augmentation(horizontal_flip=True)),
    "flips": ("mirrored both ways", Augmentation(horizontal_flip=True, vertical_flip=True)),
    "turns": (
        "all eight ways to lay a picture",
        Augmentation(horizontal_flip=True, vertical_flip=True, quarter_turns=True),
    ),
    "colour": (
        "brightness, contrast, saturation and hue",
        Augmentation(brightness=0.1, contrast=0.1, saturation=0.2, hue=0.05),
    ),
    "resampled": ("rotation and zoom", Augmentation(rotation=20, zoom=0.1)),
}


def run(quick: bool) -> Report:
    """Trains `cnn10`, the quickest model of the zoo, with each kind in turn, on one thread.

    Time is the process's own CPU time, so that other programs disturb it little.
    """
    from models import runtime

    runtime.configure(threads=1, deterministic=True)
    repetitions = 5 if quick else 21
    seconds = _seconds(repetitions)
    plain = Figure("none", "", seconds["none"])
    figures = []
    for kind, (meaning, _) in KINDS.items():
        speed = tuple(PICTURES / taken for taken in seconds[kind])
        figures.append(Figure(f"{kind}_speed", meaning, speed, "/s"))
        if kind != "none":
            own = Figure(kind, "", seconds[kind])
            figures.append(ratio(f"{kind}_cost", "  time over that without", own, plain))
    return Report("augmentation", figures, {"size": SIZE, "epochs of each": repetitions})


def _seconds(repetitions: int) -> dict[str, tuple[float, ...]]:
    from models.fit import fit, prepare
    from models.named import build_model

    study = Study(id="x", name="X", classes=("a", "b"), size=SIZE)
    model = build_model(study, ModelChoice(), seed=1)
    rng = np.random.default_rng(1)
    images = rng.integers(0, 256, (PICTURES, *study.picture_shape), dtype=np.uint8)
    labels = rng.integers(0, 2, PICTURES)
    taken: dict[str, list[float]] = {kind: [] for kind in KINDS}
    trainings = {kind: Training(augmentation=asked) for kind, (_, asked) in KINDS.items()}
    for training in trainings.values():
        prepare(model, training)
        fit(model, images[:64], labels[:64], training, seed=1)
    for _ in range(repetitions):
        for kind, training in trainings.items():
            started = time.process_time()
            fit(model, images, labels, training, seed=1)
            taken[kind].append(time.process_time() - started)
    return {kind: tuple(values) for kind, values in taken.items()}
