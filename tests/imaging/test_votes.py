"""A picture's class from its fragments' votes."""

from __future__ import annotations

import numpy as np
import pytest

from imaging.errors import WrongPixels
from imaging.votes import verdict, verdicts

# Two fragments are a little more of class 0, one is very much of class 1.
SPLIT = np.array([[0.5, 0.4, 0.1], [0.5, 0.4, 0.1], [0.0, 1.0, 0.0]])


def test_the_rules_count_differently() -> None:
    majority, mean = verdict(SPLIT, "majority"), verdict(SPLIT, "mean")
    assert (majority.label, mean.label) == (0, 1)
    assert majority.votes == mean.votes == (2, 1, 0)
    assert mean.probabilities == pytest.approx((1 / 3, 0.6, 0.2 / 3))
    assert not majority.tied
    assert not mean.tied


def test_a_tie_of_votes_goes_to_the_more_probable_class() -> None:
    found = verdict(np.array([[0.6, 0.4], [0.1, 0.9]]))
    assert (found.label, found.votes, found.tied) == (1, (1, 1), True)


def test_a_tie_of_everything_goes_to_the_class_that_comes_first() -> None:
    # Sums of tenths differ in their last digit by the order in which they are added.
    even = np.array([[0.1, 0.7, 0.2], [0.2, 0.1, 0.7], [0.7, 0.2, 0.1]])
    for order in ([0, 1, 2], [2, 0, 1], [1, 2, 0]):
        for rule in ("majority", "mean"):
            found = verdict(even[order], rule)  # type: ignore[arg-type]
            assert (found.label, found.tied) == (0, True)


def test_a_fragment_that_cannot_decide_votes_for_the_first() -> None:
    assert verdict(np.array([[0.5, 0.5]])).votes == (1, 0)


def test_each_picture_is_judged_by_its_own_fragments() -> None:
    found = verdicts(
        ["b", "a", "b", "b"], np.array([[0.5, 0.5], [0.2, 0.8], [0.9, 0.1], [0.6, 0.4]])
    )
    assert list(found) == ["b", "a"]
    assert found["b"].votes == (3, 0)
    assert found["a"].label == 1


@pytest.mark.parametrize("wrong", [np.zeros((0, 3)), np.zeros(3), np.array([[np.nan, 1]])])
def test_what_cannot_be_voted_on_is_refused(wrong: np.ndarray) -> None:
    with pytest.raises(WrongPixels):
        verdict(wrong)
    with pytest.raises(WrongPixels, match="2 rows"):
        verdicts(["a", "b"], np.ones((3, 2)))
