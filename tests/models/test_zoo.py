"""What every architecture of the zoo must do; a new file in `models/zoo/` is tested from here."""

from __future__ import annotations

import functools
import importlib
import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from federated.errors import InvalidInput, ShapeMismatch
from federated.plan import ModelChoice
from federated.training import Training
from models.catalogue import catalogue, check_model
from models.own_config import checked_config
from serving.server import MAX_BODY
from tests.models.fresh_process import account_of, digest
from tests.models.studies import a_study, shades, small, study_of

pytestmark = pytest.mark.usefixtures("keras_runtime")
every_architecture = pytest.mark.parametrize("name", catalogue())
LIGHT = ("brain_cnn", "cnn10", "linear", "own", "texture_cnn2")
"""Few layers, so that they are quickly compiled."""

LARGE = {"efficientnet_b0", "inception_v3", "resnet50"}
"""Built as `mobilenet` is, but in seconds."""


@functools.cache
def network_of(name: str) -> Any:
    """One network of each architecture, for tests that leave it as it was."""
    choice, study = small(name), study_of(name)
    settings = check_model(choice, study) | ({"config": choice.config} if choice.config else {})
    return importlib.import_module(f"models.zoo.{name}").build(study, settings, 5)


@functools.cache
def built(name: str) -> Any:
    """The same as a model."""
    from models.named import NamedModel

    return NamedModel(network_of(name).model)


@pytest.fixture(scope="module")
def accounts(pytestconfig: pytest.Config) -> dict[str, dict[str, Any]]:
    """What a fresh process makes of each architecture."""
    answer = subprocess.run(
        [sys.executable, "-m", "tests.models.fresh_process"],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        cwd=pytestconfig.rootpath,
        check=True,
    )
    accounts: dict[str, dict[str, Any]] = json.loads(answer.stdout)
    return accounts


@every_architecture
def test_two_processes_agree_to_the_byte(name: str, accounts: dict[str, dict[str, Any]]) -> None:
    model = built(name)
    assert list(model.signature.names) == accounts[name]["names"]
    assert digest(model.read()) == accounts[name]["before"]


@pytest.mark.parametrize("name", LIGHT)
def test_they_agree_after_training_whatever_they_did_before(
    name: str, accounts: dict[str, dict[str, Any]]
) -> None:
    account = account_of(name)
    assert account == accounts[name]
    assert account["before"] != account["after"]


@every_architecture
def test_every_drawn_tensor_is_drawn_by_a_seed_of_its_own(name: str) -> None:
    drawn = [array for array in built(name).read().values() if array.ndim > 1]
    starts = [array.ravel()[:4].round(6).tobytes() for array in drawn if array.std() > 0]
    assert len(set(starts)) == len(starts)


@every_architecture
def test_weights_make_the_round_trip(name: str) -> None:
    model = built(name)
    before = model.read()
    weights = {key: array + np.float32(0.5) for key, array in before.items()}
    model.assign(weights)
    again = model.read()
    assert list(again) == list(model.signature.names)
    assert all(np.array_equal(again[key], weights[key]) for key in weights)
    model.assign(before)


def harmed(weights: dict[str, np.ndarray], harm: str) -> dict[str, np.ndarray]:
    *_, last = weights
    match harm:
        case "missing":
            return {name: array for name, array in weights.items() if name != last}
        case "unknown":
            return weights | {"stranger/kernel": np.zeros(3, np.float32)}
        case "shape":
            return weights | {last: np.zeros((*weights[last].shape, 1), np.float32)}
    return weights | {last: weights[last].astype(np.float64)}


@every_architecture
def test_wrong_weights_leave_the_model_as_it_was(name: str) -> None:
    model = built(name)
    before = model.read()
    weights = {key: np.zeros_like(array) for key, array in before.items()}
    for harm in ("missing", "unknown", "shape", "dtype"):
        with pytest.raises(ShapeMismatch):
            model.assign(harmed(weights, harm))
    assert digest(model.read()) == digest(before)


