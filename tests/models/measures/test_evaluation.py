"""The measures, against figures worked out by hand."""

from __future__ import annotations

import json
import math

import numpy as np
import pytest
from hypothesis import given, settings
from sklearn.metrics import precision_recall_fscore_support, recall_score, roc_auc_score

from federated.errors import InvalidInput
from models.measures import Report, evaluate_probabilities
from tests.models.measures.samples import Sample, samples

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


@settings(max_examples=40)
@given(samples)
def test_figures_are_scikit_learns(of: Sample) -> None:
    report = evaluate_probabilities(of.labels, of.probabilities, of.names)
    predicted = of.probabilities.argmax(axis=1)
    present = np.unique(of.labels)
    assert report.balanced_accuracy == pytest.approx(
        recall_score(of.labels, predicted, labels=present, average="macro")
    )
    for average, means in (("macro", report.macro), ("weighted", report.weighted)):
        precision, recall, f1, _ = precision_recall_fscore_support(
            of.labels, predicted, labels=present, average=average, zero_division=0
        )
        assert (means.precision, means.recall, means.f1) == pytest.approx((precision, recall, f1))
    for k, entry in enumerate(report.classes):
        if 0 < entry.support < len(of.labels):
            is_class, score = of.labels == k, of.probabilities[:, k]
            assert entry.auc == pytest.approx(roc_auc_score(is_class, score))
            precision, recall, f1, _ = precision_recall_fscore_support(
                is_class, predicted == k, average="binary", zero_division=np.nan
            )
            told = [np.nan if v is None else v for v in (entry.precision, entry.recall, entry.f1)]
            assert told == pytest.approx([precision, recall, f1], nan_ok=True)
            # Specificity is the recall of all others.
            specificity = recall_score(~is_class, predicted != k)
            assert entry.specificity == pytest.approx(specificity)


@settings(max_examples=30)
@given(samples)
def test_whatever_cannot_be_told_is_none_with_a_reason(of: Sample) -> None:
    report = evaluate_probabilities(of.labels, of.probabilities, of.names, intervals=True)
    assert Report.model_validate_json(report.model_dump_json()) == report
    for part in (report, *report.classes):
        names = {"auc", "average_precision"}
        if part is not report:
            names |= {"precision", "recall", "specificity", "f1"}
        for name in names:
            assert (getattr(part, name) is None) == (name in part.missing), name
            assert not (name in part.intervals and f"{name}_interval" in part.missing)
    assert (report.auc is None) == (not report.sensitivity_at)


def test_averages_worked_by_hand() -> None:
    # Confusion: a 1 of 1 found; b 1 of 3, the others taken for a and c.
    labels = np.array([0, 1, 1, 1])
    chances = np.array([[0.8, 0.1, 0.1], [0.1, 0.8, 0.1], [0.8, 0.1, 0.1], [0.1, 0.1, 0.8]])
    report = evaluate_probabilities(labels, chances, ("a", "b", "c"))
    # c does not occur, so it counts in no mean, although one was taken for it.
    assert report.macro.precision == pytest.approx((1 / 2 + 1) / 2)
    assert report.macro.recall == pytest.approx((1 + 1 / 3) / 2)
    assert report.macro.specificity == pytest.approx((2 / 3 + 1) / 2)
    assert report.macro.f1 == pytest.approx((2 / 3 + 1 / 2) / 2)
    assert report.weighted.f1 == pytest.approx((2 / 3 + 3 * 1 / 2) / 4)
    assert report.weighted.recall == pytest.approx(report.accuracy)
    assert [entry.specificity for entry in report.classes] == pytest.approx([2 / 3, 1, 3 / 4])


def test_a_class_that_is_never_predicted_counts_in_the_mean_precision() -> None:
    report = binary([0, 1, 1], [0.1, 0.2, 0.3])
    assert report.classes[1].precision is None
    assert report.macro.precision == pytest.approx((1 / 3 + 0) / 2)


def test_the_second_of_two_classes_is_the_one_to_be_found() -> None:
    # One in ten of the benign may be taken in: 0.85. From 0.6 on, three of four are found.
    benign = [0.1, 0.2, 0.3, 0.35, 0.3, 0.2, 0.1, 0.05, 0.4, 0.85]
    report = binary(10 * [0] + 4 * [1], [*benign, 0.9, 0.6, 0.8, 0.38])
    found = report.sensitivity_at[0]
    assert (found.specificity, found.reached) == (0.9, 0.9)
    assert (found.sensitivity, found.threshold) == (0.75, 0.6)
    assert report.sensitivity_at[1].sensitivity == 0.25
    assert report.classes[1].sensitivity_at == report.sensitivity_at
    assert report.classes[0].sensitivity_at == ()


def test_of_several_classes_the_mean_sensitivity_is_told() -> None:
    labels = np.array([0, 0, 1, 2])
    chances = np.array([[0.6, 0.3, 0.1], [0.2, 0.5, 0.3], [0.3, 0.4, 0.3], [0.1, 0.2, 0.7]])
    report = evaluate_probabilities(labels, chances, ("a", "b", "c"), specificities=(0.9,))
    # a: 0.6 alone lies above 0.3; b: 0.5 of another lies above; c: all of them.
    (mean,) = report.sensitivity_at
    each = [entry.sensitivity_at[0].sensitivity for entry in report.classes]
    assert each == [0.5, 0, 1]
    assert mean.sensitivity == pytest.approx(0.5)
    assert (mean.threshold, mean.reached) == (None, None)


def test_one_class_alone_has_no_specificity() -> None:
    report = binary([1, 1, 1], [0.8, 0.3, 0.6])
    benign, malignant = report.classes
    assert malignant.specificity is None
    assert malignant.missing["specificity"] == "There is no example of another class."
    assert malignant.missing["auc"] == malignant.missing["specificity"]
    assert benign.missing["recall"] == "There is no example of this class."
    assert (report.macro.specificity, report.auc, report.sensitivity_at) == (None, None, ())


def test_too_many_examples_for_intervals_are_told_as_such() -> None:
    labels = np.arange(400) % 2
    chances = np.full((400, 1000), 1e-3)
    report = evaluate_probabilities(labels, chances, [f"c{k}" for k in range(1000)], intervals=True)
    assert (report.resamples, report.intervals) == (0, {})
    assert report.missing["intervals"] == "There are too many examples and classes for intervals."
