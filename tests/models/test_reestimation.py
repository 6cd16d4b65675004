"""BatchNorm measured anew: on the site's pictures, by worked numbers, and nothing else moves."""

from __future__ import annotations

import numpy as np
import pytest

from federated.errors import InvalidInput
from tests.models.tiny import tiny_model, tiny_pictures

pytestmark = pytest.mark.usefixtures("keras_runtime")


def convolved(images: np.ndarray) -> np.ndarray:
    """What the tiny model's BatchNorm is given: float32 (n, 6, 6, 4)."""
    import keras

    model = tiny_model(norm=True).keras_model
    before = keras.Model(model.inputs[0], model.get_layer("conv").output)
    return np.asarray(keras.ops.convert_to_numpy(before(images)))


@pytest.mark.parametrize("is_frozen", [False, True])
def test_statistics_are_those_of_all_pictures(is_frozen: bool) -> None:
    from models.reestimation import reestimate_statistics

    # In order of class, so that a batch in that order would have one brightness.
    images, labels = tiny_pictures(30)
    images = images[np.argsort(labels)]
    model = tiny_model(norm=True, dropout=0.5)
    norm, dropout = (model.keras_model.get_layer(name) for name in ("norm", "dropout"))
    norm.trainable = not is_frozen
    before = model.read()
    assert reestimate_statistics(model, images, batch_size=8) == 1

    seen = convolved(images).reshape(-1, 4)
    after = model.read()
    np.testing.assert_allclose(after["norm/moving_mean"], seen.mean(axis=0), rtol=1e-4)
    np.testing.assert_allclose(after["norm/moving_variance"], seen.var(axis=0), rtol=1e-4)
    for name in before:
        if not name.startswith("norm/moving"):
            np.testing.assert_array_equal(after[name], before[name])
    assert (norm.momentum, norm.trainable, dropout.rate) == (0.9, not is_frozen, 0.5)


def test_it_undoes_another_camera() -> None:
    from federated.training import Training
    from models.fit import fit
    from models.predict import predict
    from models.reestimation import reestimate_statistics

    images, labels = tiny_pictures(60)
    model = tiny_model(norm=True)
    fit(model, images, labels, Training(epochs=25, batch_size=10, learning_rate=0.02), seed=0)
    dark = (images * 0.4).astype(np.uint8)

    def accuracy() -> float:
        return float((predict(model, dark).argmax(axis=1) == labels).mean())

    lost = accuracy()
    reestimate_statistics(model, dark)
    assert lost < 0.7
    assert accuracy() > 0.9


def test_a_model_without_batch_norm_stays() -> None:
    from models.reestimation import reestimate_statistics

    assert reestimate_statistics(tiny_model(), tiny_pictures(4)[0]) == 0


def test_one_picture_has_no_variance() -> None:
    from models.reestimation import reestimate_statistics

    with pytest.raises(InvalidInput, match="at least 2"):
        reestimate_statistics(tiny_model(norm=True), tiny_pictures(1)[0])
