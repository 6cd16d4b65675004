import numpy as np
import pytest

from master.headline import COLUMNS, headline
from models.measures import evaluate_probabilities
from tests.models.measures.samples import sample


@pytest.mark.parametrize("classes", [2, 7])
def test_the_first_figures_are_those_of_the_report(classes: int) -> None:
    of = sample(1, 200, classes)
    report = evaluate_probabilities(of.labels, of.probabilities, of.names, intervals=True)
    told = headline(report.model_dump(mode="json"))
    assert tuple(told) == COLUMNS
    assert None not in told.values()
    assert told["f1"] == report.macro.f1
    assert told["average_precision"] == report.average_precision
    assert told["sensitivity_at_90"] == report.sensitivity_at[0].sensitivity
    interval = report.sensitivity_at[0].interval
    assert interval is not None
    assert told["sensitivity_at_90_high"] == interval.high
    assert told["auc_low"] == report.intervals["auc"].low


def test_what_a_report_does_not_tell_is_none() -> None:
    chances = np.array([[0.9, 0.1], [0.4, 0.6]])
    report = evaluate_probabilities(np.array([0, 0]), chances, ("a", "b"))
    told = headline(report.model_dump(mode="json"))
    assert (told["accuracy"], told["accuracy_low"]) == (0.5, None)
    assert (told["auc"], told["sensitivity_at_90"]) == (None, None)


def test_a_report_of_an_earlier_version_still_has_its_figures() -> None:
    told = headline({"loss": 0.5, "accuracy": 0.75, "balanced_accuracy": 0.7, "auc": None})
    assert (told["loss"], told["accuracy"], told["f1"], told["auc_low"]) == (0.5, 0.75, None, None)
