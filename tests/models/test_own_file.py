"""`.keras` files of the operator's own: read whole, or refused with a reason."""

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

from federated.errors import InvalidInput
from tests.models.studies import a_study, own_json, own_layer, shades

pytestmark = pytest.mark.usefixtures("keras_runtime")

STUDY = a_study(classes=3)


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
