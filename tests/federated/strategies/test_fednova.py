"""FedNova against the paper's formulas, with unequal examples and unequal steps."""

import numpy as np
import pytest

from federated.errors import NotEnoughUpdates
from federated.strategies.fednova import accumulated
from federated.training import Training
from tests.federated.strategies.rounds import aggregate, update


def test_each_update_counts_by_the_step_and_not_by_the_distance() -> None:
    outcome = aggregate(
        "fednova",
        update("a", 1, (10.0 + 8.0, 0.0), 2.0, num_steps=2),
        update("b", 3, (10.0 + 12.0, 0.0), 6.0, num_steps=6),
        before=(10.0, 0.0),
    )
    # p = 1/4, 3/4; tau = 2/4 + 18/4 = 5; 10 + 5 * (8 / 2 / 4 + 12 / 6 * 3 / 4) = 22.5.
    # FedAvg would come to 10 + 8 / 4 + 12 * 3 / 4 = 21.
    np.testing.assert_allclose(outcome.weights["w"], [22.5, 0.0])
    np.testing.assert_allclose(outcome.weights["v"], [5.0])
    # Coefficients of the two updates: 5 * 1/4 / 2 = 0.625 and 5 * 3/4 / 6 = 0.625.
    assert outcome.shares == pytest.approx({"a": 0.5, "b": 0.5})


def test_with_equal_steps_it_is_fedavg() -> None:
    sites = (
        update("a", 1, (3.0, 1.0), num_steps=7),
        update("b", 4, (-2.0, 5.0), num_steps=7),
    )
    nova, average = aggregate("fednova", *sites), aggregate("fedavg", *sites)
    np.testing.assert_allclose(nova.weights["w"], average.weights["w"])
    assert nova.shares == pytest.approx(average.shares)


@pytest.mark.parametrize("steps", [1, 2, 9, 400])
@pytest.mark.parametrize("rho", [0.0, 0.5, 0.9])
def test_momentum_accumulates_as_in_the_paper(steps: int, rho: float) -> None:
    expected = (steps - rho * (1 - rho**steps) / (1 - rho)) / (1 - rho)
    assert accumulated(steps, momentum=rho) == pytest.approx(expected)


@pytest.mark.parametrize("steps", [1, 2, 9, 400])
@pytest.mark.parametrize("alpha", [0.01, 0.5, 1.0])
def test_the_proximal_pull_accumulates_as_in_the_paper(steps: int, alpha: float) -> None:
    expected = (1 - (1 - alpha) ** steps) / alpha
    assert accumulated(steps, pull=alpha) == pytest.approx(expected)


def test_momentum_and_pull_together_are_what_sgd_does() -> None:
    rho, mu, rate = 0.8, 2.0, 0.05
    weight, velocity = 0.0, 0.0
    for _ in range(11):
        # The gradient is 1 throughout; FedProx pulls the weight back to 0.
        velocity = rho * velocity - rate * (1 + mu * weight)
        weight += velocity
    assert accumulated(11, rho, mu * rate) == pytest.approx(-weight / rate)


def test_the_plan_tells_momentum_pull_and_how_many_steps_there_can_be() -> None:
    sgd = Training(
        optimizer="sgd", momentum=0.5, learning_rate=0.1, proximal=2.0, batch_size=4, epochs=3
    )
    sites = (
        # 5 pictures in batches of 4, 3 times: 6 steps, whatever it claims.
        update("a", 5, (6.0, 0.0), num_steps=10**12, training=sgd),
        update("b", 8, (2.0, 0.0), num_steps=2, training=sgd),
    )
    first, second = accumulated(6, 0.5, 0.2), accumulated(2, 0.5, 0.2)
    steps = (5 * first + 8 * second) / 13
    expected = steps * (5 / 13 * 6.0 / first + 8 / 13 * 2.0 / second)
    np.testing.assert_allclose(aggregate("fednova", *sites).weights["w"], [expected, 0.0])


def test_every_step_of_another_optimiser_counts_the_same() -> None:
    adam = Training(optimizer="adam", momentum=0.5, proximal=2.0, batch_size=1, epochs=50)
    plain = (update("a", 1, (6.0, 0.0), num_steps=3), update("b", 2, (2.0, 0.0), num_steps=5))
    told = (
        update("a", 1, (6.0, 0.0), num_steps=3, training=adam),
        update("b", 2, (2.0, 0.0), num_steps=5, training=adam),
    )
    np.testing.assert_array_equal(
        aggregate("fednova", *told).weights["w"], aggregate("fednova", *plain).weights["w"]
    )


def test_an_update_of_no_step_is_left_out() -> None:
    site = update("a", 1, (3.0, 1.0), num_steps=2)
    idle = update("b", 100, (50.0, 50.0), num_steps=0)
    outcome = aggregate("fednova", site, idle)
    np.testing.assert_allclose(outcome.weights["w"], [3.0, 1.0])
    assert outcome.shares == {"a": 1.0, "b": 0.0}
    with pytest.raises(NotEnoughUpdates, match="at least one update of at least one step"):
        aggregate("fednova", idle)
