"""Ranking figures of many weightings at once, held to scikit-learn's of one at a time."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import average_precision_score, roc_auc_score

from models.measures import rankings
from models.measures.curves import curves_of, operating_point

SPECIFICITIES = (0.0, 0.5, 0.9, 1.0)


@settings(max_examples=60)
@given(st.integers(0, 10**6), st.integers(2, 40), st.sampled_from([1, 2, 5, 1000]))
def test_each_weighting_is_scikit_learns(seed: int, examples: int, steps: int) -> None:
    rng = np.random.default_rng(seed)
    is_class = np.append(rng.random(examples) < 0.4, [True, False])
    score = rng.integers(0, steps, len(is_class)) / steps
    weights = rng.integers(0, 4, (len(is_class), 3)).astype(np.float64)
    weights[-2:] += 1
    at = rankings.thresholds(rankings.ranking_of(is_class, score), weights)
    for column, counts in enumerate(weights.T):
        theirs = roc_auc_score(is_class, score, sample_weight=counts)
        assert rankings.auc(at)[column] == pytest.approx(theirs)
        theirs = average_precision_score(is_class, score, sample_weight=counts)
        assert rankings.average_precision(at)[column] == pytest.approx(theirs)
        # Drawn twice is there twice.
        repeated = np.repeat(np.arange(len(is_class)), counts.astype(int))
        curves = curves_of(is_class[repeated], score[repeated])
        for specificity in SPECIFICITIES:
            ours = rankings.sensitivity(at, specificity)[column]
            assert ours == pytest.approx(operating_point(curves, specificity).sensitivity)


def test_the_weights_given_are_left_as_they_are() -> None:
    weights = np.array([[1.0, 2.0], [3.0, 0.0]])
    rankings.thresholds(rankings.ranking_of(np.array([True, False]), np.array([0.1, 0.2])), weights)
    assert weights.tolist() == [[1, 2], [3, 0]]
