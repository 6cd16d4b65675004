"""Backends side by side: how far their losses lie apart, and what is said where there is none."""

import pytest

from benchmarks import backends
from federated.errors import FederationError


def test_losses_are_compared_with_the_first_backends_in_each_epoch():
    first = {"losses": {"plain": [1.0, 0.5]}, "speed": {"plain": 100.0}}
    other = {"losses": {"plain": [1.01, 0.48]}, "speed": {"plain": 80.0}}
    loss, apart, speed = backends._figures("jax", other, first)
    assert (loss.name, loss.median) == ("jax_plain_loss", 0.48)
    assert apart.median == pytest.approx(0.04)
    assert (speed.name, speed.median) == ("jax_plain_speed", 80.0)


def test_without_any_backend_it_says_so(monkeypatch):
    monkeypatch.setattr(backends.importlib.util, "find_spec", lambda name: None)
    with pytest.raises(FederationError, match="No backend is installed"):
        backends.run(True)


def test_a_backend_that_is_not_there_fails_by_its_name(monkeypatch, tmp_path):
    with pytest.raises(FederationError, match="Training on abacus failed"):
        backends._trained("abacus", tmp_path / "first.npz", 1)
