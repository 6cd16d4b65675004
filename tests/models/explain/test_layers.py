"""Which layer is looked at, told from the model's structure."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from federated.errors import InvalidInput

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
    from models.explain.layers import spatial_layers

    found = spatial_layers(flat_model())
    # Neither the scaling before the first convolution nor a gate of one cell.
    assert found.names == ("first", "second", "sum", "gated", "relu", "drop", "pool")
    assert found.default is not None
    assert (found.default.name, found.default.shape) == ("relu", (12, 12, 4))


def test_layers_within_a_nested_model_are_found_by_path_or_name() -> None:
    from models.explain.layers import spatial_layers

    found = spatial_layers(nested_model())
    assert found.default is not None
    assert found.default.name == "base/relu"
    assert found.named("base/second") is found.named("second")
    assert found.named("second") is not None
    assert found.named("scale") is None


def test_a_layer_that_runs_twice_has_no_one_map() -> None:
    import keras
    from keras import layers

    from models.explain.layers import spatial_layers

    pixels = keras.Input(SHAPE, name="pixels")
    twice = layers.Conv2D(3, 3, padding="same", name="twice")
    x = layers.Conv2D(3, 3, name="once")(twice(twice(pixels)))
    assert spatial_layers(with_head(pixels, x)).names == ("once", "drop", "pool")


@pytest.mark.parametrize("layer", ["first", "second", "sum", "gated", "relu", "pool"])
def test_flat_and_nested_give_the_same_map_wherever_paths_cross(layer: str) -> None:
    from models.explain.grad_cam import GradCam

    flat, nested = flat_model(), nested_model()
    nested.set_weights(flat.get_weights())
    one, other = GradCam(flat), GradCam(nested)
    at, within = one.layers.named(layer), other.layers.named(layer)
    assert at is not None
    assert within is not None
    maps = [one.cells(PICTURE, at, target) for target in (0, 1, 2)]
    for target in (0, 1, 2):
        assert np.array_equal(other.cells(PICTURE, within, target), maps[target])
    assert any(cells.any() for cells in maps)


def test_new_weights_give_a_new_map() -> None:
    from models.explain.grad_cam import GradCam

    model = flat_model()
    known = GradCam(model)
    at = known.layers.default
    assert at is not None
    before = [known.cells(PICTURE, at, target) for target in (0, 1, 2)]
    model.set_weights(flat_model().get_weights())
    after = [known.cells(PICTURE, at, target) for target in (0, 1, 2)]
    assert not np.array_equal(before, after)
    fresh = GradCam(model)
    assert all(np.array_equal(fresh.cells(PICTURE, at, k), after[k]) for k in (0, 1, 2))


def test_a_model_without_convolutions_has_no_layer_to_look_at() -> None:
    import keras
    from keras import layers

    from models.explain.layers import spatial_layers

    pixels = keras.Input(SHAPE, name="pixels")
    x = layers.Flatten(name="flatten")(layers.AveragePooling2D(2, name="pool")(pixels))
    found = spatial_layers(keras.Model(pixels, layers.Dense(2, "softmax", name="output")(x)))
    assert (found.default, found.all) == (None, ())


def test_the_gradient_is_that_of_the_log_odds() -> None:
    import keras

    from models.explain.grad_cam import margin
    from models.explain.gradient import gradient_at

    def score(logits: Any, mine: Any) -> tuple[Any, Any]:
        return margin(logits, mine), keras.ops.softmax(logits)

    # d/dz of z1 - ln(e^z0 + e^z2): 1 for the class, minus each other's share of the others.
    gradient = gradient_at(score, np.array([0.0, 30.0, np.log(3)], np.float32))
    slopes, probabilities = gradient(np.array([0, 1, 0], np.float32))
    assert slopes == pytest.approx([-0.25, 1.0, -0.75], abs=1e-5)
    assert probabilities == pytest.approx([0, 1, 0])


def test_a_backend_without_gradients_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    import keras

    from models.explain.gradient import gradient_at

    monkeypatch.setattr(keras.config, "backend", lambda: "numpy")
    with pytest.raises(InvalidInput, match=r"Expected one of .*'jax'.* Received numpy"):
        gradient_at(lambda start: (start, start), np.zeros(1, np.float32))


def last_step(model: Any, step: str) -> Any:
    """The same model, whose softmax is a part of its last layer, or a layer by itself."""
    import keras
    from keras import layers

    dense = layers.Dense(3, "softmax" if step == "part" else None, name="answer")
    x = dense(model.get_layer("mean").output)
    made = keras.Model(model.inputs[0], x if step == "part" else layers.Softmax(name="softmax")(x))
    rng = np.random.default_rng(1)
    dense.set_weights([rng.normal(0, 1, (4, 3)).astype(np.float32), np.zeros(3, np.float32)])
    return made


def test_an_answer_that_is_far_too_sure_has_a_map_all_the_same() -> None:
    import keras

    from models.explain.grad_cam import GradCam

    model = last_step(flat_model(), "part")
    maps = []
    for factor in (1, 1000):
        kernel, bias = model.get_layer("answer").get_weights()
        model.get_layer("answer").set_weights([kernel * factor, bias])
        probabilities = keras.ops.convert_to_numpy(model(PICTURE[None]))[0]
        known = GradCam(model)
        at = known.layers.named("gated")
        assert at is not None
        maps.append([known.cells(PICTURE, at, target) for target in (0, 1, 2)])
    assert probabilities.max() == 1
    assert any(cells.any() for cells in maps[1])
    assert keras.ops.convert_to_numpy(model(PICTURE[None])).sum() == pytest.approx(1)


def test_where_the_softmax_stands_does_not_matter() -> None:
    from models.explain.grad_cam import GradCam

    base = flat_model()
    whole, parted = (GradCam(last_step(base, step)) for step in ("part", "layer"))
    for target in (0, 1, 2):
        one, other = (
            known.cells(PICTURE, known.layers.default, target)  # type: ignore[arg-type]
            for known in (whole, parted)
        )
        assert one == pytest.approx(other, rel=1e-3, abs=1e-6)
