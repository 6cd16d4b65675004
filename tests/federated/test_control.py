"""Control variates against worked numbers, and where FedAvg drifts."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pytest

from federated.control import control_change, control_signature, correction, kept_signature
from federated.plan import StrategyChoice
from federated.signature import Signature, TensorSpec
from federated.strategies import RULES, Contribution, RoundFacts, controls_of, has_controls
from tests.federated.blobs import Arrays

SIGNATURE = Signature(
    tensors=(
        TensorSpec(name="conv/kernel", shape=(2,)),
        TensorSpec(name="norm/mean", shape=(2,), trainable=False, role="statistic"),
    )
)


def test_only_what_is_trained_has_a_control_variate() -> None:
    assert control_signature(SIGNATURE).names == ("control/conv/kernel",)
    assert kept_signature(SIGNATURE).names == ("control/conv/kernel", "sites")


def test_one_strategy_alone_needs_them() -> None:
    assert [name for name in RULES if has_controls(StrategyChoice(name=name))] == ["scaffold"]
    assert controls_of(StrategyChoice(name="fedadam"), SIGNATURE) is None


def test_a_step_is_corrected_by_what_the_site_differs_from_all() -> None:
    everyones, own = {"control/w": np.array([1.0, 2.0])}, {"control/w": np.array([3.0, -1.0])}
    np.testing.assert_array_equal(correction(everyones, own)["w"], [-2.0, 3.0])


def test_the_change_is_the_mean_step_less_the_common_one() -> None:
    before, after = {"w": np.array([5.0, 1.0])}, {"w": np.array([4.0, 3.0])}
    everyones = {"control/w": np.array([0.5, -1.0])}
    # (5 - 4) / 0.25 - 0.5 and (1 - 3) / 0.25 + 1
    (change,) = control_change(before, after, everyones, rate_sum=0.25).values()
    np.testing.assert_array_equal(change, [3.5, -7.0])
    (still,) = control_change(before, before, everyones, rate_sum=0.0).values()
    np.testing.assert_array_equal(still, [0.0, 0.0])


@dataclass
class Site:
    """Minimises slope / 2 · (w − optimum)² by plain SGD."""

    name: str
    optimum: float
    slope: float
    own: float = 0.0

    def train(self, start: float, everyones: float, steps: int, rate: float) -> Contribution:
        weight, extra = start, correction({"control/w": everyones}, {"control/w": self.own})["w"]
        for _ in range(steps):
            weight -= rate * (self.slope * (weight - self.optimum) + extra)
        arrays = ({"w": np.array([value])} for value in (start, weight))
        change = control_change(*arrays, {"control/w": np.array([everyones])}, steps * rate)
        self.own += float(change["control/w"][0])
        return Contribution(
            self.name, 1, steps, Arrays({"w": np.array([weight])}), extra=Arrays(change)
        )


FIRST, SECOND = 1 - (1 - 0.02 * 1) ** 20, 1 - (1 - 0.02 * 3) ** 20
DRIFTED = (10 * FIRST + 2 * SECOND) / (FIRST + SECOND)
"""Where each of the two sites below goes as far its way as the other comes back: 4.55."""


@pytest.mark.parametrize(("strategy", "comes_to"), [("fedavg", DRIFTED), ("scaffold", 4.0)])
def test_it_finds_the_optimum_of_all_where_many_steps_drift(strategy: str, comes_to: float) -> None:
    # Of both together it lies at (1 * 10 + 3 * 2) / (1 + 3) = 4.
    sites = (Site("a", 10.0, 1.0), Site("b", 2.0, 3.0))
    signature = Signature(tensors=(TensorSpec(name="w", shape=(1,), dtype="float64"),))
    weights, state = {"w": np.array([20.0])}, {}
    for number in range(1, 61):
        start = float(weights["w"][0])
        everyones = float(state["control/w"][0]) if state else 0.0
        if strategy == "fedavg":
            for site in sites:
                site.own = everyones
        updates = tuple(site.train(start, everyones, 20, 0.02) for site in sites)
        facts = RoundFacts(number, signature, Arrays(weights), updates, state=state, nodes=2)
        outcome = RULES[strategy].aggregate(facts)
        weights, state = outcome.weights, outcome.state
    assert float(weights["w"][0]) == pytest.approx(comes_to, abs=0.005)


def test_with_all_sites_the_common_control_is_the_mean_of_their_own() -> None:
    sites = (Site("a", 10.0, 1.0), Site("b", 2.0, 3.0), Site("c", -4.0, 0.5))
    signature = Signature(tensors=(TensorSpec(name="w", shape=(1,), dtype="float64"),))
    weights, state = {"w": np.array([1.0])}, {}
    for number in range(1, 6):
        everyones = float(state["control/w"][0]) if state else 0.0
        # Of three sites, two take part.
        working = [sites[number % 3], sites[(number + 1) % 3]]
        start = float(weights["w"][0])
        updates = tuple(site.train(start, everyones, 4, 0.1) for site in working)
        facts = RoundFacts(number, signature, Arrays(weights), updates, state=state, nodes=3)
        outcome = RULES["scaffold"].aggregate(facts)
        weights, state = outcome.weights, outcome.state
        mean = np.mean([site.own for site in sites])
        np.testing.assert_allclose(state["control/w"], [mean], rtol=1e-12)
