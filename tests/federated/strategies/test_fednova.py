"""FedNova against the paper's formulas, with unequal examples and unequal steps."""

import numpy as np
import pytest

from federated.errors import NotEnoughUpdates
from federated.strategies.fednova import accumulated
from federated.training import EarlyStopping, Training
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
        update("b", 20, (2.0, 0.0), num_steps=2, training=sgd),
    )
    first, second = accumulated(6, 0.5, 0.2), accumulated(15, 0.5, 0.2)
    steps = (5 * first + 20 * second) / 25
    expected = steps * (5 / 25 * 6.0 / first + 20 / 25 * 2.0 / second)
    np.testing.assert_allclose(aggregate("fednova", *sites).weights["w"], [expected, 0.0])


def test_a_claim_of_few_steps_pays_nothing() -> None:
    plan = Training(batch_size=32, epochs=10)
    sites = [update(f"s{n}", 320, (float(n), 0.0), num_steps=100, training=plan) for n in range(9)]
    honest = update("s9", 320, (-8.0, 0.0), num_steps=100, training=plan)
    modest = update("s9", 320, (-8.0, 0.0), num_steps=1, training=plan)
    fair, claimed = (aggregate("fednova", *sites, last) for last in (honest, modest))
    # (0 + 1 + ... + 8 - 8) / 10; with the single step believed it would be about -69.
    np.testing.assert_allclose(fair.weights["w"], [2.8, 0.0])
    np.testing.assert_array_equal(claimed.weights["w"], fair.weights["w"])
    assert claimed.shares == fair.shares == pytest.approx(dict.fromkeys(fair.shares, 0.1))


def test_where_training_may_end_early_an_epoch_is_the_least_that_is_believed() -> None:
    plan = Training(batch_size=4, epochs=3, early_stopping=EarlyStopping())
    sites = (
        # An epoch of 10 pictures is 3 steps; of 18 it is 5, of which up to 15 are believed.
        update("a", 10, (6.0, 0.0), num_steps=1, training=plan),
        update("b", 18, (2.0, 0.0), num_steps=10, training=plan),
    )
    tau = (10 * 3 + 18 * 10) / 28
    expected = tau * (10 / 28 * 6.0 / 3 + 18 / 28 * 2.0 / 10)
    np.testing.assert_allclose(aggregate("fednova", *sites).weights["w"], [expected, 0.0])


def test_a_claim_of_an_early_stop_counts_twice_at_most() -> None:
    plan = Training(batch_size=4, epochs=10, early_stopping=EarlyStopping())
    # 12 pictures make 3 steps an epoch: three sites stopped after 8 epochs, one says after 1.
    honest = [update(f"s{n}", 12, (1.0, 0.0), num_steps=24, training=plan) for n in range(3)]
    early = update("s9", 12, (1.0, 0.0), num_steps=3, training=plan)
    shares = aggregate("fednova", *honest, early).shares
    assert shares == pytest.approx({"s0": 0.2, "s1": 0.2, "s2": 0.2, "s9": 0.4})


@pytest.mark.parametrize(("most", "reach"), [(1.0, 1.0), (1.25, 1.25), (9.0, 1.5625)])
def test_a_round_goes_beyond_a_mean_only_as_far_as_it_may(most: float, reach: float) -> None:
    # p = 1/2 each; tau = 5 and 5 * (1/2 / 2 + 1/2 / 8) = 1.5625 times the way to a mean.
    outcome = aggregate(
        "fednova",
        update("a", 4, (10.0 + 5.0, 0.0), num_steps=2),
        update("b", 4, (10.0 + 5.0, 0.0), num_steps=8),
        before=(10.0, 0.0),
        extrapolation=most,
    )
    np.testing.assert_allclose(outcome.weights["w"], [10.0 + 5.0 * reach, 0.0])
    assert outcome.shares == pytest.approx({"a": 0.8, "b": 0.2})


def test_one_large_site_does_not_make_rounds_swing_ever_wider() -> None:
    # Nine small sites and one with 89 % of the pictures; each comes close to its optimum, 1.
    counts = (8,) * 9 + (592,)
    weight = 0.0
    for _ in range(30):
        sites = [
            update(f"s{n}", count, (1 + (weight - 1) * 0.2, 0.0), num_steps=count // 8)
            for n, count in enumerate(counts)
        ]
        weight = float(aggregate("fednova", *sites, before=(weight, 0.0)).weights["w"][0])
    # As far as comes of it, which is 8 times as far, it would be off by more than 10^20 now.
    assert weight == pytest.approx(1.0, abs=1e-3)


def test_every_step_of_another_optimiser_counts_the_same() -> None:
    adam = Training(optimizer="adam", momentum=0.5, proximal=2.0, batch_size=1, epochs=3)
    plain = (update("a", 1, (6.0, 0.0), num_steps=3), update("b", 2, (2.0, 0.0), num_steps=6))
    told = (
        update("a", 1, (6.0, 0.0), num_steps=3, training=adam),
        update("b", 2, (2.0, 0.0), num_steps=6, training=adam),
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
