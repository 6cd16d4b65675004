"""Frozen features of a data set, made in a process of its own: it imports TensorFlow.

`python -m benchmarks.odd_sites.features DATA WEIGHTS OUT` writes an `.npz` with `train_x`,
`train_y`, `test_x` and `test_y`.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np

from benchmarks.odd_sites.federation import Pictures

WEIGHTS = "mobilenet_2_5_224_tf_no_top.h5"
SIZE = 128
AUDIT = 200
"""Pictures of the master's audit part."""


def made(data: Path, out: Path) -> dict[str, np.ndarray]:
    """The features of a data set, by a process that ends when it has made them."""
    command = [sys.executable, "-m", "benchmarks.odd_sites.features", str(data), str(out)]
    subprocess.run(command, check=True, capture_output=True)
    with np.load(out) as arrays:
        return dict(arrays)


def standardised(arrays: dict[str, np.ndarray], rng: np.random.Generator) -> Pictures:
    """Features of mean 0 and spread 1; the audit part is drawn from the test pictures."""
    mean, spread = arrays["train_x"].mean(axis=0), arrays["train_x"].std(axis=0) + 1e-6
    rows = rng.permutation(len(arrays["test_y"]))[:AUDIT]
    return Pictures(
        (arrays["train_x"] - mean) / spread,
        arrays["train_y"],
        (arrays["test_x"][rows] - mean) / spread,
        arrays["test_y"][rows],
    )


def drawn(classes: int, count: int, rng: np.random.Generator, width: int = 24) -> Pictures:
    """Features that are no picture's: a cloud around a centre for each class."""
    centres = rng.normal(0, 0.55, (classes, width))
    y = rng.integers(0, classes, count + AUDIT)
    x = centres[y] + rng.normal(0, 1, (len(y), width))
    return Pictures(x[:count], y[:count], x[count:], y[count:])


def main(data: Path, out: Path) -> None:
    """Runs a MobileNet of ImageNet's weights over all pictures, once."""
    from federated.plan import ModelChoice
    from federated.study import Study
    from imaging.folders import read_class_folders
    from imaging.resize import to_model_pixels
    from imaging.sanitise import read_pixels
    from models.named import build_model

    classes = tuple(sorted(folder.name for folder in (data / "train").iterdir()))
    study = Study(id="odd-sites", name="Odd sites", classes=classes, size=SIZE)
    choice = ModelChoice(name="mobilenet", trained="features", weights=WEIGHTS)
    model = build_model(study, choice, seed=0, pretrained=data.parent / "weights")
    if model.features is None:
        raise SystemExit("this model has no frozen part")
    arrays = {}
    for part in ("train", "test"):
        found = list(read_class_folders(data / part))
        pixels = [to_model_pixels(read_pixels(one.read()), SIZE, 3) for one in found]
        arrays[f"{part}_x"] = model.features.extract(np.stack(pixels), 64)
        arrays[f"{part}_y"] = np.array([classes.index(one.label) for one in found])
    np.savez(out, allow_pickle=False, **arrays)


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
