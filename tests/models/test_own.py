"""Models of the operator's own: Keras's layers are built, everything else is refused unbuilt."""

from __future__ import annotations

import json
import struct
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest

from federated.errors import InvalidInput, TooLarge
from federated.plan import ModelChoice
from models.catalogue import check_model
from models.own_config import checked_config
from tests.models.studies import a_study, own_json, own_layer, shades

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


def a_keras_file(path: Path) -> Any:
    """A file as an operator has it: compiled, trained a little, with scaling that it measured."""
    import keras

    images, labels = shades(STUDY, 12)
    scale = keras.layers.Normalization()
    scale.adapt(images.astype(np.float32))
    layers = [
        keras.Input(STUDY.picture_shape),
        scale,
        keras.layers.Conv2D(4, 3, activation="relu"),
        keras.layers.BatchNormalization(),
        keras.layers.GlobalAveragePooling2D(),
        keras.layers.Dense(3, activation="softmax"),
    ]
    model = keras.Sequential(layers)
    model.compile("adam", "sparse_categorical_crossentropy", run_eagerly=True)
    model.train_on_batch(images, labels)
    model.save(path)
    return model


def test_a_file_becomes_a_plans_model_with_its_weights(tmp_path: Path) -> None:
    from models.named import build_model
    from models.own_file import choose_own, read_own_file

    theirs = a_keras_file(tmp_path / "mine.keras")
    choice = choose_own(read_own_file(tmp_path / "mine.keras"), tmp_path, trained="last")
    assert (choice.name, choice.trained) == ("own", "last")
    ours = build_model(STUDY, choice, seed=1, pretrained=tmp_path)
    images, _ = shades(STUDY, 5, seed=3)
    np.testing.assert_allclose(
        ours.keras_model(images), theirs(images.astype(np.float32)), atol=1e-5
    )


def test_a_file_with_custom_code_is_refused(tmp_path: Path) -> None:
    import keras

    from models.own_file import read_own_file

    pixels = keras.Input((20, 20, 3))
    x = keras.layers.Lambda(lambda picture: picture / 255)(pixels)
    x = keras.layers.Dense(3)(keras.layers.Flatten()(x))
    keras.Model(pixels, x).save(tmp_path / "mine.keras")
    with pytest.raises(InvalidInput, match="'Lambda'"):
        read_own_file(tmp_path / "mine.keras")


def not_a_zip(path: Path) -> None:
    path.write_bytes(b"PK\x03\x04 and no more")


def without_weights(path: Path) -> None:
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("config.json", own_json(STUDY))


def with_foreign_weights(path: Path) -> None:
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("config.json", own_json(STUDY))
        h5 = path.with_suffix(".h5")
        with h5py.File(h5, "w") as file:
            file["layers/conv2d/vars/0"] = np.zeros((1, 1, 3, 4), np.float32)
        archive.write(h5, "model.weights.h5")


def with_a_link(path: Path) -> None:
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("config.json", own_json(STUDY))
        h5 = path.with_suffix(".h5")
        with h5py.File(h5, "w") as file:
            file["layers"] = h5py.ExternalLink("/etc/secret.h5", "/")
        archive.write(h5, "model.weights.h5")


def packed(path: Path, method: int) -> int:
    """A file with all that is wanted, packed in that way; where the packed weights begin."""
    with zipfile.ZipFile(path, "w", method) as archive:
        archive.writestr("config.json", own_json(STUDY))
        archive.writestr("model.weights.h5", bytes(range(256)) * 64)
        entry = archive.getinfo("model.weights.h5")
    return entry.header_offset + 30 + len(entry.filename)


def damaged(method: int) -> Callable[[Path], None]:
    def write(path: Path) -> None:
        start = packed(path, method)
        content = bytearray(path.read_bytes())
        content[start + 4 : start + 24] = b"\xff" * 20
        path.write_bytes(content)

    return write


def ending_early(path: Path) -> None:
    packed(path, zipfile.ZIP_STORED)
    content = bytearray(path.read_bytes())
    # The last entry of the list says that it is longer than the whole file.
    sizes = content.rindex(b"PK\x01\x02") + 20
    content[sizes : sizes + 8] = struct.pack("<II", 10**6, 10**6)
    path.write_bytes(content)


def packed_in_an_unknown_way(path: Path) -> None:
    packed(path, zipfile.ZIP_STORED)
    content = bytearray(path.read_bytes())
    for signature, place in ((b"PK\x01\x02", 10), (b"PK\x03\x04", 8)):
        start = content.rindex(signature) + place
        content[start : start + 2] = struct.pack("<H", 99)
    path.write_bytes(content)


def with_scaling_that_is_no_layer(path: Path) -> None:
    import keras

    config = json.loads(own_json(STUDY))
    scaling = own_layer("Normalization", axis=-1, mean=1.0, variance=4.0, name="scaling")
    config["config"]["layers"][2]["config"]["activation"] = scaling
    model = keras.saving.deserialize_keras_object(config)
    model.save_weights(path.with_suffix(".weights.h5"))
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("config.json", json.dumps(config))
        archive.write(path.with_suffix(".weights.h5"), "model.weights.h5")


@pytest.mark.parametrize(
    "write",
    [
        not_a_zip,
        without_weights,
        with_foreign_weights,
        with_a_link,
        pytest.param(damaged(zipfile.ZIP_DEFLATED), id="damaged_deflate"),
        pytest.param(damaged(zipfile.ZIP_BZIP2), id="damaged_bzip2"),
        pytest.param(damaged(zipfile.ZIP_LZMA), id="damaged_lzma"),
        ending_early,
        packed_in_an_unknown_way,
        with_scaling_that_is_no_layer,
    ],
)
def test_a_broken_or_harmful_file_is_refused(tmp_path: Path, write: Any) -> None:
    from models.own_file import read_own_file

    write(tmp_path / "mine.keras")
    with pytest.raises(InvalidInput) as error:
        read_own_file(tmp_path / "mine.keras")
    assert error.value.code in ("invalid_model_file", "invalid_weights_file")
    assert error.value.expected
    assert error.value.received
