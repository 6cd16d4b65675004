import math

import numpy as np
import pytest
from hypothesis import given, settings
from sklearn.metrics import brier_score_loss

from models.measures import brier_score, cross_entropy
from tests.models.measures.samples import Sample, samples


def test_brier_of_two_classes_is_that_of_the_second() -> None:
    chances = np.array([[0.9, 0.1], [0.4, 0.6], [0.7, 0.3]])
    # Off by 0.1, 0.4 and 0.3.
    assert brier_score(np.array([0, 1, 0]), chances) == pytest.approx((0.01 + 0.16 + 0.09) / 3)


def test_brier_of_three_classes_sums_over_them() -> None:
    chances = np.array([[0.6, 0.3, 0.1], [0.0, 0.0, 1.0]])
    # Off by 0.4, 0.3, 0.1; then quite wrong, which costs 2.
    assert brier_score(np.array([0, 1]), chances) == pytest.approx((0.16 + 0.09 + 0.01 + 2) / 2)


@settings(max_examples=40)
@given(samples)
def test_brier_is_scikit_learns(given_: Sample) -> None:
    labels, chances = given_.labels, given_.probabilities
    if chances.shape[1] == 2:
        theirs = brier_score_loss(labels == 1, chances[:, 1])
    else:
        theirs = brier_score_loss(labels, chances, labels=range(chances.shape[1]))
    assert brier_score(labels, chances) == pytest.approx(theirs)


def test_certainty_that_is_wrong_costs_much_but_not_infinitely() -> None:
    loss = cross_entropy(np.array([1, 0]), np.array([[1.0, 0.0], [1.0, 0.0]]))
    assert loss == pytest.approx(-math.log(1e-7) / 2)