@pytest.mark.parametrize("name", LIGHT)
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
def test_a_step_down_the_slope_of_all_its_weights_lowers_the_loss(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    import keras
    import tensorflow as tf

    from models.own_model import all_layers

    if keras.config.backend() != "tensorflow":
        pytest.skip("The slope is taken by TensorFlow here.")
    model, before = built(name), built(name).read()
    for layer in all_layers(model.keras_model):
        if isinstance(layer, keras.layers.Dropout):
            # What is dropped differs from step to step, by more than one step gains.
            monkeypatch.setattr(layer, "rate", 0.0)
    variables = model.keras_model.trainable_variables
    images, labels = shades(study_of(name), 6)

    def loss() -> Any:
        probabilities = model.keras_model(images, training=True)
        return tf.reduce_mean(keras.losses.sparse_categorical_crossentropy(labels, probabilities))

    with tf.GradientTape() as tape:
        start = loss()
    slopes = tape.gradient(start, [variable.value for variable in variables])
    assert all(np.isfinite(slope).all() and np.any(slope) for slope in slopes)
    # So long that on a straight slope the loss would fall by a tenth.
    length = 0.1 * start / sum(np.square(slope).sum() for slope in slopes)
    for variable, slope in zip(variables, slopes, strict=True):
        variable.assign_sub(length * slope)
    end = loss()
    model.assign(before)
    assert end < 0.98 * start


@pytest.mark.parametrize("name", sorted({*catalogue()} - LARGE))
def test_it_takes_another_size_grey_pictures_and_more_classes(name: str) -> None:
    import keras

    from models.named import build_model

    study = a_study(classes=5, size=catalogue()[name].smallest + 13, channels=1)
    model = build_model(study, small(name, study), seed=0)
    # As in training, where most layers do more.
    answer = model.keras_model(shades(study, 4)[0], training=True)
    probabilities = keras.ops.convert_to_numpy(answer)
    assert probabilities.shape == (4, 5)
    assert probabilities.dtype == np.float32
    np.testing.assert_allclose(probabilities.sum(axis=1), 1.0, rtol=1e-5)


@pytest.mark.parametrize("name", [*LIGHT[:3], "lstm_resnet18", "resnet18", "texture_cnn2"])
def test_it_takes_the_smallest_pictures(name: str) -> None:
    from models.named import build_model

    study = a_study(classes=2, size=catalogue()[name].smallest)
    model = build_model(study, small(name), seed=0)
    assert np.isfinite(model.keras_model(shades(study, 2)[0], training=True)).all()


@every_architecture
def test_pictures_that_are_too_small_or_too_large_are_refused(name: str) -> None:
    architecture = catalogue()[name]
    for size in (architecture.smallest - 1, architecture.largest + 1):
        if 8 <= size <= 1024:
            assert list(architecture.objections({}, a_study(size=size)))


@every_architecture
def test_every_layer_is_named_by_its_place_or_by_us(name: str) -> None:
    model = built(name).keras_model
    for operation in model.operations:
        assert re.fullmatch(r"[a-z0-9_]+", operation.name)
        # Keras's counters go on from model to model, and begin without a number.
        assert int(re.sub(r".*?(\d*)$", r"\1", operation.name) or 0) <= 100
        assert operation.name not in ("conv2d", "dense", "batch_normalization", "activation", "add")


@every_architecture
def test_plain_keras_opens_it_and_we_would_admit_it(name: str, tmp_path: Path) -> None:
    import keras

    from models.export import export_keras

    model, (images, _) = built(name), shades(study_of(name), 3)
    export_keras(model, tmp_path / "model.keras")
    found = keras.models.load_model(tmp_path / "model.keras")
    np.testing.assert_allclose(found(images), model.keras_model(images), atol=1e-5)
    checked_config(found.to_json())


@pytest.mark.parametrize("name", ["lstm_resnet18", "mobilenet_v3_small", "texture_cnn2"])
def test_a_file_of_it_can_be_given_to_another(name: str, tmp_path: Path) -> None:
    from models.export import export_keras
    from models.named import build_model

    export_keras(built(name), tmp_path / "model.keras")
    given = small(name).model_copy(update={"weights": "model.keras"})
    again = build_model(study_of(name), given, seed=8, pretrained=tmp_path)
    assert digest(again.read()) == digest(built(name).read())


@every_architecture
def test_it_can_be_cut(name: str) -> None:
    network, (images, _) = network_of(name), shades(study_of(name), 2)
    features = np.asarray(network.base(images))
    assert features.dtype == np.float32
    assert features.ndim == 2
    np.testing.assert_allclose(network.head(features), network.model(images), atol=1e-6)
    lengths = [len(network.up_to(block).layers) for block in network.blocks]
    assert lengths == sorted(set(lengths))
    assert lengths[-1] <= len(network.base.layers)
    for setting in catalogue()[name].settings:
        if setting.name == "last_blocks" and name != "own":
            assert setting.maximum == len(network.blocks) - 1


@pytest.mark.parametrize("name", ["resnet18", "linear"])
def test_with_group_norm_there_are_no_statistics(name: str) -> None:
    from models.named import build_model

    choice = small(name)
    choice = choice.model_copy(update={"settings": {**choice.settings, "norm": "group"}})
    model = build_model(study_of(name), choice, seed=1)
    assert {spec.role for spec in model.signature.tensors} == {"parameter"}


@pytest.mark.parametrize(
    ("name", "preprocess"),
    [("mobilenet", "mobilenet"), ("resnet50", "resnet50"), ("inception_v3", "inception_v3")],
)
def test_pixels_are_scaled_as_keras_scales_them(name: str, preprocess: str) -> None:
    import keras

    model, (images, _) = built(name).keras_model, shades(study_of(name), 2)
    scaled = keras.Model(model.input, model.get_layer("scale").output)(images)
    expected = getattr(keras.applications, preprocess).preprocess_input(images.astype(np.float32))
    np.testing.assert_allclose(scaled, expected, atol=1e-4)


def test_efficientnet_gets_pixels_in_standard_deviations() -> None:
    import keras

    model = built("efficientnet_b0").keras_model
    images, _ = shades(study_of("efficientnet_b0"), 2)
    enters = keras.Model(model.input, model.get_layer("stem_conv_pad").input)(images)
    expected = (images / 255 - [0.485, 0.456, 0.406]) / [0.229, 0.224, 0.225]
    np.testing.assert_allclose(enters, expected, atol=1e-4)


def test_too_many_last_blocks_are_refused() -> None:
    from models.named import build_model

    values = {"trained": "last", "settings": {"last_blocks": 3}}
    choice = small("own").model_copy(update=values)
    with pytest.raises(InvalidInput, match="too few blocks"):
        build_model(study_of("own"), choice, seed=0)


def test_a_large_picture_does_not_make_cnn10_large() -> None:
    from models.named import build_model

    sizes = [build_model(a_study(size=s), small("cnn10"), 0).signature.count for s in (97, 1024)]
    assert sizes[0] == sizes[1]


def test_an_update_of_a_large_model_fits_in_one_call() -> None:
    from models.named import build_model

    model = build_model(a_study(size=64), ModelChoice(name="texture_cnn2"), seed=1)
    # Control variates, where a strategy has them, are as large again.
    assert 2**26 < model.signature.nbytes < MAX_BODY // 2


def test_the_list_names_every_architecture() -> None:
    from models.__main__ import describe

    lines = list(describe(catalogue()["cnn10"]))
    assert lines[0].startswith("cnn10  ")
    assert "393,864 bytes" in lines[1]
    assert "296,456 where only the head is trained" in lines[1]
