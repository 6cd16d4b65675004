"""Models of the operator's own: Keras's layers are built, everything else is refused unbuilt."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from federated.errors import InvalidInput, TooLarge
from federated.plan import ModelChoice
from models.catalogue import check_model
from models.own_config import checked_config
from tests.models.studies import a_study, own_json, own_layer

pytestmark = pytest.mark.usefixtures("keras_runtime")

STUDY = a_study(classes=3)


def changed(change: Callable[[list[dict[str, Any]]], object]) -> str:
    config = json.loads(own_json(STUDY))
    change(config["config"]["layers"])
    return json.dumps(config)


def a_model(config: str, **changes: Any) -> Any:
    from models.named import build_model

    choice = ModelChoice.model_validate({"name": "own", "config": config} | changes)
    return build_model(STUDY, choice, seed=2)


def test_its_tensors_are_named_by_class_and_place() -> None:
    model = a_model(own_json(STUDY))
    assert model.signature.names == (
        "conv2d_1/kernel",
        "conv2d_1/bias",
        "batch_normalization_1/gamma",
        "batch_normalization_1/beta",
        "batch_normalization_1/moving_mean",
        "batch_normalization_1/moving_variance",
        "dense_1/kernel",
        "dense_1/bias",
    )


def test_layers_of_layers_and_models_in_models_have_names_too() -> None:
    import keras

    pixels = keras.Input(STUDY.picture_shape)
    x = keras.layers.Reshape((100, 12))(pixels)
    x = keras.layers.MultiHeadAttention(2, 3)(x, x)
    block = [keras.Input((100, 12)), keras.layers.Dense(4), keras.layers.BatchNormalization()]
    x = keras.Sequential(block)(x)
    x = keras.layers.Bidirectional(keras.layers.LSTM(2))(x)
    source = keras.Model(pixels, keras.layers.Dense(3, activation="softmax")(x))
    model = a_model(source.to_json())
    assert model.signature.count == source.count_params()
    assert "sequential_1/batch_normalization_1/moving_mean" in model.signature.names
    assert model.signature == a_model(keras.models.clone_model(source).to_json()).signature


@pytest.mark.parametrize("trained", ["last", "head", "features"])
def test_it_is_cut_before_its_last_layer_with_weights(trained: Any) -> None:
    model = a_model(own_json(STUDY), trained=trained)
    frozen = 2 if trained == "last" else 6
    assert len(model.frozen.names) == frozen
    assert model.signature.names[-1] == "dense_1/bias"


def test_precision_reaches_its_layers_but_not_its_probabilities() -> None:
    from models.named import build_model

    choice = ModelChoice(name="own", config=own_json(STUDY))
    model = build_model(STUDY, choice, 2, precision="mixed_bfloat16")
    assert model.keras_model.get_layer("conv2d_1").compute_dtype == "bfloat16"
    assert model.keras_model.output.dtype == "float32"
    assert model.signature == a_model(own_json(STUDY)).signature


def lambda_layer(layers: list[dict[str, Any]]) -> None:
    code = {"class_name": "__lambda__", "config": {"code": "4wEAAAA=", "defaults": None}}
    layers.insert(1, own_layer("Lambda", function=code, name="lambda"))


def lambda_as_activation(layers: list[dict[str, Any]]) -> None:
    layers[2]["config"]["activation"] = {
        "class_name": "__lambda__",
        "config": {"value": ["4wEAAAA=", None, None]},
    }


def function_of_python(layers: list[dict[str, Any]]) -> None:
    layers[2]["config"]["activation"] = {
        "module": "builtins",
        "class_name": "function",
        "config": "eval",
        "registered_name": "function",
    }


def class_of_another_module(layers: list[dict[str, Any]]) -> None:
    layers[2] |= {"module": "subprocess", "class_name": "Popen", "config": {"args": ["true"]}}


def class_without_module(layers: list[dict[str, Any]]) -> None:
    del layers[2]["module"]


def registered_object(layers: list[dict[str, Any]]) -> None:
    layers[2]["registered_name"] = "package>Conv2D"


def layer_that_reads_files(layers: list[dict[str, Any]]) -> None:
    layers.insert(1, own_layer("TFSMLayer", filepath="/etc", name="saved"))


def layer_in_a_layer(layers: list[dict[str, Any]]) -> None:
    layers.insert(1, own_layer("Bidirectional", layer=own_layer("Lambda", name="a"), name="b"))


def great_number(layers: list[dict[str, Any]]) -> None:
    layers[2]["config"]["filters"] = 10**12


def no_number(layers: list[dict[str, Any]]) -> None:
    layers[1]["config"]["scale"] = float("nan")


@pytest.mark.parametrize(
    "change",
    [
        lambda_layer,
        lambda_as_activation,
        function_of_python,
        class_of_another_module,
        class_without_module,
        registered_object,
        layer_that_reads_files,
        layer_in_a_layer,
        great_number,
        no_number,
    ],
)
def test_anything_but_keras_layers_is_refused_without_building(change: Any) -> None:
    choice = ModelChoice(name="own", config=changed(change))
    with pytest.raises(InvalidInput, match="not admitted"):
        check_model(choice, STUDY)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[]",
        "{}",
        "null",
        "[" * 100_000,
        '{"class_name": "Sequential"}',
        '{"class_name": {}, "module": "keras"}',
        '{"class_name": "Sequential", "module": "keras", "config": {"layers": [1, 2]}}',
        "1" * 5000,
    ],
)
def test_what_is_no_model_is_refused(text: str) -> None:
    with pytest.raises(InvalidInput):
        checked_config(text)


def test_a_huge_document_is_refused() -> None:
    with pytest.raises(TooLarge):
        checked_config(" " * 2**21)
    many = json.dumps({"class_name": "Sequential", "module": "keras", "config": [0] * 300_000})
    with pytest.raises(TooLarge):
        checked_config(many)


def too_many_weights(layers: list[dict[str, Any]]) -> None:
    layers.insert(-1, own_layer("Dense", units=2**31, name="wide"))


def too_large_pictures(layers: list[dict[str, Any]]) -> None:
    layers.insert(1, own_layer("UpSampling2D", size=[2**12, 2**12], name="blow_up"))


def too_long_a_memory(layers: list[dict[str, Any]]) -> None:
    layers[2:4] = [
        own_layer("UpSampling2D", size=[10, 10], name="larger"),
        own_layer("Reshape", target_shape=[40_000, 3], name="sequence"),
        own_layer("Bidirectional", layer=own_layer("LSTM", units=900, name="lstm"), name="both"),
    ]


def too_many_answers_inside(layers: list[dict[str, Any]]) -> None:
    wide = {"filters": 1, "kernel_size": 1, "depth_multiplier": 2**20, "name": "separable"}
    layers.insert(2, own_layer("SeparableConv2D", **wide))


def steps_of_pictures(layers: list[dict[str, Any]]) -> None:
    layers[2:4] = [
        own_layer("UpSampling2D", size=[4, 4], name="larger"),
        own_layer("Reshape", target_shape=[400, 6, 8, 1], name="film"),
        own_layer("ConvLSTM2D", filters=2000, kernel_size=1, name="memory"),
    ]


@pytest.mark.parametrize(
    "change",
    [
        too_many_weights,
        too_large_pictures,
        too_long_a_memory,
        too_many_answers_inside,
        steps_of_pictures,
    ],
)
def test_a_model_that_fits_no_memory_is_refused_before_it_takes_any(change: Any) -> None:
    import keras

    with pytest.raises(TooLarge, match="too large"):
        a_model(changed(change))
    # Nothing was put off until the next such scope ends.
    with keras.StatelessScope():
        pass


def attending(query: Any, value: Any, key_dim: int) -> str:
    """A model whose attention takes so many of the 1200 numbers of a picture to so many."""
    import keras

    pixels = keras.Input(STUDY.picture_shape)
    x = keras.layers.Reshape((1200, 1))(pixels)
    x = keras.layers.MultiHeadAttention(1, key_dim)(query(x), value(x))
    x = keras.layers.GlobalAveragePooling1D()(x)
    return str(keras.Model(pixels, keras.layers.Dense(3, activation="softmax")(x)).to_json())


def times(count: int) -> Any:
    import keras

    return keras.layers.UpSampling1D(count) if count > 1 else keras.layers.Identity()


@pytest.mark.parametrize(
    ("query", "value", "key_dim"),
    # 1,200 · 240,000 scores, the other way round, and 1,200 places of 2^18 numbers.
    [(1, 200, 2), (200, 1, 2), (1, 1, 2**18)],
)
def test_what_attention_makes_inside_counts_too(query: int, value: int, key_dim: int) -> None:
    with pytest.raises(TooLarge, match="too large"):
        a_model(attending(times(query), times(value), key_dim))


def test_attention_that_is_small_is_admitted() -> None:
    assert a_model(attending(times(1), times(3), 2)).signature.names[-1] == "dense_1/bias"


def other_pictures(layers: list[dict[str, Any]]) -> None:
    layers[0]["config"]["batch_shape"] = [None, 24, 24, 3]


def other_classes(layers: list[dict[str, Any]]) -> None:
    layers[-1]["config"]["units"] = 4


def no_probabilities(layers: list[dict[str, Any]]) -> None:
    layers[-1]["config"]["activation"] = "exponential"


def no_input(layers: list[dict[str, Any]]) -> None:
    del layers[0]


def unknown_setting(layers: list[dict[str, Any]]) -> None:
    layers[2]["config"]["colour"] = "red"


def shapes_that_do_not_fit(layers: list[dict[str, Any]]) -> None:
    layers.insert(2, own_layer("Reshape", target_shape=[7, 7, 3], name="reshape"))


def scales_of_other_pictures(layers: list[dict[str, Any]]) -> None:
    # Keras looks at them only when it computes.
    layers[1]["config"]["scale"] = [0.5, 0.25]


def unmeasured_scaling(layers: list[dict[str, Any]]) -> None:
    layers[1] = own_layer("Normalization", axis=-1, mean=None, variance=None, name="norm1")


def nothing_to_learn(layers: list[dict[str, Any]]) -> None:
    layers[2:] = [
        own_layer("GlobalAveragePooling2D", name="mean"),
        own_layer("Softmax", name="softmax"),
    ]


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (other_pictures, "the study's pictures are"),
        (other_classes, "the study has 3 classes"),
        (no_probabilities, "sum to"),
        (no_input, "shape of its one input"),
        (unknown_setting, "Keras cannot build it"),
        (shapes_that_do_not_fit, "Keras cannot build it"),
        (scales_of_other_pictures, "cannot be run"),
        (unmeasured_scaling, "mean and variance"),
        (nothing_to_learn, "nothing to learn"),
    ],
)
def test_a_model_that_does_not_fit_is_refused_in_words(change: Any, said: str) -> None:
    with pytest.raises(InvalidInput, match=said) as error:
        a_model(changed(change))
    assert error.value.code == "invalid_own_model"
