"""Our own training alone, one thread, free or deterministic: a worker process."""

from __future__ import annotations

import sys
import time

import numpy as np

from federated.plan import ModelChoice
from federated.study import Study
from federated.training import Training
from serving.worker_main import Call, Json, serve, take_over_pipes


def main(kind: str) -> None:
    """Serves `train`: one epoch over 640 pictures of 100 x 100 x 3."""
    pipes = take_over_pipes()
    from models.runtime import configure

    configure(threads=1, deterministic=kind == "deterministic")
    from models.fit import fit
    from models.named import build_model

    study = Study(id="x", name="X", classes=("a", "b"), size=100)
    model = build_model(study, ModelChoice(), seed=1)
    rng = np.random.default_rng(1)
    images = rng.integers(0, 256, (640, 100, 100, 3), dtype=np.uint8)
    labels = rng.integers(0, 2, 640).astype(np.int32)

    def train(arguments: Json, request: Call) -> Json:
        started = time.perf_counter()
        fit(model, images, labels, Training(epochs=1), seed=1)
        return {"seconds": time.perf_counter() - started}

    serve({"train": train}, pipes)


if __name__ == "__main__":
    main(sys.argv[1])
