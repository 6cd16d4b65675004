"""What is trained and travels, what is frozen, and the model cut in two."""

from __future__ import annotations

from typing import Any, Literal

import numpy as np
import pytest

from federated.errors import NotFound, ShapeMismatch
from federated.plan import ModelChoice
from federated.training import Training
from tests.models.studies import a_study, shades

pytestmark = pytest.mark.usefixtures("keras_runtime")

STUDY = a_study(classes=3, size=32)


def a_mobilenet(trained: Literal["whole", "last", "head", "features"], **settings: Any) -> Any:
    from models.named import build_model

    choice = ModelChoice(name="mobilenet", trained=trained, settings={"alpha": 0.2, **settings})
    return build_model(STUDY, choice, seed=3)


def test_of_a_whole_model_nothing_is_frozen() -> None:
    model = a_mobilenet("whole")
    assert model.frozen is None
    assert model.features is None
    assert model.read_frozen() == {}
    with pytest.raises(NotFound, match="Nothing of this model is frozen"):
        model.assign_frozen({})


@pytest.mark.parametrize("trained", ["head", "features"])
def test_only_the_head_travels(trained: Any) -> None:
    whole, model = a_mobilenet("whole"), a_mobilenet(trained)
    assert model.signature.names == ("output/kernel", "output/bias")
    assert set(model.frozen.names) | set(model.signature.names) == set(whole.signature.names)
    assert not any(spec.trainable for spec in model.frozen.tensors)
    assert {spec.role for spec in model.frozen.tensors} == {"parameter", "statistic"}


def test_the_last_blocks_are_those_asked_for() -> None:
    names = a_mobilenet("last", last_blocks=2).signature.names
    assert names[0] == "conv_dw_12/kernel"
    assert names[-1] == "output/bias"
    assert a_mobilenet("last").signature.names[0] == "conv_dw_13/kernel"
    all_but_the_first = a_mobilenet("last", last_blocks=13)
    assert all_but_the_first.frozen.names[0] == "conv1/kernel"
    assert len(all_but_the_first.frozen.names) == 5


def test_training_leaves_what_is_frozen_as_it_was_and_moves_the_rest() -> None:
    from models.fit import fit

    model = a_mobilenet("last")
    # Fresh statistics let next to nothing of a picture through so many layers.
    model.assign_frozen(
        {n: a * np.float32(0.05 if "variance" in n else 1) for n, a in model.read_frozen().items()}
    )
    before, frozen = model.read(), model.read_frozen()
    fit(model, *shades(STUDY, 12), Training(epochs=2, batch_size=6), seed=1)
    after = model.read_frozen()
    assert all(np.array_equal(frozen[name], after[name]) for name in frozen)
    assert not any(np.array_equal(before[name], array) for name, array in model.read().items())


def test_frozen_weights_make_the_round_trip_and_are_checked() -> None:
    model = a_mobilenet("head")
    given = {name: array + np.float32(1) for name, array in model.read_frozen().items()}
    with pytest.raises(ShapeMismatch):
        model.assign_frozen(dict(list(given.items())[1:]))
    model.assign_frozen(given)
    again = model.read_frozen()
    assert list(again) == list(model.frozen.names)
    assert all(np.array_equal(again[name], given[name]) for name in given)


def test_features_and_head_together_are_the_whole_model() -> None:
    import keras

    from models.predict import predict

    model = a_mobilenet("features")
    images, _ = shades(STUDY, 7)
    features = model.features.extract(images, batch_size=4)
    assert features.shape == (7, model.features.width)
    assert features.dtype == np.float32
    assert model.features.head.signature == model.signature
    assert model.features.head.input_shape == (model.features.width,)
    assert model.features.head.input_dtype == np.float32
    probabilities = keras.ops.convert_to_numpy(model.features.head.keras_model(features))
    np.testing.assert_allclose(probabilities, predict(model, images), atol=1e-6)


def test_the_head_shares_its_variables_with_the_whole_model() -> None:
    model = a_mobilenet("features", head="deep")
    given = {name: array + np.float32(0.5) for name, array in model.read().items()}
    model.features.head.assign(given)
    assert all(np.array_equal(array, given[name]) for name, array in model.read().items())


@pytest.mark.parametrize("trained", ["whole", "last"])
def test_held_batch_norm_stays_while_the_rest_trains(trained: Any) -> None:
    model = a_mobilenet(trained, norm="frozen", last_blocks=3)
    held = {spec.name for spec in model.signature.tensors if not spec.trainable}
    assert held == {name for name in model.signature.names if "_bn/" in name}
    before = model.read()
    model.keras_model(shades(STUDY, 6)[0], training=True)
    assert all(np.array_equal(before[name], array) for name, array in model.read().items())


def test_the_momentum_of_the_plan_moves_the_statistics() -> None:
    travelled = []
    for momentum in (0.5, 0.75):
        model = a_mobilenet("whole", norm_momentum=momentum)
        before = model.read()["conv1_bn/moving_mean"]
        model.keras_model(shades(STUDY, 6)[0], training=True)
        travelled.append(model.read()["conv1_bn/moving_mean"] - before)
    # One step goes the share 1 - momentum of the way: 0.5 is twice 0.25.
    np.testing.assert_allclose(travelled[0], 2 * travelled[1], rtol=1e-5, atol=1e-6)
    assert np.abs(travelled[0]).max() > 0.01


def test_dropout_in_a_frozen_part_is_still() -> None:
    import keras

    from models.network import Network

    pixels = keras.Input((8,), name="pixels")
    x = keras.layers.Dropout(0.5, seed=1, name="drop")(pixels)
    x = keras.layers.Dense(3, name="features")(x)
    network = Network(
        keras.Model(pixels, keras.layers.Dense(2, name="output")(x)), ("features",), "features"
    )
    network.freeze("head", 1)
    values = np.ones((4, 8), np.float32)
    dropped, whole = (
        keras.ops.convert_to_numpy(network.model(values, training=is_training))
        for is_training in (True, False)
    )
    np.testing.assert_array_equal(dropped, whole)


@pytest.mark.parametrize("precision", ["mixed_bfloat16", "mixed_float16"])
def test_precision_is_of_the_layers_and_not_of_the_weights(precision: Any) -> None:
    import keras

    from models.named import build_model

    choice = ModelChoice(name="mobilenet", settings={"alpha": 0.2})
    model = build_model(STUDY, choice, seed=3, precision=precision)
    full = a_mobilenet("whole")
    assert model.signature == full.signature
    assert all(np.array_equal(model.read()[name], array) for name, array in full.read().items())
    assert model.keras_model.get_layer("conv_pw_3").compute_dtype == precision.removeprefix(
        "mixed_"
    )
    assert model.keras_model.output.dtype == "float32"
    assert keras.config.dtype_policy().name == "float32"
