"""A batch shared out over several devices: the same result as on one."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from federated.errors import InvalidInput
from models.training import devices

ROOT = Path(__file__).resolve().parents[3]


@pytest.fixture(scope="module")
def accounts() -> dict[str, Any]:
    """What trainings came to in a process of its own, whose one CPU is three devices."""
    done = subprocess.run(
        [sys.executable, "-m", "tests.models.training.several_devices"],
        cwd=ROOT,
        env=os.environ | {"KERAS_BACKEND": "tensorflow"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return found


def test_there_are_several(accounts: dict[str, Any]) -> None:
    assert accounts["devices"] == 3


def test_three_devices_train_like_one(accounts: dict[str, Any]) -> None:
    # Ten pictures in batches of four: the last batch of two leaves one device without any.
    one, three = accounts["plain"]["one"], accounts["plain"]["all"]
    assert three["loss"] == pytest.approx(one["loss"], rel=1e-4)
    assert three["accuracy"] == pytest.approx(one["accuracy"])
    for name, values in one["weights"].items():
        assert three["weights"][name] == pytest.approx(values, rel=1e-3, abs=1e-5), name


def test_statistics_are_the_mean_of_what_the_devices_saw(accounts: dict[str, Any]) -> None:
    one, three = accounts["norm"]["one"]["weights"], accounts["norm"]["all"]["weights"]
    # One step on six pictures, two a device: the means are those of all, for shares are alike.
    assert three["norm/moving_mean"] == pytest.approx(one["norm/moving_mean"], rel=1e-4, abs=1e-6)
    # A device sees the variance of its own share only, which is smaller.
    for shared, whole in zip(
        three["norm/moving_variance"], one["norm/moving_variance"], strict=True
    ):
        assert shared == pytest.approx(whole, rel=0.1)
    assert three["norm/moving_variance"] != one["norm/moving_variance"]


def test_each_device_drops_units_of_its_own(accounts: dict[str, Any]) -> None:
    # Three pictures all alike: only dropout can tell the devices apart.
    assert accounts["dropout"]["all"]["loss"] != accounts["dropout"]["same"]


def test_other_backends_say_that_they_train_on_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(devices._COUNTS, "jax", lambda: 3)
    monkeypatch.setitem(devices._COUNTS, "torch", lambda: 1)
    devices.refuse_sharing("one", "jax")
    devices.refuse_sharing("all", "torch")
    with pytest.raises(InvalidInput, match=r"Only TensorFlow shares.*jax with 3 devices"):
        devices.refuse_sharing("all", "jax")
