import math
import re

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.calibration import (
    BELIEVED_EXAMPLES,
    HALVING_SEED,
    LEAST_EXAMPLES,
    calibrate,
    calibrated,
    choose_threshold,
    fit_temperature,
    measure_threshold,
    normalised_entropy,
    sureness,
    upper_limit,
    why_no_sureness,
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
    assert choose_threshold(probabilities, labels, target_error=0.05) == 0.7
    assert choose_threshold(probabilities, labels, target_error=0.04) == 0.9


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
    assert choose_threshold(probabilities.reshape(-1, 2), labels, 0.05) is None


def test_a_threshold_is_measured_on_what_reaches_it():
    found = measure_threshold(*answers((35, 33, 0.9), (15, 11, 0.8), (30, 10, 0.6)), 0.8)
    assert found is not None
    assert (found.threshold, found.sure_examples, found.examples) == (0.8, 50, 80)
    assert (found.coverage, found.error_when_sure) == (50 / 80, 6 / 50)
    assert found.error_limit == upper_limit(6, 50)
    assert measure_threshold(*answers((19, 19, 0.9), (30, 30, 0.6)), 0.8) is None


def test_what_is_told_was_measured_on_the_other_half():
    # Whichever way they are halved, both answers reach what either half can choose.
    found = sureness(*answers((61, 61, 0.9), (30, 15, 0.6)))
    assert found is not None
    assert (found.threshold, found.error_when_sure, found.examples) == (0.9, 0, 46)
    assert found == sureness(*answers((61, 61, 0.9), (30, 15, 0.6)))
    assert found.sure_examples < 46


@pytest.mark.parametrize(
    ("groups", "reason"),
    [
        ((), "has 0 labelled validation pictures"),
        (((39, 39, 0.9),), "39 labelled .* 40 are needed"),
        (((100, 80, 0.9),), "half of the site's 100 .* right often enough: more than 5%"),
    ],
)
def test_where_nothing_is_told_there_is_a_reason(groups, reason):
    probabilities, labels = answers(*groups)
    probabilities = probabilities.reshape(-1, 2)
    assert sureness(probabilities, labels) is None
    assert re.search(reason, why_no_sureness(probabilities, labels))


def test_too_few_sure_answers_to_measure_are_a_reason_too():
    # Alone sure are twenty-two of the pictures that choose, and none of those that measure.
    chosen = np.random.default_rng(HALVING_SEED).permutation(80)[:22]
    probabilities, labels = np.full((80, 2), 0.5), np.arange(80) % 2
    probabilities[chosen] = np.where(labels[chosen, None] == [0, 1], 0.9, 0.1)
    assert sureness(probabilities, labels) is None
    assert "the other 40 hold fewer than 20" in why_no_sureness(probabilities, labels)


def honest(rng, examples):
    """Answers that are right as often as they say, and how often those above t are wrong."""
    said = rng.uniform(0.7, 1.0, examples)
    return said, rng.random(examples) < said, lambda threshold: (1 - threshold) / 2


def meaningless(rng, examples):
    """Answers of which nine in ten are right, whatever they say of themselves."""
    return rng.uniform(0.6, 1.0, examples), rng.random(examples) < 0.9, lambda threshold: 0.1


@pytest.mark.parametrize(("model", "examples"), [(honest, 60), (honest, 200), (meaningless, 100)])
def test_the_truth_lies_below_the_limit_in_19_cases_of_20(model, examples):
    rng, held = np.random.default_rng(8), []
    for _ in range(600):
        said, right, wrong_above = model(rng, examples)
        found = sureness(np.stack([said, 1 - said], axis=1), np.where(right, 0, 1))
        if found is not None:
            held.append(wrong_above(found.threshold) <= found.error_limit)
    assert len(held) >= 90
    assert np.mean(held) >= 0.95


def test_the_limit_of_a_share():
    # With no mistake among n the limit p is where (1 - p)^n = 0.05; with one, n - 1 more ways.
    assert upper_limit(0, 50) == pytest.approx(1 - 0.05 ** (1 / 50))
    limit = upper_limit(1, 20)
    assert (1 - limit) ** 20 + 20 * limit * (1 - limit) ** 19 == pytest.approx(0.05)
    assert upper_limit(50, 50) == 1


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
