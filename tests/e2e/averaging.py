"""The strategies' formulas once more, by other means: plain safetensors, plain numpy, one line."""

import hashlib

import numpy as np
from safetensors.numpy import load


def read_blob(state, sha256):
    """The tensors of a stored blob, whose bytes are those that its name promises."""
    data = (state / "master" / "blobs" / sha256).read_bytes()
    assert hashlib.sha256(data).hexdigest() == sha256
    return load(data)


def weighted_mean(updates):
    """Σ nᵢ Wᵢ / Σ nᵢ of (n, tensors) pairs, in float64."""
    counts = np.array([count for count, _ in updates], dtype=np.float64)
    return {
        name: np.tensordot(
            counts / counts.sum(),
            np.stack([tensors[name].astype(np.float64) for _, tensors in updates]),
            axes=1,
        )
        for name in updates[0][1]
    }


def assert_averaged(state, before, after, updates):
    """Fails unless the blob `after` is the average of the updates' blobs.

    Args:
        state: The federation's folder.
        before: Hash of the weights that the round started from.
        after: Hash of those that it made.
        updates: (num_examples, hash) of the updates that counted.
    """
    expected = weighted_mean([(count, read_blob(state, sha256)) for count, sha256 in updates])
    assert_made(state, before, after, expected)


def assert_buffered(state, before, after, updates):
    """Fails unless the blob `after` is a step of FedBuff: W + (1/k) Σ (τᵢ + 1)^-½ (Wᵢ − Bᵢ).

    Args:
        state: The federation's folder.
        before: Hash of the weights that were newest.
        after: Hash of those that the step made.
        updates: (staleness, hash of the base, hash) of the updates that counted.
    """
    start = read_blob(state, before)
    expected = {name: tensor.astype(np.float64) for name, tensor in start.items()}
    for staleness, base, sha256 in updates:
        own, begun = read_blob(state, sha256), read_blob(state, base)
        scale = (staleness + 1) ** -0.5 / len(updates)
        for name in expected:
            expected[name] += scale * (own[name].astype(np.float64) - begun[name])
    assert_made(state, before, after, expected)


def assert_made(state, before, after, expected):
    """Fails unless a blob holds these tensors, and others than the one before."""
    made, start = read_blob(state, after), read_blob(state, before)
    assert made.keys() == expected.keys() == start.keys()
    for name, mean in expected.items():
        # One unit in the last place of float32: the order of the sums may differ.
        np.testing.assert_allclose(made[name], mean, rtol=2e-7, atol=1e-9, err_msg=name)
    assert any((made[name] != start[name]).any() for name in made), "nothing was learned"
