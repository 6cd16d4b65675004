"""Losses on worked numbers, and on answers so sure that careless formulas break."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

pytestmark = pytest.mark.usefixtures("keras_runtime")

# Three classes; the right ones are the second and the first.
LABELS = np.array([1, 0], np.int32)
PROBABILITIES = np.array([[0.2, 0.5, 0.3], [0.9, 0.06, 0.04]], np.float32)

NAMES = ["cross_entropy", "binary_cross_entropy", "focal", "smooth_l1"]


def losses(name: str, probabilities: Any = PROBABILITIES, gamma: float = 2.0) -> np.ndarray:
    from keras import ops

    from models.training.losses import loss_of

    tensors = map(ops.convert_to_tensor, (LABELS, probabilities))
    return np.asarray(ops.convert_to_numpy(loss_of(name, gamma)(*tensors)))


def test_cross_entropy() -> None:
    np.testing.assert_allclose(losses("cross_entropy"), -np.log([0.5, 0.9]), rtol=1e-6)


def test_binary_cross_entropy_is_the_mean_over_the_classes() -> None:
    first = -np.log(0.8) - np.log(0.5) - np.log(0.7)
    second = -np.log(0.9) - np.log(0.94) - np.log(0.96)
    np.testing.assert_allclose(losses("binary_cross_entropy"), [first / 3, second / 3], rtol=1e-6)


def test_of_two_classes_it_is_cross_entropy() -> None:
    two = np.array([[0.3, 0.7], [0.6, 0.4]], np.float32)
    expected = losses("cross_entropy", two)
    np.testing.assert_allclose(losses("binary_cross_entropy", two), expected, rtol=1e-6)


def test_focal_counts_sure_answers_less() -> None:
    expected = [-(0.5**2) * np.log(0.5), -(0.1**2) * np.log(0.9)]
    np.testing.assert_allclose(losses("focal"), expected, rtol=1e-5)
    np.testing.assert_allclose(losses("focal", gamma=0), losses("cross_entropy"), rtol=1e-6)


def test_smooth_l1_is_half_the_square() -> None:
    first = (0.2**2 + 0.5**2 + 0.3**2) / 2 / 3
    second = (0.1**2 + 0.06**2 + 0.04**2) / 2 / 3
    np.testing.assert_allclose(losses("smooth_l1"), [first, second], rtol=1e-5)


@pytest.mark.parametrize("gamma", [0.0, 0.5, 2.0])
@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("logit", [30.0, 60.0, 300.0])
def test_the_surest_answers_have_finite_losses_and_gradients(
    name: str, logit: float, gamma: float
) -> None:
    from keras import ops

    from models.explain.gradient import gradient_at
    from models.training.losses import loss_of

    def total(logits: Any, labels: Any) -> tuple[Any, Any]:
        values = loss_of(name, gamma)(labels, ops.softmax(logits))
        return ops.sum(values), values

    # One answer as right as can be, one as wrong.
    logits = np.array([[0.0, logit, 0.0], [0.0, logit, 0.0]], np.float32)
    gradients, values = gradient_at(total, logits)(LABELS)
    assert np.isfinite(values).all()
    assert np.isfinite(gradients).all()
    assert values[0] == pytest.approx(0, abs=1e-6)
    if name != "smooth_l1" and logit <= 60:
        # A sure mistake still pulls with its whole weight: down the wrong class, up the right.
        assert gradients[1, 1] > 0.3
        assert gradients[1, 0] < -0.3
