"""What a plan adds to an optimiser, against worked numbers and against Keras."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from federated.training import Training

pytestmark = pytest.mark.usefixtures("keras_runtime")


def variables(*values: Any) -> list[Any]:
    import keras

    return [keras.Variable(np.array(value, np.float32)) for value in values]


def optimizer(name: str, trainable: list[Any], momentum: float = 0.0) -> Any:
    from models.training.optimizers import FreshOptimizer

    return FreshOptimizer(name, momentum, trainable)


def tensors(*values: Any) -> list[Any]:
    import keras

    return [keras.ops.convert_to_tensor(np.array(value, np.float32)) for value in values]


@pytest.mark.parametrize(
    ("settings", "theirs"),
    [
        (Training(optimizer="adamw", weight_decay=0.1), "AdamW"),
        (Training(optimizer="sgd", momentum=0.9, weight_decay=0.1), "SGD"),
        (Training(optimizer="rmsprop", momentum=0.5), "RMSprop"),
    ],
)
def test_steps_are_those_of_keras(settings: Training, theirs: str) -> None:
    import keras

    from models.training.weight_decay import WeightDecay

    ours, plain = variables([1.0, -2.0, 3.0]), variables([1.0, -2.0, 3.0])
    own = WeightDecay(optimizer(settings.optimizer, ours, settings.momentum), ours)
    own.begin(settings)
    options = {} if theirs == "AdamW" else {"momentum": settings.momentum}
    make = getattr(keras.optimizers, theirs)
    keras_own = make(0.02, weight_decay=settings.weight_decay or None, **options)
    for gradient in ([0.5, 0.1, -0.2], [0.4, -0.3, 0.0], [0.1, 0.2, 0.3]):
        own.apply(tensors(gradient), np.float32(0.02))
        keras_own.apply(tensors(gradient), plain)
    np.testing.assert_allclose(ours[0].numpy(), plain[0].numpy(), rtol=1e-6)


def test_weights_decay_by_rate_times_decay() -> None:
    from models.training.weight_decay import WeightDecay

    (weights,) = trainable = variables([10.0, -4.0])
    decaying = WeightDecay(optimizer("sgd", trainable), trainable)
    decaying.begin(Training(weight_decay=0.25))
    decaying.apply(tensors([1.0, 0.0]), np.float32(0.2))
    # 10 - 0.2 * 0.25 * 10 - 0.2 * 1; -4 + 0.2 * 0.25 * 4.
    np.testing.assert_allclose(weights.numpy(), [9.3, -3.8], rtol=1e-6)


def test_gradients_are_clipped_together() -> None:
    from models.training.clipping import Clipping

    one, two = trainable = variables([0.0], [0.0, 0.0])
    clipping = Clipping(optimizer("sgd", trainable))
    clipping.begin(Training(clip_norm=2.6))
    # The norm of (3, 4, 12) is 13: a fifth of each is left.
    clipping.apply(tensors([3.0], [4.0, 12.0]), np.float32(1.0))
    np.testing.assert_allclose(one.numpy(), [-0.6], rtol=1e-6)
    np.testing.assert_allclose(two.numpy(), [-0.8, -2.4], rtol=1e-6)
    clipping.apply(tensors([0.5], [1.0, 0.0]), np.float32(1.0))
    np.testing.assert_allclose(one.numpy(), [-1.1], rtol=1e-6)


@pytest.mark.parametrize("name", ["sgd", "adam"])
def test_the_proximal_term_is_mu_times_the_way_gone_from_the_start(name: str) -> None:
    from models.training.proximal import Proximal

    (weights,) = trainable = variables([1.0, 5.0])
    (expected,) = plain = variables([1.0, 5.0])
    proximal = Proximal(optimizer(name, trainable), trainable)
    proximal.begin(Training(proximal=0.5))
    inner = optimizer(name, plain)
    inner.begin(Training())
    for gradient in ([2.0, -1.0], [1.0, 0.5], [-3.0, 0.25]):
        pull = 0.5 * (expected.numpy() - [1.0, 5.0])
        proximal.apply(tensors(gradient), np.float32(0.1))
        inner.apply(tensors(gradient + pull), np.float32(0.1))
        np.testing.assert_allclose(weights.numpy(), expected.numpy(), rtol=1e-6)
    proximal.begin(Training(proximal=0.5))
    proximal.apply(tensors([0.0, 0.0]), np.float32(0.1))
    # It begins anew where it stands: nothing pulls.
    np.testing.assert_allclose(weights.numpy(), expected.numpy(), rtol=1e-6)


def test_an_overflow_leaves_the_step_out_and_halves_the_scale() -> None:
    from models.training.loss_scaling import INITIAL_SCALE, LossScaling

    (weights,) = trainable = variables([1.0, 2.0])
    scaling = LossScaling(optimizer("adam", trainable), trainable)
    scaling.begin(Training())
    scaling.apply(tensors([INITIAL_SCALE, 0.0]), np.float32(0.1))
    after_one = weights.numpy()
    np.testing.assert_allclose(after_one, [0.9, 2.0], rtol=1e-5)
    moments = [np.array(variable.numpy()) for variable in scaling.variables[2:]]
    scaling.apply(tensors([float("inf"), 1.0]), np.float32(0.1))
    np.testing.assert_array_equal(weights.numpy(), after_one)
    assert float(scaling.scaled(1.0)) == INITIAL_SCALE / 2
    for variable, value in zip(scaling.variables[2:], moments, strict=True):
        np.testing.assert_array_equal(variable.numpy(), value)


def test_the_scale_grows_after_many_good_steps(monkeypatch: pytest.MonkeyPatch) -> None:
    from models.training import loss_scaling

    monkeypatch.setattr(loss_scaling, "GROW_AFTER", 3)
    trainable = variables([1.0])
    scaling = loss_scaling.LossScaling(optimizer("sgd", trainable), trainable)
    scaling.begin(Training())
    scales = []
    for gradient in (1.0, 1.0, float("nan"), 1.0, 1.0, 1.0, 1.0):
        scaling.apply(tensors([gradient]), np.float32(0.1))
        scales.append(float(scaling.scaled(1.0)) / loss_scaling.INITIAL_SCALE)
    assert scales == [1, 1, 0.5, 0.5, 0.5, 1, 1]
