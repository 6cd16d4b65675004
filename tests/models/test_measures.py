"""The measures, against figures worked out by hand."""

from __future__ import annotations

import json
import math

import numpy as np
import pytest

from federated.errors import InvalidInput
from models.measures import (
    MAX_ROC_POINTS,
    Report,
    evaluate_probabilities,
    reliability_bins,
    roc_points,
)

BINARY = ("benign", "malignant")


def binary(labels: list[int], malignant: list[float]) -> Report:
    """The report where `malignant` are the probabilities of class 1."""
    chances = np.array([[1 - p, p] for p in malignant])
    return evaluate_probabilities(np.array(labels), chances, BINARY)


def test_two_classes_worked_by_hand() -> None:
    # Predicted: 0 1 0 1 1. Of 3 benign, 2 found; of 2 malignant, 1 found.
    report = binary([0, 0, 1, 1, 0], [0.1, 0.7, 0.4, 0.9, 0.6])
    assert report.num_examples == 5
    assert report.confusion == ((1, 2), (1, 1))
    assert report.accuracy == pytest.approx(2 / 5)
    assert report.balanced_accuracy == pytest.approx((1 / 3 + 1 / 2) / 2)
    # Pairs (malignant, benign) in the right order: 0.4 beats 0.1; 0.9 beats all three; of 6.
    assert report.auc == pytest.approx(4 / 6)
    logarithms = [math.log(p) for p in (0.9, 0.3, 0.4, 0.9, 0.4)]
    assert report.loss == pytest.approx(-sum(logarithms) / 5)
    benign, malignant = report.classes
    assert (benign.precision, benign.recall, benign.support) == (0.5, pytest.approx(1 / 3), 3)
    assert benign.f1 == pytest.approx(2 / 5)
    assert (malignant.precision, malignant.recall) == (pytest.approx(1 / 3), 0.5)
    assert malignant.f1 == pytest.approx(2 / 5)
    assert malignant.roc[0] == (0, 0)
    assert malignant.roc[-1] == (1, 1)


def test_three_classes_take_the_mean_of_each_against_the_rest() -> None:
    labels = np.array([0, 0, 1, 2])
    chances = np.array([[0.6, 0.3, 0.1], [0.2, 0.5, 0.3], [0.3, 0.4, 0.3], [0.1, 0.2, 0.7]])
    report = evaluate_probabilities(labels, chances, ("a", "b", "c"))
    # a: 0.6 beats both, 0.2 beats 0.1: 3 of 4. b: 0.4 beats 0.3, 0.2: 2 of 3. c: 3 of 3.
    assert [entry.auc for entry in report.classes] == pytest.approx([3 / 4, 2 / 3, 1])
    assert report.auc == pytest.approx((3 / 4 + 2 / 3 + 1) / 3)
    assert report.confusion == ((1, 1, 0), (0, 1, 0), (0, 0, 1))
    assert report.balanced_accuracy == pytest.approx((1 / 2 + 1 + 1) / 3)


def test_a_class_that_does_not_occur_has_no_auc_and_a_reason() -> None:
    chances = np.array([[0.6, 0.3, 0.1], [0.2, 0.5, 0.3], [0.5, 0.4, 0.1]])
    report = evaluate_probabilities(np.array([0, 1, 1]), chances, ("a", "b", "c"))
    assert report.auc is None
    assert report.auc_missing == "AUC needs examples of every class; there are none of c."
    missing = report.classes[2]
    assert (missing.support, missing.precision, missing.recall, missing.f1) == (0, None, None, None)
    assert (missing.auc, missing.roc) == (None, ())
    assert report.classes[0].auc is not None
    assert report.balanced_accuracy == pytest.approx((1 + 1 / 2) / 2)


def test_a_class_that_is_never_predicted_has_recall_and_f1_of_nothing() -> None:
    report = binary([0, 1, 1], [0.1, 0.2, 0.3])
    malignant = report.classes[1]
    assert (malignant.precision, malignant.recall, malignant.f1) == (None, 0, 0)


def test_one_example_is_enough_for_what_can_be_said() -> None:
    report = binary([1], [0.8])
    assert (report.accuracy, report.balanced_accuracy, report.auc) == (1, 1, None)
    assert report.loss == pytest.approx(-math.log(0.8))
    assert report.calibration_error == pytest.approx(0.2)


def test_certainty_that_is_wrong_costs_much_but_not_infinitely() -> None:
    assert binary([1, 0], [0.0, 0.0]).loss == pytest.approx(-math.log(1e-7) / 2)


def test_calibration_worked_by_hand() -> None:
    # Confidences 0.9, 0.95 (one right of two) and 0.6 (right); 0.9 belongs to (0.8, 0.9].
    report = binary([1, 0, 1], [0.9, 0.95, 0.6])
    filled = [(e.lower, e.count, e.confidence, e.accuracy) for e in report.reliability if e.count]
    assert filled == [
        (pytest.approx(0.5), 1, pytest.approx(0.6), 1),
        (pytest.approx(0.8), 1, pytest.approx(0.9), 1),
        (pytest.approx(0.9), 1, pytest.approx(0.95), 0),
    ]
    assert report.calibration_error == pytest.approx((0.4 + 0.1 + 0.95) / 3)


def test_every_confidence_finds_a_bin() -> None:
    confidence = np.array([0.0, 0.1, 0.5, 1.0, 1.0000001])
    bins = reliability_bins(confidence, np.array([True, False, True, True, True]))
    assert [entry.count for entry in bins] == [2, 0, 0, 0, 1, 0, 0, 0, 0, 2]


def test_a_long_roc_curve_is_thinned_but_keeps_its_ends() -> None:
    rng = np.random.default_rng(0)
    is_class = rng.random(4000) < 0.3
    points = roc_points(is_class, rng.random(4000) + 0.4 * is_class)
    assert len(points) == MAX_ROC_POINTS
    assert (points[0], points[-1]) == ((0, 0), (1, 1))
    assert list(points) == sorted(points)


def test_a_report_goes_through_json_unchanged() -> None:
    chances = np.array([[0.6, 0.3, 0.1], [0.2, 0.5, 0.3]], np.float32)
    report = evaluate_probabilities(np.array([0, 0]), chances, ("a", "b", "c"))
    text = report.model_dump_json()
    assert "NaN" not in text
    assert Report.model_validate(json.loads(text)) == report


@pytest.mark.parametrize(
    ("labels", "chances", "said"),
    [
        (np.zeros(0, int), np.zeros((0, 2)), "n at least 1"),
        (np.array([0, 1]), np.full((3, 2), 0.5), "do not fit each other"),
        (np.array([0, 1]), np.full((2, 3), 1 / 3), "do not fit each other"),
        (np.array([0, 2]), np.full((2, 2), 0.5), "no class"),
        (np.array([0, -1]), np.full((2, 2), 0.5), "no class"),
        (np.array([0.0, 1.0]), np.full((2, 2), 0.5), "no class"),
        (np.array([0, 1]), np.full((2, 2), np.nan), "no probabilities"),
        (np.array([0, 1]), np.array([[2.0, -1.0], [0.5, 0.5]]), "no probabilities"),
        (np.array([0, 1]), np.full((2, 2), 0.6), "no probabilities"),
    ],
)
def test_what_makes_no_sense_is_refused(labels: np.ndarray, chances: np.ndarray, said: str) -> None:
    with pytest.raises(InvalidInput, match=said):
        evaluate_probabilities(labels, chances, BINARY)
