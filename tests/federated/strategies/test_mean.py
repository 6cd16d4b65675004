"""The plain mean, FedProx's and that of the best, with worked numbers and unequal examples."""

import numpy as np
import pytest

from federated.errors import InvalidInput, NotEnoughUpdates
from federated.plan import StrategyChoice
from federated.strategies import settings_of
from tests.federated.strategies.rounds import aggregate, update

SITES = (
    update("a", 1, (0.0, 8.0), 1.0, score=0.7),
    update("b", 3, (4.0, 4.0), 3.0, score=0.9),
    update("c", 8, (2.0, 0.0), 5.0, score=0.8),
)


def test_the_mean_does_not_count_examples() -> None:
    outcome = aggregate("mean", *SITES, before=(100.0, 100.0))
    # 100 - ((100 - 0) + (100 - 4) + (100 - 2)) / 3 = 2, and (8 + 4 + 0) / 3 = 4.
    np.testing.assert_allclose(outcome.weights["w"], [2.0, 4.0])
    np.testing.assert_allclose(outcome.weights["v"], [3.0])
    assert outcome.shares == pytest.approx({"a": 1 / 3, "b": 1 / 3, "c": 1 / 3})


def test_fedprox_is_fedavg_at_the_server() -> None:
    outcome = aggregate("fedprox", *SITES)
    # (1 * 0 + 3 * 4 + 8 * 2) / 12 and (1 * 8 + 3 * 4 + 8 * 0) / 12
    np.testing.assert_allclose(outcome.weights["w"], [28 / 12, 20 / 12])
    assert outcome.shares == pytest.approx({"a": 1 / 12, "b": 3 / 12, "c": 8 / 12})


def test_the_best_two_count_by_their_examples() -> None:
    outcome = aggregate("best_k", *SITES, k=2)
    # b and c: (3 * 4 + 8 * 2) / 11, (3 * 4 + 8 * 0) / 11, and (3 * 3 + 8 * 5) / 11
    np.testing.assert_allclose(outcome.weights["w"], [28 / 11, 12 / 11])
    np.testing.assert_allclose(outcome.weights["v"], [49 / 11])
    assert outcome.shares == pytest.approx({"a": 0.0, "b": 3 / 11, "c": 8 / 11})


def test_the_best_one_is_taken_as_it_is_and_the_first_of_equals_counts() -> None:
    equal = (update("b", 9, (1.0, 1.0), score=0.6), update("a", 1, (2.0, 3.0), score=0.6))
    outcome = aggregate("best_k", *equal, k=1)
    np.testing.assert_array_equal(outcome.weights["w"], [2.0, 3.0])
    assert outcome.shares == {"a": 1.0, "b": 0.0}


def test_more_than_there_are_is_all_of_them() -> None:
    outcome = aggregate("best_k", *SITES, k=50)
    np.testing.assert_array_equal(outcome.weights["w"], aggregate("fedavg", *SITES).weights["w"])


def test_without_a_score_nothing_is_the_best() -> None:
    unmeasured = update("d", 5, (1.0, 1.0), score=None)
    with pytest.raises(NotEnoughUpdates, match=r"The update of d has no score\. Expected an acc"):
        aggregate("best_k", *SITES, unmeasured)


def test_k_is_at_least_one() -> None:
    with pytest.raises(InvalidInput, match="setting k of the strategy best_k"):
        settings_of(StrategyChoice(name="best_k", settings={"k": 0}))
