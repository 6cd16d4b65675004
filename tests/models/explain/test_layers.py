"""Which layer is looked at, told from the model's structure."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

pytestmark = pytest.mark.usefixtures("keras_runtime")
SHAPE = (24, 24, 3)
PICTURE = np.random.default_rng(0).integers(0, 255, SHAPE, dtype=np.uint8)


def residual(x: Any, prefix: str = "") -> Any:
    """Two convolutions, a way around the second, a gate, and what ends such a block."""
    from keras import layers

    x = layers.Conv2D(4, 3, strides=2, padding="same", name=f"{prefix}first")(x)
    y = layers.Conv2D(4, 3, padding="same", name=f"{prefix}second")(x)
    x = layers.Add(name=f"{prefix}sum")([x, y])
    gate = layers.GlobalAveragePooling2D(keepdims=True, name=f"{prefix}squeeze")(x)
    gate = layers.Conv2D(4, 1, activation="sigmoid", name=f"{prefix}excite")(gate)
    x = layers.Multiply(name=f"{prefix}gated")([x, gate])
    return layers.Activation("relu", name=f"{prefix}relu")(x)


def with_head(pixels: Any, x: Any) -> Any:
    import keras
    from keras import layers

    x = layers.SpatialDropout2D(0.5, name="drop")(x)
    x = layers.MaxPooling2D(2, name="pool")(x)
    x = layers.GlobalAveragePooling2D(name="mean")(x)
    return keras.Model(pixels, layers.Dense(3, "softmax", name="output")(x))


def flat_model() -> Any:
    import keras
    from keras import layers

    pixels = keras.Input(SHAPE, name="pixels")
    return with_head(pixels, residual(layers.Rescaling(1 / 255, name="scale")(pixels)))


def nested_model() -> Any:
    import keras
    from keras import layers

    inside = keras.Input(SHAPE, name="inside")
    base = keras.Model(inside, residual(inside), name="base")
    pixels = keras.Input(SHAPE, name="pixels")
    return with_head(pixels, base(layers.Rescaling(1 / 255, name="scale")(pixels)))


def test_the_default_is_the_last_layer_that_finds_something() -> None:
    from models.explain.layers import trace

    traced = trace(flat_model(), PICTURE)
    names = [visit.name for visit in traced.spatial]
    # Neither the scaling before the first convolution nor a gate of one cell.
    assert names == ["first", "second", "sum", "gated", "relu", "drop", "pool"]
    assert traced.default is not None
    assert traced.default.name == "relu"


def test_layers_within_a_nested_model_are_found_by_path_or_name() -> None:
    from models.explain.layers import trace

    traced = trace(nested_model(), PICTURE)
    assert traced.default is not None
    assert traced.default.name == "base/relu"
    assert traced.named("base/second") is traced.named("second")
    assert traced.named("second") is not None
    assert traced.named("scale") is None


@pytest.mark.parametrize("layer", ["first", "second", "sum", "gated", "relu", "pool"])
def test_flat_and_nested_give_the_same_map_wherever_paths_cross(layer: str) -> None:
    from models.explain.grad_cam import grad_cam
    from models.explain.layers import trace

    flat, nested = flat_model(), nested_model()
    nested.set_weights(flat.get_weights())
    maps = [
        grad_cam(model, PICTURE, visit, target)
        for target in (0, 1, 2)
        for model in (flat, nested)
        if (visit := trace(model, PICTURE).named(layer))
    ]
    assert len(maps) == 6
    for one, other in zip(maps[::2], maps[1::2], strict=True):
        assert np.array_equal(one, other)
    assert any(one.any() for one in maps)


def test_a_model_without_convolutions_has_no_layer_to_look_at() -> None:
    import keras
    from keras import layers

    from models.explain.layers import trace

    pixels = keras.Input(SHAPE, name="pixels")
    x = layers.Flatten(name="flatten")(layers.AveragePooling2D(2, name="pool")(pixels))
    traced = trace(keras.Model(pixels, layers.Dense(2, "softmax", name="output")(x)), PICTURE)
    assert (traced.default, traced.spatial) == (None, ())


def test_a_gradient_is_that_of_the_class_before_the_softmax() -> None:
    """Sure answers have gradients too: the probability itself would no longer move."""
    import keras

    from models.explain.grad_cam import log_odds
    from models.explain.gradient import gradient

    def score(logits: Any) -> Any:
        return log_odds(keras.ops.softmax(logits), 1)

    # d/dz of z1 - ln(e^z0 + e^z2): 1 for the class, minus each other's share of the others.
    slopes = gradient(score, np.array([-20.0, 30.0, -20.0], np.float32))
    assert slopes == pytest.approx([-0.5, 1.0, -0.5], abs=1e-3)
