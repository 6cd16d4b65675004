"""Maps fall on what decides the class, and on nothing where the weights know nothing."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from federated.errors import InvalidInput
from federated.plan import ModelChoice
from federated.training import Training
from tests.models.explain.planted import STUDY, concentration, planted

pytestmark = pytest.mark.usefixtures("keras_runtime")
CHOICE = ModelChoice(name="cnn10", settings={"width": 8, "units": 16, "dropout": 0.0})
MARKED = range(1, 31, 2)


@pytest.fixture(scope="module")
def trained(keras_runtime: None) -> Any:
    from models.fit import fit
    from models.named import build_model
    from models.predict import predict

    model = build_model(STUDY, CHOICE, seed=0)
    known, unseen = planted(400, seed=1), planted(60, seed=2)
    training = Training(epochs=12, batch_size=16, learning_rate=3e-3)
    fit(model, known.images, known.labels, training, seed=0)
    right = predict(model, unseen.images).argmax(axis=1) == unseen.labels
    assert right.mean() >= 0.95
    return model


def concentrations(model: Any, layer: str | None, target: int | None = None) -> np.ndarray:
    from models.explain.explain import explain

    unseen = planted(60, seed=2)
    maps = (explain(model, unseen.images[place], layer, target).map for place in MARKED)
    return np.array(
        [concentration(m, unseen.corners[p]) for m, p in zip(maps, MARKED, strict=True)]
    )


# The last block tells 5 by 5 cells apart, of the mark's own size; the one before it 10 by 10.
@pytest.mark.parametrize(("layer", "times"), [(None, 2), ("conv2", 5)])
def test_the_map_falls_on_the_mark_that_decides(
    trained: Any, layer: str | None, times: float
) -> None:
    found = concentrations(trained, layer)
    assert found.mean() > times
    assert found.min() > times / 2


# J. Adebayo et al., "Sanity Checks for Saliency Maps", NeurIPS 2018: a map that stays where it
# was when the weights are drawn anew shows edges, not what was learned.
def test_it_does_not_with_weights_that_know_nothing(trained: Any) -> None:
    from models.named import build_model

    for layer, times in ((None, 2), ("conv2", 5)):
        fresh = [
            concentrations(build_model(STUDY, CHOICE, seed), layer, target=1).mean()
            for seed in (10, 11, 12)
        ]
        assert np.mean(fresh) < times / 2, layer


def test_what_speaks_for_the_other_class_lies_elsewhere(trained: Any) -> None:
    assert concentrations(trained, "conv2", target=0).mean() < 1


def test_a_map_is_as_large_as_the_picture_and_lies_between_0_and_1(trained: Any) -> None:
    from models.explain.explain import explain

    found = explain(trained, planted(2, seed=3).images[1])
    assert (found.method, found.layer, found.target) == ("grad-cam", "conv3", 1)
    assert found.layers == ("conv1", "pool1", "conv2", "pool2", "conv3", "pool3")
    assert found.map.shape == (STUDY.size, STUDY.size)
    assert found.map.dtype == np.float32
    assert (found.map.min() >= 0, found.map.max()) == (True, 1.0)


def test_an_unknown_layer_is_told_with_those_that_there_are(trained: Any) -> None:
    from models.explain.explain import UnknownLayer, explain

    with pytest.raises(UnknownLayer) as raised:
        explain(trained, planted(1, seed=3).images[0], "hidden")
    assert "conv3" in raised.value.layers


def test_a_picture_of_another_size_is_refused(trained: Any) -> None:
    from models.explain.explain import explain

    with pytest.raises(InvalidInput, match="do not fit"):
        explain(trained, np.zeros((8, 8, 3), np.uint8))


def test_explaining_leaves_the_model_as_it_was(trained: Any) -> None:
    from models.explain.explain import explain
    from models.predict import predict

    images = planted(4, seed=3).images
    before = predict(trained, images)
    explain(trained, images[1])
    assert np.array_equal(predict(trained, images), before)
    assert not [layer.name for layer in trained.keras_model.layers if "call" in vars(layer)]


def dense_model() -> Any:
    """A model without convolutions."""
    import keras
    from keras import layers

    from models.named import NamedModel

    pixels = keras.Input(STUDY.picture_shape, name="pixels")
    x = layers.Rescaling(1 / 127.5, offset=-1.0, name="scale")(pixels)
    x = layers.Flatten(name="flatten")(x)
    answer = layers.Dense(2, "softmax", name="output")(x)
    model = NamedModel(keras.Model(pixels, answer))
    draw_weights(model, seed=1)
    return model


def draw_weights(model: Any, seed: int) -> None:
    """Glorot's uniform weights, drawn by NumPy: the same on every backend."""
    (kernel,) = (array for array in model.read().values() if array.ndim == 2)
    limit = np.sqrt(6 / sum(kernel.shape))
    drawn = np.random.default_rng(seed).uniform(-limit, limit, kernel.shape).astype(np.float32)
    model.assign(model.read() | {"output/kernel": drawn})


def test_without_convolutions_hiding_parts_finds_the_mark() -> None:
    from models.explain.explain import UnknownLayer, explain
    from models.fit import fit

    rng = np.random.default_rng(0)
    images = rng.integers(90, 160, (200, *STUDY.picture_shape)).astype(np.uint8)
    labels, corner = np.arange(200) % 2, np.array([6, 24])
    images[labels == 1, 6:14, 24:32] = 220
    model = dense_model()
    fit(model, images, labels, Training(epochs=5, learning_rate=1e-3), seed=0)
    found = explain(model, images[1])
    assert (found.method, found.layer, found.layers) == ("occlusion", None, ())
    assert concentration(found.map, corner) > 5
    with pytest.raises(UnknownLayer):
        explain(model, images[1], "output")
    fresh = []
    # One model that knows nothing may well find what is bright; many do not.
    for seed in range(2, 22):
        draw_weights(model, seed)
        fresh.append(concentration(explain(model, images[1], target=1).map, corner))
    assert np.mean(fresh) < 2.5


@pytest.mark.parametrize("size", [8, 40, 331])
def test_hiding_parts_takes_a_bounded_number_of_passes(size: int) -> None:
    from models.explain.occlusion import MOST_AT_ONCE, occlusion_map

    passes: list[int] = []

    def forward(images: np.ndarray) -> np.ndarray:
        passes.append(len(images))
        share = images[:, : size // 2].mean(axis=(1, 2, 3)) / 255
        return np.stack([1 - share, share], axis=1)

    picture = np.full((size, size, 3), 40, np.uint8)
    picture[: size // 2] = 200
    lost = occlusion_map(forward, picture, target=1)
    assert sum(passes) <= 145
    assert max(passes) <= MOST_AT_ONCE
    # Only what lies in the upper half speaks for the class.
    assert lost[0].min() > 0
    assert lost[-1].max() == pytest.approx(0, abs=1e-6)
