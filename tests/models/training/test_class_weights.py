"""Class weights, by worked numbers."""

from __future__ import annotations

import numpy as np
import pytest

from models.training.class_weights import class_weights


def test_balanced_classes_count_alike() -> None:
    # 6 and 2 of 8 pictures: 8 / (2 * 6) and 8 / (2 * 2); together each class weighs 4.
    labels = np.array([0, 0, 0, 0, 0, 0, 1, 1])
    weights = class_weights(labels, 2, "balanced")
    np.testing.assert_allclose(weights, [2 / 3, 2])
    assert weights[labels].mean() == pytest.approx(1)
    assert weights.dtype == np.float32


def test_a_class_that_the_site_lacks_changes_nothing() -> None:
    labels = np.array([0, 2, 2, 2])
    weights = class_weights(labels, 3, "balanced")
    np.testing.assert_allclose(weights[[0, 2]], [2, 2 / 3])
    assert weights[labels].mean() == pytest.approx(1)


def test_none_weighs_nothing() -> None:
    np.testing.assert_array_equal(class_weights(np.array([0, 1, 1]), 3, "none"), [1, 1, 1])
