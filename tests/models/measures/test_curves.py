import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import average_precision_score, roc_auc_score

from models.measures.curves import (
    MAX_POINTS,
    MAX_POINTS_OF_ALL,
    curves_of,
    operating_point,
    points_a_curve,
)

SCORES = np.array([0.9, 0.8, 0.7, 0.6, 0.5, 0.4, 0.3, 0.2])
IS_CLASS = np.array([1, 1, 0, 1, 0, 1, 0, 0], bool)
"""Of the class: 0.9, 0.8, 0.6, 0.4. Not of it: 0.7, 0.5, 0.3, 0.2."""


def test_sensitivity_at_a_specificity_worked_by_hand() -> None:
    curves = curves_of(IS_CLASS, SCORES)
    # None of the others may be taken in: from 0.8 on, two of four are found.
    strict = operating_point(curves, 1.0)
    assert (strict.sensitivity, strict.threshold, strict.reached) == (0.5, 0.8, 1.0)
    # One of the four may be: 0.6 lets 0.7 in and finds three.
    loose = operating_point(curves, 0.75)
    assert (loose.sensitivity, loose.threshold, loose.reached) == (0.75, 0.6, 0.75)
    # At 0.9 one of four would be too many.
    assert operating_point(curves, 0.9).sensitivity == 0.5


def test_one_of_ten_is_allowed_at_nine_tenths() -> None:
    # 1 - 0.9 is a little less than 0.1, which must not forbid the one.
    is_class = np.array([True] + 10 * [False])
    score = np.array([0.5, 0.9, *(9 * [0.1])])
    found = operating_point(curves_of(is_class, score), 0.9)
    assert (found.sensitivity, found.threshold, found.reached) == (1.0, 0.5, 0.9)


def test_where_every_threshold_lets_too_many_in_nothing_is_found() -> None:
    found = operating_point(curves_of(np.array([True, False]), np.array([0.5, 0.5])), 0.95)
    assert (found.sensitivity, found.threshold, found.reached) == (0.0, None, 1.0)


def test_of_thresholds_that_find_the_same_the_highest_is_told() -> None:
    # From 0.7 on one more of the others would come in, and nothing more be found.
    found = operating_point(curves_of(IS_CLASS[:3], SCORES[:3]), 0.0)
    assert (found.sensitivity, found.threshold, found.reached) == (1.0, 0.8, 1.0)


@settings(max_examples=40)
@given(st.integers(0, 10**6), st.integers(2, 80), st.sampled_from([2, 5, 1000]))
def test_areas_are_scikit_learns(seed: int, examples: int, steps: int) -> None:
    rng = np.random.default_rng(seed)
    is_class = np.append(rng.random(examples) < 0.4, [True, False])
    score = rng.integers(0, steps, examples + 2) / steps
    curves = curves_of(is_class, score)
    assert curves.auc == pytest.approx(roc_auc_score(is_class, score))
    assert curves.average_precision == pytest.approx(average_precision_score(is_class, score))


def test_a_long_curve_is_thinned_but_keeps_its_ends() -> None:
    rng = np.random.default_rng(0)
    is_class = rng.random(4000) < 0.3
    curves = curves_of(is_class, rng.random(4000) + 0.4 * is_class)
    points = curves.roc_points()
    assert len(points) == MAX_POINTS
    assert (points[0], points[-1]) == ((0, 0), (1, 1))
    assert list(points) == sorted(points)
    recall = [point[0] for point in curves.precision_recall_points()]
    assert (recall[0], recall[-1], len(recall)) == (0, 1, MAX_POINTS)
    assert recall == sorted(recall)
    assert max(np.diff(recall)) < 2 / MAX_POINTS


def test_a_short_curve_keeps_every_corner() -> None:
    curves = curves_of(IS_CLASS[:4], SCORES[:4])
    assert curves.roc_points() == ((0, 0), (0, 0.33333), (0, 0.66667), (1, 0.66667), (1, 1))
    assert curves.precision_recall_points() == (
        (0, 1),
        (0.33333, 1),
        (0.66667, 1),
        (0.66667, 0.66667),
        (1, 0.75),
    )


def test_many_classes_have_shorter_curves() -> None:
    assert [points_a_curve(classes) for classes in (2, 7, 100)] == 3 * [MAX_POINTS]
    assert points_a_curve(1000) * 1000 == MAX_POINTS_OF_ALL
