"""A sketch of an update: a few kilobytes by which updates are compared without being read again.

The projection is a count sketch: each weight is added to, or taken from, one of `BUCKETS` sums,
which a secret seed chooses. Inner products of sketches are those of the changes, give or take
one part in `sqrt(BUCKETS)`; who does not know the seed cannot make a change that its sketch
does not show.

References:
    M. Charikar, K. Chen, M. Farach-Colton, "Finding Frequent Items in Data Streams", ICALP 2002.
    K. Weinberger et al., "Feature Hashing for Large Scale Multitask Learning", ICML 2009.
    https://arxiv.org/abs/0902.2206
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from federated.signature import Signature, TensorSpec
from federated.wire import TensorReader

BUCKETS = 512
CHUNK = 1 << 18
"""Values that are projected at a time, so that memory does not grow with the tensor."""

FEWEST_WEIGHTS = 64
"""With fewer trainable weights, honest updates are alike and point anywhere by chance."""


@dataclass(frozen=True, slots=True)
class Sketch:
    """What is kept of an update for comparisons.

    Attributes:
        digest: SHA-256 (hexadecimal) of its weights, decoded: other metadata, another encoding
            of the same values, and it is the same.
        weights: Number of trainable weights.
        norm: Euclidean length of the change of the trainable weights.
        projection: Of the change of the trainable weights, as a unit vector, float32
            (BUCKETS,); zeros where nothing has changed.
    """

    digest: str
    weights: int
    norm: float
    projection: np.ndarray

    @property
    def is_telling(self) -> bool:
        """Whether the projection says anything: enough weights, and some have changed."""
        return self.weights >= FEWEST_WEIGHTS and self.norm > 0


def sketch_of(
    after: TensorReader, before: TensorReader, signature: Signature, seed: str
) -> tuple[Sketch, bool]:
    """Reads an update once, tensor by tensor.

    Args:
        after: Its weights, decoded and finite.
        before: The weights that it started from.
        signature: Names, shapes and roles.
        seed: Secret that chooses the projection; the same for all updates of a run.

    Returns:
        The sketch, and whether any weight has changed.
    """
    digest, sums = hashlib.sha256(), np.zeros(BUCKETS)
    lengths: list[float] = []
    changed = False
    for spec in signature.tensors:
        draws = _draws(spec, seed)
        new, old = (reader.get_tensor(spec.name) for reader in (after, before))
        for now, then in zip(_parts(new), _parts(old), strict=True):
            digest.update(now.tobytes())
            changed = changed or not np.array_equal(then, now)
            if spec.trainable:
                change = np.subtract(now, then, dtype=np.float64)
                lengths.append(_length(change))
                sums += _projected(change, next(draws))
    sketch = Sketch(
        digest=digest.hexdigest(),
        weights=sum(spec.count for spec in signature.tensors if spec.trainable),
        norm=math.hypot(*lengths),
        projection=_unit(sums),
    )
    return sketch, changed


def distance(one: Sketch, other: Sketch) -> float:
    """Length of the difference of two changes, in parts of the longer of the two; 0 to 2."""
    longer = max(one.norm, other.norm)
    if longer == 0:
        return 0.0
    a, b = one.norm / longer, other.norm / longer
    # As a difference of vectors: 1 - cos would lose the small distances to rounding.
    between = a * one.projection.astype(np.float64) - b * other.projection.astype(np.float64)
    return float(np.linalg.norm(between))


def _length(change: np.ndarray) -> float:
    # Scaled first: the square of a huge but finite value would not be finite.
    largest = float(np.abs(change).max(initial=0.0))
    return largest * float(np.linalg.norm(change / largest)) if largest > 0 else 0.0


def _unit(sums: np.ndarray) -> np.ndarray:
    length = _length(sums)
    return (sums / length if length > 0 else sums).astype(np.float32)


def _projected(change: np.ndarray, draws: np.ndarray) -> np.ndarray:
    signs = np.where(draws & 1, 1.0, -1.0)
    return np.bincount(draws >> 1, weights=signs * change, minlength=BUCKETS)


def _parts(values: np.ndarray) -> Iterator[np.ndarray]:
    flat = values.reshape(-1)
    for start in range(0, flat.size, CHUNK):
        yield flat[start : start + CHUNK]


def _draws(spec: TensorSpec, seed: str) -> Iterator[np.ndarray]:
    """A bucket and a sign for each value, as one whole number below `2 * BUCKETS`."""
    key = hashlib.sha256(f"{seed}/{spec.name}".encode()).digest()
    rng = np.random.default_rng(np.frombuffer(key, dtype=np.uint32))
    for start in range(0, spec.count, CHUNK):
        yield rng.integers(0, 2 * BUCKETS, min(CHUNK, spec.count - start), dtype=np.uint16)
