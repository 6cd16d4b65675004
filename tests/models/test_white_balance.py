"""White balance: what a camera's colours did is undone, and nothing else is touched."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from federated.plan import ModelChoice, Setting
from tests.models.studies import a_study

pytestmark = pytest.mark.usefixtures("keras_runtime")


def balanced(pictures: np.ndarray) -> np.ndarray:
    from keras import ops

    from models.white_balance import balanced as program

    return np.array(ops.convert_to_numpy(program(ops.convert_to_tensor(pictures, "float32"))))


def pictures() -> np.ndarray:
    return np.random.default_rng(1).uniform(20, 160, (3, 9, 7, 3)).astype(np.float32)


def test_the_colour_of_the_light_does_not_matter_only_its_strength() -> None:
    seen = pictures()[:1]
    ratio = balanced(seen * np.float32([1.2, 0.9, 0.6])) / balanced(seen)
    np.testing.assert_allclose(ratio, ratio.mean(), rtol=1e-4)
    assert 0.8 < ratio.mean() < 1.1


def test_grey_light_stays_as_it_is() -> None:
    grey = np.repeat(pictures()[..., :1], 3, axis=3)
    np.testing.assert_allclose(balanced(grey), grey, rtol=1e-5)


def test_each_picture_is_judged_by_itself() -> None:
    seen = pictures()
    np.testing.assert_allclose(balanced(seen)[1:2], balanced(seen[1:2]), rtol=1e-5)


@pytest.mark.parametrize("value", [0.0, 255.0])
def test_pictures_of_one_colour_stay_numbers_in_range(value: float) -> None:
    same = balanced(np.full((1, 4, 4, 3), value, np.float32))
    np.testing.assert_allclose(same, value, atol=1e-3)
    red = np.zeros((1, 4, 4, 3), np.float32)
    red[..., 0] = 200
    found = balanced(red)
    assert np.isfinite(found).all()
    assert found.min() >= 0
    assert found.max() <= 255


def test_it_is_part_of_the_file_that_is_downloaded(tmp_path: Path) -> None:
    import keras

    from models.export import export_keras
    from models.named import build_model
    from models.predict import predict

    study = a_study(size=32)
    settings: dict[str, Setting] = {"width": 8, "norm": "group"}
    choice = ModelChoice(name="resnet18", settings=settings | {"white_balance": True})
    model = build_model(study, choice, seed=0)
    plain = build_model(study, ModelChoice(name="resnet18", settings=settings), seed=0)
    images = np.random.default_rng(2).integers(0, 200, (4, *study.picture_shape), dtype=np.uint8)
    export_keras(model, tmp_path / "model.keras")
    opened = keras.models.load_model(tmp_path / "model.keras", safe_mode=True)
    np.testing.assert_allclose(opened.predict(images, verbose=0), predict(model, images), atol=1e-5)
    assert model.signature == plain.signature
    assert np.abs(predict(plain, images) - predict(model, images)).max() > 1e-4
