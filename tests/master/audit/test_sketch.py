from __future__ import annotations

import tracemalloc

import numpy as np
import pytest

from federated.signature import signature_of
from master.audit.sketch import BUCKETS, CHUNK, distance, sketch_of
from tests.master.audit.updates import SIGNATURE, Arrays, moved, sketched, weights


def flat(after: Arrays, before: Arrays) -> np.ndarray:
    names = ("conv/kernel", "head/bias")
    return np.concatenate([(after[n].astype(float) - before[n]).ravel() for n in names])


def test_lengths_are_those_of_the_change_and_count_what_trains_alone(rng) -> None:
    start = weights(rng)
    after = moved(start, weights(rng, 0.1))
    sketch = sketched(after, start)
    assert sketch.norm == pytest.approx(np.linalg.norm(flat(after, start)))
    assert sketch.weights == 3 * 3 * 2 * 11 + 7


def test_inner_products_of_sketches_are_those_of_the_changes(rng) -> None:
    start, common = weights(rng), weights(rng, 0.1)
    errors = []
    for number in range(40):
        pair = [moved(start, moved(common, weights(rng, 0.1))) for _ in range(2)]
        a, b = (flat(after, start) for after in pair)
        true = a @ b / np.linalg.norm(a) / np.linalg.norm(b)
        one, other = (sketched(after, start, f"secret {number}") for after in pair)
        errors.append(float(one.projection @ other.projection) - true)
    assert np.std(errors) < 2 / np.sqrt(BUCKETS)
    assert abs(np.mean(errors)) < 0.03


def test_the_same_weights_have_the_same_digest_from_wherever_they_came(rng) -> None:
    start, other, after = weights(rng), weights(rng), weights(rng)
    assert sketched(after, start).digest == sketched(after, other).digest
    assert sketched(after, start).digest != sketched(moved(after, other, 1e-3), start).digest


def test_small_distances_are_told_as_well_as_large_ones(rng) -> None:
    start, change = weights(rng), weights(rng, 0.1)
    one = sketched(moved(start, change), start)
    assert distance(one, one) == 0
    assert distance(one, sketched(moved(start, change, 1.001), start)) == pytest.approx(
        1e-3, rel=0.1
    )
    assert distance(one, sketched(moved(start, change, 2.0), start)) == pytest.approx(0.5, rel=0.01)
    assert distance(one, sketched(moved(start, change, -1.0), start)) == pytest.approx(2)


def test_another_seed_gives_another_sketch_of_the_same_length(rng) -> None:
    start = weights(rng)
    after = moved(start, weights(rng, 0.1))
    one, other = sketched(after, start, "a"), sketched(after, start, "b")
    assert one.norm == other.norm
    assert abs(one.projection @ other.projection) < 0.3


def test_what_has_not_changed_has_no_direction_and_tells_nothing(rng) -> None:
    start = weights(rng)
    sketch, changed = sketch_of(start, start, SIGNATURE, "secret")
    assert not changed
    assert not sketch.is_telling
    assert not sketch.projection.any()


def test_values_as_large_as_there_are_do_not_overflow(rng) -> None:
    start = weights(rng)
    after = moved(start, start, 1e38)
    sketch = sketched(after, start)
    assert np.isfinite(sketch.norm)
    assert np.linalg.norm(sketch.projection) == pytest.approx(1, rel=1e-5)


def test_memory_does_not_grow_with_a_tensor(rng) -> None:
    shape = (16, CHUNK)
    start = Arrays({"dense/kernel": rng.normal(size=shape).astype(np.float32)})
    after = Arrays({"dense/kernel": start["dense/kernel"] + np.float32(0.25)})
    signature = signature_of(start)
    tracemalloc.start()
    try:
        sketch, _ = sketch_of(after, start, signature, "secret")
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert sketch.norm == pytest.approx(0.25 * np.sqrt(16 * CHUNK), rel=1e-6)
    # Beyond the tensors themselves: some copies of a piece, as float64.
    assert peak < start["dense/kernel"].nbytes
