"""What a site may claim: the fewer pictures it has measured on, the less its claim says."""

from __future__ import annotations

import numpy as np
import pytest

from federated.plan import AuditPolicy
from federated.wire import UpdateDocument
from master.audit.claim import check_claim, judging_count
from master.audit.finding import Finding, Weight, verdict_of
from master.audit.mixture import mixed

MEASURED = {"accuracy": 0.5, "num_examples": 400}
POLICY = AuditPolicy(on_gap="reject")


def claiming(judging: int | None, **metrics: float) -> Finding:
    facts = {"task": "t", "base": "0" * 64, "num_examples": 80, "num_steps": 4}
    document = UpdateDocument.model_validate(facts | {"metrics": metrics})
    return check_claim(document, MEASURED, POLICY, judging)


@pytest.mark.parametrize("told", [{}, {"val_examples": 1.0}, {"val_examples": -7.0}])
def test_few_pictures_or_none_told_of_let_no_claim_pass(told: dict[str, float]) -> None:
    found = claiming(100, val_accuracy=1.0, **told)
    assert found.weight is Weight.WRONG
    assert "claims 100.0% on 100 of its own" in found.sentence
    assert claiming(100, val_accuracy=0.7, **told).weight is Weight.FITS


def test_what_is_told_beyond_that_counts() -> None:
    # 0.3 + 3 * sqrt(0.25 / 400 + 0.16 / 5) = 0.84 with 5 pictures, 0.39 with 500.
    assert claiming(5, val_accuracy=0.95).weight is Weight.FITS
    assert claiming(5, val_accuracy=0.95, val_examples=500.0).weight is Weight.WRONG


def test_near_all_right_chance_makes_less_of_a_difference() -> None:
    # Of pictures that it gets 0.8 of right, 0.3 + 3 * sqrt(0.25 / 400 + 0.16 / n) more, for n
    # of its own: 0.51 for 40, 0.47 for 64.
    assert claiming(40, val_accuracy=1.0).weight is Weight.FITS
    assert claiming(64, val_accuracy=1.0).weight is Weight.WRONG


def test_where_no_picture_is_left_to_measure_on_the_claim_says_nothing() -> None:
    assert claiming(0, val_accuracy=1.0).weight is Weight.UNCHECKED


def test_the_plan_says_how_many_judge_and_never_more_than_are_left() -> None:
    counts = {"a": 70, "b": 30}
    assert judging_count(counts, 0.2, 80) == 20
    assert judging_count(counts, 0.2, 93) == 7
    assert judging_count(counts, 0.2, 10) == 20
    assert judging_count(counts, 0.0, 10) == 0
    assert judging_count(counts, 0.2, 130) == 0


def test_a_claim_is_compared_with_the_accuracy_on_the_sites_own_classes() -> None:
    """A site of one class is right about it, and wrong about all others."""
    facts = {"task": "t", "base": "0" * 64, "num_examples": 80, "num_steps": 4}
    document = UpdateDocument.model_validate(facts | {"metrics": {"val_accuracy": 1.0}})
    hits = np.array([True] * 95 + [False] * 5 + [False] * 90 + [True] * 10)
    labels = ["a"] * 100 + ["b"] * 100
    found = [
        check_claim(document, MEASURED, POLICY, 100, mixed(hits, labels, counts))
        for counts in ({"a": 30}, {"b": 30})
    ]
    assert [one.weight for one in found] == [Weight.FITS, Weight.WRONG]
    assert "95.0% mixed like the site's classes" in found[0].sentence


def test_a_claim_that_is_too_high_has_its_site_watched() -> None:
    facts = {"task": "t", "base": "0" * 64, "num_examples": 80, "num_steps": 4}
    document = UpdateDocument.model_validate(facts | {"metrics": {"val_accuracy": 1.0}})
    verdict = verdict_of([check_claim(document, MEASURED, AuditPolicy(), 100)], MEASURED)
    assert verdict.accepted
    assert verdict.noted == verdict.reasons


def test_a_rejection_says_what_was_bad_alone() -> None:
    good, odd = Finding("It is finite."), Finding("It is long.", Weight.ODD)
    unchecked = Finding("No others to compare with.", Weight.UNCHECKED)
    other = Finding("It points elsewhere.", Weight.ODD)
    assert verdict_of([good, odd, unchecked], {}).accepted
    rejected = verdict_of([good, odd, unchecked, other], {})
    assert not rejected.accepted
    assert rejected.why == "It is long. It points elsewhere."
    assert rejected.reasons[0] == "It is finite."
