import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.calibration import (
    BELIEVED_EXAMPLES,
    LEAST_EXAMPLES,
    calibrate,
    calibrated,
    fit_temperature,
    normalised_entropy,
    sureness,
    wilson_limit,
)


def answers(*groups: tuple[int, int, float]) -> tuple[np.ndarray, np.ndarray]:
    """So many pictures, of which so many are right, all answered with that probability."""
    probabilities, labels = [], []
    for pictures, right, share in groups:
        probabilities += [(share, 1 - share)] * pictures
        labels += [0] * right + [1] * (pictures - right)
    return np.array(probabilities), np.array(labels)


def test_a_temperature_divides_the_logits():
    # ln(0.9 / 0.1) / 2 = 1.0986 = ln 3: 3 to 1.
    assert calibrated(np.array([0.9, 0.1]), 2.0) == pytest.approx([0.75, 0.25])
    assert calibrated(np.array([1.0, 0.0]), 2.0).sum() == pytest.approx(1)


def test_a_model_that_is_too_sure_is_put_right():
    # It says 0.9 and is right in 750 of 1000; with the 20 that are taken to be right in 0.9,
    # 768 of 1020. That is 3.05 to 1 where the model said 9 to 1: ln 9 / ln 3.048 = 1.972.
    probabilities, labels = answers((1000, 750, 0.9))
    expected = math.log(9) / math.log((750 + 0.9 * BELIEVED_EXAMPLES) / (250 + 2))
    assert fit_temperature(probabilities, labels) == pytest.approx(expected, rel=1e-6)
    assert expected == pytest.approx(1.972, abs=1e-3)


def test_a_model_that_is_too_unsure_is_put_right_unless_nothing_was_wrong():
    # Right in 990 of 1000, and in 18 of the 20 that are believed: ln 9 / ln (1008 / 12).
    expected = math.log(9) / math.log(1008 / 12)
    assert fit_temperature(*answers((1000, 990, 0.9))) == pytest.approx(expected, rel=1e-6)
    assert fit_temperature(*answers((1000, 1000, 0.9))) == pytest.approx(1)


def test_few_pictures_move_a_model_little():
    few, many = (fit_temperature(*answers((4 * n, 3 * n, 0.9))) for n in (5, 200))
    assert 1.2 < few < many


def test_too_few_pictures_leave_the_probabilities_alone_and_say_so():
    few = calibrate(*answers((LEAST_EXAMPLES - 1, 9, 0.9)))
    assert (few.temperature, few.examples) == (1.0, LEAST_EXAMPLES - 1)
    assert few.missing is not None
    assert "has 19 labelled validation pictures" in few.missing
    enough = calibrate(*answers((LEAST_EXAMPLES, 9, 0.9)))
    assert enough.temperature > 1
    assert enough.missing is None


def test_the_threshold_leaves_as_many_answers_as_may_be():
    # Above 0.9: 1 of 40 wrong; above 0.7 too: 4 of 80, just 5 %; above 0.6: 14 of 100.
    probabilities, labels = answers((40, 39, 0.9), (40, 37, 0.7), (20, 10, 0.6))
    found = sureness(probabilities, labels, target_error=0.05)
    assert found is not None
    assert found.threshold == 0.7
    assert (found.coverage, found.error_when_sure) == (0.8, 0.05)
    assert (found.sure_examples, found.examples) == (80, 100)
    # (0.05 + 0.01691 + 1.6449 * sqrt(0.05 * 0.95 / 80 + 2.7057 / 25600)) / (1 + 0.03382)
    assert found.error_limit == pytest.approx(0.1068, abs=1e-4)
    stricter = sureness(probabilities, labels, target_error=0.04)
    assert stricter is not None
    assert (stricter.threshold, stricter.sure_examples) == (0.9, 40)


@pytest.mark.parametrize(
    "groups",
    [
        ((100, 80, 0.9),),  # a fifth wrong, however sure
        ((19, 19, 0.9), (80, 40, 0.6)),  # too few to tell
        (),
    ],
)
def test_where_no_answer_can_be_relied_on_there_is_no_threshold(groups):
    probabilities, labels = answers(*groups)
    assert sureness(probabilities.reshape(-1, 2), labels) is None


def test_the_limit_of_a_share():
    # With no mistake among n it is z^2 / (n + z^2).
    assert wilson_limit(0, 50) == pytest.approx(1.6449**2 / (50 + 1.6449**2))
    assert wilson_limit(50, 50) == pytest.approx(1)


@given(
    st.lists(st.floats(0, 1), min_size=2, max_size=9).filter(lambda shares: sum(shares) > 0.01),
    st.floats(0.25, 20),
)
def test_calibration_keeps_the_order_of_the_classes(shares, temperature):
    probabilities = np.array(shares) / sum(shares)
    changed = calibrated(probabilities, temperature)
    assert changed.sum() == pytest.approx(1)
    order = np.argsort(probabilities, kind="stable")
    assert (np.diff(changed[order]) >= -1e-12).all()


@pytest.mark.parametrize(
    ("probabilities", "uncertainty"),
    # -(0.9 ln 0.9 + 0.1 ln 0.1) / ln 2 = 0.4690
    [([0.5, 0.5], 1.0), ([1.0, 0.0], 0.0), ([0.9, 0.1], 0.4690), ([0.25] * 4, 1.0)],
)
def test_uncertainty_of_known_probabilities(probabilities, uncertainty):
    assert normalised_entropy(probabilities) == pytest.approx(uncertainty, abs=1e-4)


@given(st.lists(st.floats(0.001, 1), min_size=2, max_size=10))
def test_uncertainty_lies_between_sure_and_a_guess(weights):
    total = sum(weights)
    assert 0 <= normalised_entropy([weight / total for weight in weights]) <= 1
