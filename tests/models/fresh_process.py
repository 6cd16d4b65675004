"""Run as `python -m tests.models.fresh_process`: what a process of its own makes of each model.

Prints, as JSON, for every architecture the tensor names and the SHA-256 of its first weights; for
those that are quickly trained also that of the weights after a short training.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping

import numpy as np

from federated.training import Training
from models.catalogue import catalogue
from tests.models.studies import shades, small, study_of

TRAINING = Training(epochs=2, batch_size=8)
NUM_EXAMPLES = 27
FEW_LAYERS = 30
"""Compiling many layers takes long."""


def digest(weights: Mapping[str, np.ndarray]) -> str:
    return hashlib.sha256(b"".join(array.tobytes() for array in weights.values())).hexdigest()


def account_of(name: str) -> dict[str, object]:
    from models.fit import fit
    from models.named import build_model

    study = study_of(name)
    model = build_model(study, small(name), seed=5)
    account = {"names": list(model.signature.names), "before": digest(model.read())}
    if len(model.keras_model.layers) <= FEW_LAYERS:
        fit(model, *shades(study, NUM_EXAMPLES), TRAINING, seed=7)
        account["after"] = digest(model.read())
    return account


if __name__ == "__main__":
    from models import runtime

    runtime.configure(threads=1, deterministic=True)
    print(json.dumps({name: account_of(name) for name in catalogue()}))
