"""Intervals: what they are drawn from, what they hold, and where there is none."""

import numpy as np
import pytest

from models.measures import RESAMPLES, Interval, Report, evaluate_probabilities
from models.measures.bootstrap import (
    CELLS,
    FEWEST_RESAMPLES,
    NO_WIDTH,
    TOO_RARE,
    affordable_resamples,
    draws,
    interval,
    resampled,
)
from tests.models.measures.samples import Sample, sample


def report(of: Sample, seed: int = 0) -> Report:
    return evaluate_probabilities(of.labels, of.probabilities, of.names, intervals=True, seed=seed)


def test_each_resample_has_as_many_of_each_class_as_the_sample() -> None:
    labels = np.array([0, 2, 2, 0, 2, 0, 0])
    weights = np.hstack(list(draws(labels, 300, seed=4)))
    assert weights.shape == (7, 300)
    assert set(weights[labels == 0].sum(axis=0)) == {4}
    assert set(weights[labels == 2].sum(axis=0)) == {3}
    # Each of four is drawn once in the mean, and left out (3/4)^4 = 0.316 of the time.
    assert weights[labels == 0].mean(axis=1) == pytest.approx(np.ones(4), abs=0.2)
    assert (weights[labels == 0] == 0).mean() == pytest.approx(0.316, abs=0.05)


def test_resamples_of_one_of_each_are_the_sample_itself() -> None:
    labels, chances = np.array([0, 1]), np.array([[0.6, 0.4], [0.3, 0.7]])
    again = resampled(labels, chances, (1,), (0.9,), 5, seed=0)
    plain = evaluate_probabilities(labels, chances, ("a", "b"))
    for name in ("accuracy", "balanced_accuracy", "loss", "brier", "auc", "average_precision"):
        assert again.whole[name] == pytest.approx(np.full(5, getattr(plain, name)))
    assert again.whole["f1"] == pytest.approx(np.full(5, plain.macro.f1))
    for name, values in again.classes.items():
        assert values[1] == pytest.approx(np.full(5, getattr(plain.classes[1], name)))
    assert again.sensitivities[0, 1] == pytest.approx(np.ones(5))


def test_chunks_are_put_together() -> None:
    of = sample(3, 40_000, 2)
    again = resampled(of.labels, of.probabilities, (1,), (0.9,), 8, seed=0)
    assert again.whole["auc"].shape == (8,)
    assert again.classes["recall"].shape == (2, 8)
    assert again.sensitivities.shape == (1, 2, 8)
    assert len(set(again.whole["auc"])) == 8


@pytest.mark.parametrize("classes", [2, 7])
def test_every_figure_lies_in_its_interval(classes: int) -> None:
    found = report(sample(1, 300, classes))
    assert found.resamples == RESAMPLES
    assert set(found.intervals) == {
        *("accuracy", "balanced_accuracy", "f1", "loss", "brier", "auc", "average_precision")
    }
    for name, bounds in found.intervals.items():
        figure = found.macro.f1 if name == "f1" else getattr(found, name)
        assert bounds.low < figure < bounds.high, name
    for entry in found.classes:
        for name, bounds in entry.intervals.items():
            assert bounds.low <= getattr(entry, name) <= bounds.high, name
    points = [*found.sensitivity_at, *(point for c in found.classes for point in c.sensitivity_at)]
    assert len(points) == 2 + 2 * (classes if classes > 2 else 1)
    for point in points:
        assert point.interval is not None
        assert point.interval.low <= point.sensitivity <= point.interval.high


def test_the_same_seed_draws_the_same_intervals() -> None:
    of = sample(2, 60, 3)
    assert report(of, seed=5) == report(of, seed=5)
    assert report(of, seed=5).intervals != report(of, seed=6).intervals


def test_more_examples_make_a_narrower_interval() -> None:
    few, many = report(sample(1, 80, 2)).intervals, report(sample(1, 2000, 2)).intervals
    # The width falls with the root of the number: fifth of it here.
    for name in ("accuracy", "auc"):
        ratio = (few[name].high - few[name].low) / (many[name].high - many[name].low)
        assert 3.5 < ratio < 7


def test_an_interval_of_recall_is_as_wide_as_theory_says() -> None:
    # 40 of 100 found: a standard error of sqrt(0.4 * 0.6 / 100) = 0.049.
    labels = np.repeat([0, 1], [50, 100])
    right = np.repeat([0.2, 0.8, 0.2], [50, 40, 60])
    chances = np.stack([1 - right, right], axis=1)
    found = evaluate_probabilities(labels, chances, ("a", "b"), intervals=True)
    bounds = found.classes[1].intervals["recall"]
    assert (bounds.low, bounds.high) == (
        pytest.approx(0.304, abs=0.02),
        pytest.approx(0.496, abs=0.02),
    )


def test_nineteen_of_twenty_intervals_hold_the_truth() -> None:
    # Normal scores a standard deviation apart: an AUC of Phi(1 / sqrt 2) = 0.7602.
    rng = np.random.default_rng(11)
    held = 0
    for _ in range(200):
        labels = np.repeat([0, 1], [60, 40])
        score = 1 / (1 + np.exp(-rng.normal(labels, 1.0)))
        chances = np.stack([1 - score, score], axis=1)
        again = resampled(labels, chances, (1,), (), 200, seed=0)
        bounds = interval(again.whole["auc"])
        assert isinstance(bounds, Interval)
        held += bounds.low <= 0.7602 <= bounds.high
    assert 180 <= held <= 198


def test_an_interval_of_no_width_is_not_told() -> None:
    chances = np.array([[0.9, 0.1], [0.8, 0.2], [0.3, 0.7], [0.2, 0.8]])
    perfect = evaluate_probabilities(np.array([0, 0, 1, 1]), chances, ("a", "b"), intervals=True)
    assert (perfect.accuracy, perfect.auc) == (1, 1)
    assert "auc" not in perfect.intervals
    assert perfect.missing["auc_interval"] == NO_WIDTH
    assert "loss" in perfect.intervals
    assert perfect.classes[1].missing["recall_interval"] == NO_WIDTH
    assert perfect.sensitivity_at[0].interval is None


def test_what_few_resamples_can_tell_has_no_interval() -> None:
    values = np.linspace(0, 1, 100)
    assert interval(values) == Interval(low=0.025, high=0.975)
    values[:5] = np.nan
    assert isinstance(interval(values), Interval)
    values[:6] = np.nan
    assert interval(values) == TOO_RARE


def test_a_class_taken_for_once_has_no_interval_of_its_precision() -> None:
    # Whether the one example that is taken for b is drawn at all is a matter of luck.
    chances = np.array([[0.9, 0.1], [0.8, 0.2], [0.3, 0.7], [0.8, 0.2], [0.6, 0.4]])
    found = evaluate_probabilities(np.array([0, 0, 1, 1, 1]), chances, ("a", "b"), intervals=True)
    assert found.classes[1].precision == 1
    assert found.classes[1].missing["precision_interval"] == TOO_RARE


def test_too_many_examples_have_fewer_resamples_or_none() -> None:
    assert affordable_resamples(733, 7) == RESAMPLES
    assert affordable_resamples(CELLS // 1400, 2) == 700
    assert affordable_resamples(CELLS // 2 // FEWEST_RESAMPLES, 2) == FEWEST_RESAMPLES
    assert affordable_resamples(CELLS, 2) == 0
