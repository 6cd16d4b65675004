"""Probabilities: Keras's own, whatever the batch size, from memory or from a file."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from federated.errors import InvalidInput
from federated.plan import ModelChoice
from tests.models.studies import a_study, shades

pytestmark = pytest.mark.usefixtures("keras_runtime")

STUDY = a_study(classes=4)


@pytest.mark.parametrize("batch_size", [1, 5, 7, 64])
def test_it_predicts_what_keras_predicts(batch_size: int) -> None:
    from models.named import build_model
    from models.predict import predict

    model = build_model(STUDY, ModelChoice(), seed=0)
    images, _ = shades(STUDY, 14)
    probabilities = predict(model, images, batch_size)
    assert probabilities.dtype == np.float32
    np.testing.assert_allclose(
        probabilities, model.keras_model.predict(images, verbose=0), atol=1e-6
    )


def test_new_weights_count_at_once() -> None:
    from models.named import build_model
    from models.predict import predict

    model = build_model(STUDY, ModelChoice(), seed=0)
    images, _ = shades(STUDY, 3)
    before = predict(model, images)
    model.assign({name: np.zeros_like(array) for name, array in model.read().items()})
    after = predict(model, images)
    assert not np.allclose(before, after)
    np.testing.assert_allclose(after, 0.25)


def test_a_memory_mapped_array_gives_the_same(tmp_path: Path) -> None:
    from models.named import build_model
    from models.predict import predict

    model = build_model(STUDY, ModelChoice(), seed=0)
    images, _ = shades(STUDY, 9)
    mapped = np.memmap(tmp_path / "pixels", np.uint8, "w+", shape=images.shape)
    mapped[:] = images
    assert np.array_equal(predict(model, mapped, 4), predict(model, images, 4))


def test_no_pictures_have_no_probabilities() -> None:
    from models.named import build_model
    from models.predict import predict

    model = build_model(STUDY, ModelChoice(), seed=0)
    assert predict(model, np.zeros((0, 20, 20, 3), np.uint8)).shape == (0, 4)


def test_pictures_of_another_shape_are_refused() -> None:
    from models.named import build_model
    from models.predict import predict

    model = build_model(STUDY, ModelChoice(), seed=0)
    with pytest.raises(InvalidInput, match="20, 20, 3"):
        predict(model, np.zeros((2, 20, 20, 1), np.uint8))


def test_the_mean_over_four_flips() -> None:
    from models.named import build_model
    from models.predict import predict

    model = build_model(STUDY, ModelChoice(), seed=0)
    images = np.random.default_rng(0).integers(0, 256, (3, 20, 20, 3), dtype=np.uint8)
    views = [images[:, ::down, ::across] for down in (1, -1) for across in (1, -1)]
    apart = [predict(model, view) for view in views]
    of_four = build_model(STUDY, ModelChoice(flips=True), seed=0)
    together = predict(of_four, images, batch_size=2)
    np.testing.assert_allclose(together, np.mean(apart, axis=0), atol=1e-6)
    assert np.abs(together - apart[0]).max() > 1e-4
