import math

import numpy as np
import pytest

from models.measures import evaluate_probabilities, figures_of, spread, summarise
from tests.models.measures.samples import sample


def test_mean_and_deviation_worked_by_hand() -> None:
    found = spread([0.7, 0.8, 0.75, 0.95])
    assert found.mean == pytest.approx(0.8)
    # Squares of 0.1, 0, 0.05, 0.15 over three.
    assert found.deviation == pytest.approx(math.sqrt((0.01 + 0.0025 + 0.0225) / 3))
    assert (found.low, found.high, found.count) == (0.7, 0.95, 4)


def test_one_report_has_no_deviation() -> None:
    assert spread([0.5]).deviation is None


def test_folds_are_summed_up_figure_by_figure() -> None:
    reports = []
    for seed in range(3):
        of = sample(seed, 90, 3)
        reports.append(evaluate_probabilities(of.labels, of.probabilities, of.names))
    found = summarise(reports)
    assert found["auc"].mean == pytest.approx(np.mean([r.auc for r in reports]))
    assert found["f1"].mean == pytest.approx(np.mean([r.macro.f1 for r in reports]))
    recalls = [r.classes[2].recall for r in reports]
    assert found["recall/class 2"].deviation == pytest.approx(np.std(recalls, ddof=1))
    assert found["sensitivity_at_90"].count == 3


def test_what_a_fold_cannot_tell_does_not_count() -> None:
    chances = np.array([[0.6, 0.4], [0.3, 0.7], [0.2, 0.8]])
    whole = evaluate_probabilities(np.array([0, 1, 1]), chances, ("a", "b"))
    lacking = evaluate_probabilities(np.array([1, 1, 1]), chances, ("a", "b"))
    found = summarise([whole, lacking])
    assert (found["auc"].count, found["auc"].mean) == (1, 1.0)
    assert found["accuracy"].count == 2
    assert "auc" not in summarise([lacking])
    assert summarise([]) == {}


def test_every_figure_has_a_name_of_its_own() -> None:
    of = sample(0, 50, 2)
    figures = figures_of(evaluate_probabilities(of.labels, of.probabilities, of.names))
    assert {"loss", "brier", "sensitivity_at_95", "specificity/class 1"} <= set(figures)
    assert len(figures) == 10 + 2 + 6 * 2
