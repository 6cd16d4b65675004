"""FedAvgM, FedAdam, FedYogi and FedAdagrad: two rounds by hand, by the papers' formulas."""

import math

import numpy as np
import pytest

from federated.errors import ShapeMismatch
from federated.strategies import Contribution, Outcome
from tests.federated.strategies.rounds import aggregate, update

BEFORE = (10.0, 0.0)


def sites(first: float) -> tuple[Contribution, ...]:
    """Two sites whose mean by examples is (first, 4): unweighted it would be (first + 1, 2)."""
    return (update("a", 1, (first + 3, -2.0), 2.0), update("b", 3, (first - 1, 6.0), 6.0))


def two_rounds(name: str, **settings: float) -> tuple[Outcome, Outcome]:
    """The mean change is (2, 4) in the first round, and whatever leads to (15, 4) then."""
    one = aggregate(name, *sites(12.0), before=BEFORE, **settings)
    two = aggregate(
        name, *sites(15.0), before=one.weights["w"], state=one.state, number=2, **settings
    )
    return one, two


def test_momentum_carries_a_part_of_the_last_step_on() -> None:
    one, two = two_rounds("fedavgm", momentum=0.5, server_lr=0.25)
    # v = (2, 4), w = (10, 0) + 0.25 v = (10.5, 1)
    np.testing.assert_allclose(one.weights["w"], [10.5, 1.0])
    # v = 0.5 (2, 4) + (15 - 10.5, 4 - 1) = (5.5, 5), w = (10.5, 1) + 0.25 v
    np.testing.assert_allclose(two.state["momentum/w"], [5.5, 5.0])
    np.testing.assert_allclose(two.weights["w"], [11.875, 2.25])


SECOND = {
    # Of v = tau² = 0.01 and the squares 4 and 16, then of 4.5² (or what it is) by the same rule.
    "fedadam": lambda v, square: 0.75 * v + 0.25 * square,
    "fedyogi": lambda v, square: v - 0.25 * square * math.copysign(1, v - square),
    "fedadagrad": lambda v, square: v + square,
}


@pytest.mark.parametrize("name", SECOND)
def test_each_weight_gets_a_step_of_its_own(name: str) -> None:
    settings = {"server_lr": 0.5, "beta_1": 0.5, "tau": 0.1}
    if name != "fedadagrad":
        settings["beta_2"] = 0.75
    rounds = two_rounds(name, **settings)
    weights, first, second = list(BEFORE), [0.0, 0.0], [0.01, 0.01]
    for outcome, target in zip(rounds, ((12.0, 4.0), (15.0, 4.0)), strict=True):
        for place in range(2):
            change = target[place] - weights[place]
            first[place] = 0.5 * first[place] + 0.5 * change
            second[place] = SECOND[name](second[place], change**2)
            weights[place] += 0.5 * first[place] / (math.sqrt(second[place]) + 0.1)
        np.testing.assert_allclose(outcome.weights["w"], weights)
        np.testing.assert_allclose(outcome.state["first_moment/w"], first)
        np.testing.assert_allclose(outcome.state["second_moment/w"], second)


def test_one_step_of_fedadam_in_numbers() -> None:
    outcome = aggregate(
        "fedadam", *sites(12.0), before=BEFORE, server_lr=0.5, beta_1=0.0, beta_2=0.75, tau=0.1
    )
    # v = 0.75 * 0.01 + 0.25 * 4 = 1.0075; 10 + 0.5 * 2 / (1.003743 + 0.1)
    assert outcome.weights["w"][0] == pytest.approx(10.906008, abs=1e-6)


@pytest.mark.parametrize("name", ["fedavgm", *SECOND])
def test_statistics_are_averaged_by_examples_and_leave_no_state(name: str) -> None:
    one, two = two_rounds(name)
    for outcome in (one, two):
        np.testing.assert_allclose(outcome.weights["v"], [(1 * 2 + 3 * 6) / 4])
        assert {key.split("/")[1] for key in outcome.state} == {"w"}
        assert outcome.shares == {"a": 0.25, "b": 0.75}


@pytest.mark.parametrize("name", ["fedavgm", *SECOND])
def test_a_state_of_another_model_is_refused(name: str) -> None:
    wrong = {key: np.zeros(3) for key in aggregate(name, *sites(1.0)).state}
    with pytest.raises(ShapeMismatch, match="does not fit the model"):
        aggregate(name, *sites(1.0), state=wrong)


def test_without_momentum_and_with_whole_steps_it_is_fedavg() -> None:
    outcome = aggregate("fedavgm", *sites(12.0), before=BEFORE, momentum=0.0)
    average = aggregate("fedavg", *sites(12.0), before=BEFORE)
    np.testing.assert_allclose(outcome.weights["w"], average.weights["w"])
