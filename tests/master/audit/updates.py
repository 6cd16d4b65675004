"""Updates of a small model, made up of numbers."""

from __future__ import annotations

import numpy as np

from federated.signature import Signature, TensorSpec
from master.audit.sketch import Sketch, sketch_of

SIGNATURE = Signature(
    tensors=(
        TensorSpec(name="conv/kernel", shape=(3, 3, 2, 11)),
        TensorSpec(name="norm/variance", shape=(11,), trainable=False, role="statistic"),
        TensorSpec(name="head/bias", shape=(7,)),
    )
)


class Arrays(dict[str, np.ndarray]):
    """Arrays as the audit reads them."""

    def get_tensor(self, name: str) -> np.ndarray:
        return self[name]


def weights(rng: np.random.Generator, spread: float = 1.0) -> Arrays:
    return Arrays(
        {
            spec.name: rng.normal(0, spread, spec.shape).astype(np.float32)
            for spec in SIGNATURE.tensors
        }
    )


def moved(start: Arrays, change: Arrays, factor: float = 1.0) -> Arrays:
    return Arrays({name: start[name] + np.float32(factor) * change[name] for name in start})


def sketched(after: Arrays, before: Arrays, seed: str = "secret") -> Sketch:
    return sketch_of(after, before, SIGNATURE, seed)[0]


def round_of(
    rng: np.random.Generator, count: int, noise: float = 0.5
) -> tuple[Arrays, list[Arrays]]:
    """Where a round starts, and updates that go roughly the same way."""
    start, common = weights(rng), weights(rng, 0.01)
    changes = [moved(common, weights(rng, 0.01), noise) for _ in range(count)]
    return start, [moved(start, change) for change in changes]
