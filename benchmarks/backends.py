"""The same trainings on each backend that is installed here: do they learn alike?"""

from __future__ import annotations

import importlib.util
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from benchmarks.figures import Figure, Report
from federated.errors import FederationError

BACKENDS = ("tensorflow", "jax", "torch")
TOLERANCE = 1e-2
"""Relative difference of losses that float32 and another order of sums may make."""


def run(quick: bool) -> Report:
    """Trains on every installed backend from the same weights, and compares the losses.

    Raises:
        FederationError: None is installed, one failed, or two learned differently.
    """
    installed = [name for name in BACKENDS if importlib.util.find_spec(name)]
    missing = [name for name in BACKENDS if name not in installed]
    if not installed:
        raise FederationError("No backend is installed", expected=f"one of {BACKENDS}")
    epochs = 2 if quick else 5
    with tempfile.TemporaryDirectory() as folder:
        found = {name: _trained(name, Path(folder) / "first.npz", epochs) for name in installed}
    reference = found[installed[0]]
    figures = [figure for name in installed for figure in _figures(name, found[name], reference)]
    settings = {
        "epochs": epochs,
        "reference": installed[0],
        "missing": ", ".join(missing) or "none",
    }
    report = Report("backends", figures, settings)
    apart = [one for one in figures if one.name.endswith("apart") and one.median > TOLERANCE]
    if apart:
        raise FederationError(
            f"Backends do not train alike\n{report.table()}",
            expected=f"losses within {TOLERANCE:g} of {installed[0]}'s",
            received=", ".join(f"{one.name} {one.median:.3g}" for one in apart),
        )
    return report


def _trained(backend: str, weights: Path, epochs: int) -> dict[str, Any]:
    command = [sys.executable, "-m", "benchmarks.one_backend", str(weights), str(epochs)]
    environment = os.environ | {"KERAS_BACKEND": backend}
    done = subprocess.run(command, capture_output=True, text=True, env=environment, check=False)
    if done.returncode:
        raise FederationError(f"Training on {backend} failed", received=done.stderr[-2000:])
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return found


def _figures(backend: str, found: Mapping[str, Any], reference: Mapping[str, Any]) -> list[Figure]:
    figures = []
    for plan, losses in found["losses"].items():
        apart = max(
            abs(own - other) / other
            for own, other in zip(losses, reference["losses"][plan], strict=True)
        )
        speed = found["speed"][plan]
        figures += [
            Figure(f"{backend}_{plan}_loss", f"{backend}: last loss, {plan}", (losses[-1],)),
            Figure(f"{backend}_{plan}_apart", "  largest difference, relative", (apart,)),
            Figure(f"{backend}_{plan}_speed", "  pictures trained on", (speed,), "/s"),
        ]
    return figures
