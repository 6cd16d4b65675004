"""The exported file opens in plain Keras, far from our code, and predicts the same."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from federated.plan import ModelChoice
from federated.training import Training
from tests.models.studies import a_study, shades

pytestmark = pytest.mark.usefixtures("keras_runtime")

STRANGER = """
import importlib.util, sys
assert not any(map(importlib.util.find_spec, ("models", "federated"))), "our code is in reach"
import keras, numpy as np
model = keras.models.load_model("model.keras")
images = np.load("images.npy")
np.save("bytes.npy", model.predict(images, verbose=0))
np.save("floats.npy", model.predict(images.astype("float32"), verbose=0))
print("compiled:", model.compiled)
"""


def test_plain_keras_opens_it_and_predicts_the_same(tmp_path: Path) -> None:
    from models.export import export_keras
    from models.fit import fit
    from models.named import build_model
    from models.predict import predict

    study = a_study(classes=3)
    images, labels = shades(study, 18)
    model = build_model(study, ModelChoice(), seed=0)
    fit(model, images, labels, Training(), seed=0)
    export_keras(model, tmp_path / "model.keras")
    np.save(tmp_path / "images.npy", images)
    # -I: neither this folder nor PYTHONPATH is searched for modules.
    answer = subprocess.run(
        [sys.executable, "-I", "-c", STRANGER], cwd=tmp_path, capture_output=True, text=True
    )
    assert answer.returncode == 0, answer.stderr
    assert answer.stdout.strip() == "compiled: False"
    for kind in ("bytes", "floats"):
        found = np.load(tmp_path / f"{kind}.npy")
        np.testing.assert_allclose(found, predict(model, images), atol=1e-6)


def test_a_mean_over_flips_goes_with_the_file(tmp_path: Path) -> None:
    import keras

    from models.export import export_keras
    from models.named import build_model
    from models.predict import predict

    study = a_study(classes=3)
    images = np.random.default_rng(3).integers(0, 256, (5, *study.picture_shape), dtype=np.uint8)
    model = build_model(study, ModelChoice(flips=True), seed=0)
    export_keras(model, tmp_path / "model.keras")
    opened = keras.models.load_model(tmp_path / "model.keras", safe_mode=True)
    np.testing.assert_allclose(opened.predict(images, verbose=0), predict(model, images), atol=1e-6)
    alone = model.keras_model.predict(images, verbose=0)
    assert np.abs(alone - predict(model, images)).max() > 1e-4


def test_a_failure_leaves_nothing_behind(tmp_path: Path) -> None:
    from models.export import export_keras
    from models.named import build_model

    model = build_model(a_study(), ModelChoice(), seed=0)
    (tmp_path / "model.keras").mkdir()
    with pytest.raises(OSError):
        export_keras(model, tmp_path / "model.keras")
    assert [path.name for path in tmp_path.iterdir()] == ["model.keras"]
