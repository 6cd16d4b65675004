"""What every architecture of the zoo must do; a new file in `models/zoo/` is tested from here."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from federated.errors import ShapeMismatch
from federated.training import Training
from models.catalogue import catalogue
from tests.models.fresh_process import account_of, digest
from tests.models.studies import a_study, shades, small, study_of

pytestmark = pytest.mark.usefixtures("keras_runtime")
every_architecture = pytest.mark.parametrize("name", catalogue())


@pytest.fixture(scope="module")
def accounts(pytestconfig: pytest.Config) -> list[dict[str, Any]]:
    """The same work done by two fresh processes, side by side."""
    processes = [
        subprocess.Popen(
            [sys.executable, "-m", "tests.models.fresh_process"],
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            cwd=pytestconfig.rootpath,
        )
        for _ in range(2)
    ]
    return [json.loads(process.communicate()[0]) for process in processes]


@every_architecture
def test_two_processes_agree_to_the_byte(name: str, accounts: list[dict[str, Any]]) -> None:
    first, second = (account[name] for account in accounts)
    assert first == second
    assert first["before"] != first["after"]


@every_architecture
def test_a_process_that_did_other_things_agrees_too(
    name: str, accounts: list[dict[str, Any]]
) -> None:
    account_of(name)
    assert account_of(name) == accounts[0][name]


@every_architecture
def test_another_seed_gives_other_weights_of_the_same_signature(name: str) -> None:
    from models.named import build_model

    one, other = (build_model(study_of(name), small(name), seed) for seed in (1, 2))
    assert one.signature == other.signature
    assert digest(one.read()) != digest(other.read())


@every_architecture
def test_weights_make_the_round_trip(name: str) -> None:
    from models.named import build_model

    model = build_model(study_of(name), small(name), seed=0)
    weights = {key: array + np.float32(0.5) for key, array in model.read().items()}
    model.assign(weights)
    again = model.read()
    assert list(again) == list(model.signature.names)
    assert all(np.array_equal(again[key], weights[key]) for key in weights)


@every_architecture
@pytest.mark.parametrize("harm", ["missing", "unknown", "shape", "dtype"])
def test_wrong_weights_leave_the_model_as_it_was(name: str, harm: str) -> None:
    from models.named import build_model

    model = build_model(study_of(name), small(name), seed=0)
    before = digest(model.read())
    weights = {key: np.zeros_like(array) for key, array in model.read().items()}
    last = model.signature.names[-1]
    match harm:
        case "missing":
            del weights[last]
        case "unknown":
            weights["stranger/kernel"] = np.zeros(3, np.float32)
        case "shape":
            weights[last] = np.zeros((*weights[last].shape, 1), np.float32)
        case "dtype":
            weights[last] = weights[last].astype(np.float64)
    with pytest.raises(ShapeMismatch):
        model.assign(weights)
    assert digest(model.read()) == before


@every_architecture
def test_it_learns_what_is_easy(name: str) -> None:
    from models.fit import fit
    from models.named import build_model
    from models.predict import predict

    study = study_of(name)
    model = build_model(study, small(name), seed=0)
    fit(model, *shades(study, 120), Training(epochs=15, batch_size=8), seed=0)
    images, labels = shades(study, 30, seed=1)
    assert np.mean(predict(model, images).argmax(axis=1) == labels) >= 0.9


@every_architecture
@pytest.mark.parametrize(
    ("size", "channels", "classes"), [(8, 1, 2), (13, 3, 5), (97, 1, 3), (1024, 3, 2)]
)
def test_it_takes_any_size_channels_and_classes(
    name: str, size: int, channels: int, classes: int
) -> None:
    from models.fit import fit
    from models.named import build_model
    from models.predict import predict

    architecture = catalogue()[name]
    if size < architecture.smallest or channels not in architecture.channels:
        pytest.skip(f"{name} says that it does not take these")
    study = a_study(classes, size, channels)
    model = build_model(study, small(name), seed=0)
    images, labels = shades(study, classes + 1)
    fit(model, images, labels, Training(batch_size=classes), seed=0)
    probabilities = predict(model, images)
    assert probabilities.shape == (classes + 1, classes)
    np.testing.assert_allclose(probabilities.sum(axis=1), 1.0, rtol=1e-5)


@every_architecture
def test_every_layer_with_weights_is_named_by_us(name: str) -> None:
    from models.named import build_model

    model = build_model(study_of(name), small(name), seed=0)
    automatic = ("conv2d", "dense_", "batch_normalization", "functional")
    assert not [key for key in model.signature.names if key.startswith(automatic)]


def test_the_list_names_every_architecture(pytestconfig: pytest.Config) -> None:
    from models.__main__ import describe

    lines = list(describe(catalogue()["cnn10"]))
    assert lines[0].startswith("cnn10  ")
    assert "bytes on the wire" in lines[1]
    assert Path(pytestconfig.rootpath, "models", "zoo", "cnn10.py").exists()
