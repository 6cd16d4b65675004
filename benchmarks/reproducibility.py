"""Two headless runs in fresh states with one seed; and what determinism costs in training."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

from benchmarks.dataset import draw_dataset
from benchmarks.figures import Figure, Report, ratio
from serving.worker import Worker


def run(quick: bool) -> Report:
    """Runs `train` twice and compares the hashes; trains with and without determinism."""
    pictures, rounds, repetitions = (30, 1, 1) if quick else (640, 5, 9)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        draw_dataset(folder / "data", {"train": pictures, "test": pictures}, size=96, seed=3)
        hashes = [_headless(folder, rounds, number) for number in range(2)]
        free, fixed = _training_seconds(folder, repetitions)
    same = Figure(
        "same_hash", "the same weights in every round (1: yes)", (float(hashes[0] == hashes[1]),)
    )
    return Report(
        "reproducibility",
        [same, fixed, free, ratio("determinism_cost", "  deterministic over free", fixed, free)],
        {"pictures": pictures, "rounds": rounds, "runs": repetitions},
    )


def _headless(folder: Path, rounds: int, number: int) -> list[str]:
    out = folder / f"out-{number}.json"
    command = [
        *(sys.executable, "-m", "engines.processes", "train"),
        *("--data", str(folder / "data"), "--children", "2", "--seed", "5"),
        *("--rounds", str(rounds), "--out", str(out)),
    ]
    subprocess.run(command, check=True, capture_output=True)
    return [one["weights_after"] for one in json.loads(out.read_text())["rounds"]]


def _training_seconds(folder: Path, repetitions: int) -> tuple[Figure, Figure]:
    """Seconds of one epoch without and with determinism, in turn."""
    workers = [
        Worker("benchmarks.training", [kind], dict(os.environ), folder / f"{kind}.log")
        for kind in ("free", "deterministic")
    ]
    try:
        for worker in workers:
            worker.call("train", {})
        rows = [[w.call("train", {})["seconds"] for w in workers] for _ in range(repetitions)]
    finally:
        for worker in workers:
            worker.stop()
    free, fixed = zip(*rows, strict=True)
    return (
        Figure("free_seconds", "an epoch, free", tuple(free), "s"),
        Figure("deterministic_seconds", "an epoch, deterministic", tuple(fixed), "s"),
    )
