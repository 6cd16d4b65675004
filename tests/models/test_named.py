"""Canonical names: from the layers, with BatchNorm's statistics told apart."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from federated.errors import InvalidInput
from federated.plan import ModelChoice
from federated.signature import TensorSpec
from tests.models.studies import a_study

pytestmark = pytest.mark.usefixtures("keras_runtime")


def a_network() -> Any:
    """Dense, BatchNorm and dropout inside a block, and a frozen layer behind it."""
    import keras
    from keras import layers

    pixels = keras.Input((2, 2, 1), name="pixels")
    inner = layers.Flatten(name="flatten")(pixels)
    inner = layers.Dense(3, name="dense1")(inner)
    inner = layers.BatchNormalization(name="bn1")(inner)
    inner = layers.Dropout(0.5, name="dropout")(inner)
    block = keras.Model(pixels, inner, name="block")
    x = layers.Dense(4, trainable=False, use_bias=False, name="frozen")(block(pixels))
    return keras.Model(pixels, layers.Dense(2, activation="softmax", name="output")(x))


def test_names_follow_the_structure_in_order() -> None:
    from models.named import NamedModel

    first, second = NamedModel(a_network()), NamedModel(a_network())
    assert first.signature.names == (
        "block/dense1/kernel",
        "block/dense1/bias",
        "block/bn1/gamma",
        "block/bn1/beta",
        "block/bn1/moving_mean",
        "block/bn1/moving_variance",
        "frozen/kernel",
        "output/kernel",
        "output/bias",
    )
    assert second.signature == first.signature


def test_statistics_and_frozen_tensors_are_marked() -> None:
    from models.named import NamedModel

    specs = {spec.name: spec for spec in NamedModel(a_network()).signature.tensors}
    assert specs["block/bn1/moving_variance"] == TensorSpec(
        name="block/bn1/moving_variance", shape=(3,), trainable=False, role="statistic"
    )
    assert specs["frozen/kernel"] == TensorSpec(
        name="frozen/kernel", shape=(3, 4), trainable=False, role="parameter"
    )
    assert [spec.name for spec in specs.values() if not spec.trainable] == [
        "block/bn1/moving_mean",
        "block/bn1/moving_variance",
        "frozen/kernel",
    ]


def test_training_moves_statistics_and_parameters_but_nothing_frozen() -> None:
    from federated.training import Training
    from models.fit import fit
    from models.named import NamedModel

    model = NamedModel(a_network())
    before = model.read()
    images = np.arange(24, dtype=np.uint8).reshape(6, 2, 2, 1)
    fit(model, images, np.array([0, 1, 0, 0, 1, 1]), Training(batch_size=3), seed=0)
    after = model.read()
    still = [name for name in before if np.array_equal(before[name], after[name])]
    assert still == ["frozen/kernel"]


def test_weights_that_were_read_stay_as_they_were() -> None:
    from models.named import build_model

    model = build_model(a_study(), ModelChoice(), seed=0)
    read = model.read()
    kept = {name: array.copy() for name, array in read.items()}
    given = {name: array + np.float32(1) for name, array in read.items()}
    model.assign(given)
    for array in given.values():
        array[...] = 0
    assert all(np.array_equal(read[name], kept[name]) for name in kept)
    now = model.read()
    assert all(np.array_equal(now[name], kept[name] + np.float32(1)) for name in kept)


def test_settings_shape_the_model_and_wrong_ones_are_refused() -> None:
    from models.named import build_model

    choice = ModelChoice(settings={"width": 4, "units": 5, "grid": 1})
    model = build_model(a_study(classes=2), choice, seed=0)
    shapes = {spec.name: spec.shape for spec in model.signature.tensors}
    assert shapes["conv3/kernel"] == (3, 3, 8, 16)
    assert shapes["hidden/kernel"] == (16, 5)
    assert shapes["output/kernel"] == (5, 2)
    with pytest.raises(InvalidInput, match="'grid'"):
        build_model(a_study(), ModelChoice(settings={"grid": 0}), seed=0)
