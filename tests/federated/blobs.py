"""Blobs on disk for the tests of this folder: bytes in, `safe_open` reader out."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import numpy as np
from safetensors import safe_open

from federated.signature import signature_of
from federated.strategies import Contribution
from federated.wire import UpdateDocument

WEIGHTS = {
    "conv1/kernel": np.arange(12, dtype=np.float32).reshape(3, 4) / 7,
    "conv1/bias": np.array([0.5, -2.0], dtype=np.float32),
}
SIGNATURE = signature_of(WEIGHTS)


def document(**changes: object) -> UpdateDocument:
    facts = {"task": "t1", "base": "a" * 64, "num_examples": 3, "num_steps": 2} | changes
    return UpdateDocument.model_validate(facts)


class Arrays:
    """The smallest tensor reader: arrays that are in memory anyway."""

    def __init__(self, arrays: Mapping[str, np.ndarray]) -> None:
        self._arrays = dict(arrays)

    def keys(self) -> list[str]:
        return list(self._arrays)

    def get_tensor(self, name: str) -> np.ndarray:
        return self._arrays[name]


def contribution(node: str, num_examples: int, arrays: Mapping[str, np.ndarray]) -> Contribution:
    return Contribution(node, num_examples, num_steps=1, weights=Arrays(arrays))


@contextmanager
def opened(folder: Path, data: bytes) -> Iterator[safe_open]:
    path = folder / "blob"
    path.write_bytes(data)
    with safe_open(path, framework="np") as blob:
        yield blob
