"""SCAFFOLD's correction around any optimiser, against worked numbers and in real trainings."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from federated.control import control_change, control_signature
from federated.training import Schedule, Training
from tests.models.test_fit import is_compiled_once
from tests.models.tiny import tiny_model, tiny_pictures
from tests.models.training.test_optimizers import optimizer, tensors, variables

pytestmark = pytest.mark.usefixtures("keras_runtime")


def test_sgd_steps_along_the_gradient_less_its_own_control_plus_everyones() -> None:
    from models.training.controlling import Controlling

    (weights,) = trainable = variables([1.0, -2.0])
    controlling = Controlling(optimizer("sgd", trainable), trainable)
    controlling.begin(Training())
    controlling.correct_by([np.array([0.5, -3.0], np.float32)])
    controlling.apply(tensors([2.0, 1.0]), np.float32(0.1))
    # 1 - 0.1 * (2 + 0.5) and -2 - 0.1 * (1 - 3)
    np.testing.assert_allclose(weights.numpy(), [0.75, -1.8], rtol=1e-6)
    controlling.correct_by([np.zeros(2, np.float32)])
    controlling.apply(tensors([2.0, 1.0]), np.float32(0.1))
    np.testing.assert_allclose(weights.numpy(), [0.55, -1.9], rtol=1e-6)


@pytest.mark.parametrize(("name", "momentum"), [("adam", 0.0), ("sgd", 0.9), ("rmsprop", 0.5)])
def test_of_another_optimiser_the_step_is_corrected(name: str, momentum: float) -> None:
    from models.training.controlling import Controlling

    (weights,), (plain,) = variables([1.0, 5.0]), variables([1.0, 5.0])
    controlling = Controlling(optimizer(name, [weights], momentum), [weights])
    controlling.begin(Training())
    controlling.correct_by([np.array([0.25, -2.0], np.float32)])
    inner = optimizer(name, [plain], momentum)
    inner.begin(Training())
    for number, gradient in enumerate(([2.0, -1.0], [1.0, 0.5], [-3.0, 0.25]), start=1):
        controlling.apply(tensors(gradient), np.float32(0.1))
        inner.apply(tensors(gradient), np.float32(0.1))
        # No moment remembers the correction: the ways differ by as many corrections as steps.
        expected = plain.numpy() - 0.1 * number * np.array([0.25, -2.0])
        np.testing.assert_allclose(weights.numpy(), expected, rtol=1e-5)


def trained(model: Any, training: Training, correction: dict[str, np.ndarray]) -> Any:
    """Weights before and after a training from the model's first weights, and the result."""
    from models.fit import fit

    model.assign(tiny_model(norm=True).read())
    before = model.read()
    result = fit(model, *tiny_pictures(10), training, seed=3, correction=correction)
    return before, model.read(), result


def test_of_one_step_the_new_control_is_the_gradient_whatever_was_corrected() -> None:
    from models.fit import program_for

    model, rng = tiny_model(norm=True), np.random.default_rng(2)
    signature = control_signature(model.signature)
    training = Training(batch_size=10, optimizer="sgd", learning_rate=0.5)
    found = []
    for size in (0.0, 1.0):
        own, everyones = (
            {
                spec.name: (size * rng.normal(size=spec.shape)).astype(np.float32)
                for spec in signature.tensors
            }
            for _ in range(2)
        )
        correction = {
            name.removeprefix("control/"): everyones[name] - own[name] for name in signature.names
        }
        before, after, result = trained(model, training, correction)
        assert (result.num_steps, result.rate_sum) == (1, 0.5)
        change = control_change(before, after, everyones, result.rate_sum)
        found.append({name: own[name] + change[name] for name in change})
    assert (
        set(found[0])
        == set(signature.names)
        == {f"control/{spec.name}" for spec in model.signature.tensors if spec.role == "parameter"}
    )
    for name, gradient in found[0].items():
        np.testing.assert_allclose(found[1][name], gradient, atol=2e-5)
    assert any(np.abs(gradient).max() > 1e-3 for gradient in found[0].values())
    assert is_compiled_once(program_for(model, training, is_controlled=True))


def test_a_schedule_counts_by_the_sum_of_its_rates() -> None:
    from models.training.schedule import learning_rates

    model = tiny_model(norm=True)
    zeros = {spec.name: np.zeros(spec.shape, spec.dtype) for spec in model.signature.tensors}
    training = Training(
        epochs=3,
        batch_size=4,
        optimizer="sgd",
        learning_rate=0.2,
        schedule=Schedule(kind="cosine", warmup=0.2),
    )
    _, corrected, result = trained(model, training, zeros)
    rates = learning_rates(training.schedule, 0.2, 9)
    assert result.rate_sum == pytest.approx(float(rates.sum()))
    # And a correction of nothing changes nothing.
    from models.fit import fit

    plain = tiny_model(norm=True)
    fit(plain, *tiny_pictures(10), training, seed=3)
    for name, array in plain.read().items():
        np.testing.assert_array_equal(corrected[name], array)
