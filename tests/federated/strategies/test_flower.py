"""The rules that Flower has too, held to its results on the same random updates.

Flower is installed for this test alone, without what it depends on: see run_all.sh.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any

import numpy as np
import pytest

from federated.signature import signature_of
from federated.strategies import RULES, Contribution, RoundFacts
from tests.federated.blobs import Arrays

os.environ["FLWR_TELEMETRY_ENABLED"] = "0"
flower = pytest.importorskip("flwr.serverapp.strategy", reason="Flower is not installed")
aggregate = pytest.importorskip("flwr.server.strategy.aggregate")
app = pytest.importorskip("flwr.app")

SHAPES = {"w": (7, 5), "b": (5,), "s": ()}
NUMBER = 11

Weights = Mapping[str, np.ndarray]


class Reply:
    """As much of a node's answer as an aggregation reads."""

    def __init__(self, weights: Weights, num_examples: int) -> None:
        arrays = {name: app.Array(array) for name, array in weights.items()}
        self.content = app.RecordDict(
            {
                "arrays": app.ArrayRecord(arrays),
                "metrics": app.MetricRecord({"num-examples": num_examples}),
            }
        )

    def has_error(self) -> bool:
        return False


def random_weights(rng: np.random.Generator, scale: float = 1.0) -> dict[str, np.ndarray]:
    return {name: np.asarray(rng.normal(0.3, scale, shape)) for name, shape in SHAPES.items()}


def random_updates(
    seed: int, number: int = NUMBER, num_examples: int | None = None
) -> list[tuple[dict[str, np.ndarray], int]]:
    """Weights and examples: unequal ones, unless a number is given."""
    rng = np.random.default_rng(seed)
    return [
        (random_weights(rng, 1 + place), num_examples or int(rng.integers(1, 500)))
        for place in range(number)
    ]


def ours(
    name: str,
    updates: list[tuple[dict[str, np.ndarray], int]],
    before: Weights,
    state: Mapping[str, np.ndarray] | None = None,
    **settings: Any,
) -> Any:
    contributions = tuple(
        Contribution(f"node-{place:03}", examples, 1, Arrays(weights))
        for place, (weights, examples) in enumerate(updates)
    )
    facts = RoundFacts(
        1, signature_of(before), Arrays(before), contributions, settings, state or {}
    )
    return RULES[name].aggregate(facts)


def theirs(
    strategy: Any, updates: list[tuple[dict[str, np.ndarray], int]], number: int = 1
) -> dict[str, np.ndarray]:
    arrays, _ = strategy.aggregate_train(number, [Reply(*update) for update in updates])
    return {name: array.numpy() for name, array in arrays.items()}


def assert_equal(first: Weights, second: Weights) -> None:
    assert sorted(first) == sorted(second)
    for name, array in first.items():
        np.testing.assert_allclose(array, second[name], rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize(
    ("name", "settings", "strategy", "number"),
    [
        ("fedavg", {}, lambda: flower.FedAvg(), NUMBER),
        ("fedprox", {}, lambda: flower.FedProx(proximal_mu=0.1), NUMBER),
        ("median", {}, lambda: flower.FedMedian(), NUMBER),
        ("median", {}, lambda: flower.FedMedian(), NUMBER - 1),
        # Where beta times the number is whole: Flower rounds down, we round up.
        ("trimmed_mean", {"beta": 0.2}, lambda: flower.FedTrimmedAvg(beta=0.2), 10),
        ("trimmed_mean", {"beta": 0.4}, lambda: flower.FedTrimmedAvg(beta=0.4), 5),
        ("krum", {"f": 2}, lambda: flower.Krum(num_malicious_nodes=2), NUMBER),
        ("krum", {"f": 4}, lambda: flower.Krum(num_malicious_nodes=4), NUMBER),
    ],
)
def test_unequal_examples_come_to_what_they_come_to_in_flower(
    name: str, settings: dict, strategy: Any, number: int, seed: int
) -> None:
    updates = random_updates(seed, number)
    before = random_weights(np.random.default_rng(99))
    result = ours(name, updates, before, **settings).weights
    assert_equal(result, theirs(strategy(), updates))


@pytest.mark.parametrize("seed", range(3))
def test_multi_krum_agrees_where_examples_are_equal(seed: int) -> None:
    """Flower's mean of the chosen is weighed by examples; the paper's, and ours, is not."""
    before = random_weights(np.random.default_rng(99))
    strategy = flower.MultiKrum(num_malicious_nodes=3, num_nodes_to_select=5)
    equal = random_updates(seed, num_examples=20)
    mean = ours("multi_krum", equal, before, f=3, m=5)
    assert_equal(mean.weights, theirs(strategy, equal))
    unequal = [(weights, 20 + 50 * place) for place, (weights, _) in enumerate(equal)]
    assert_equal(ours("multi_krum", unequal, before, f=3, m=5).weights, mean.weights)
    assert not np.allclose(theirs(strategy, unequal)["w"], mean.weights["w"])


@pytest.mark.parametrize("f", [0, 1, 2])
@pytest.mark.parametrize("seed", range(3))
def test_bulyan_is_that_of_flower_s_older_strategy(seed: int, f: int) -> None:
    """The newer one chooses by one Krum, where the paper has Krum choose one after the other."""
    updates = random_updates(seed)
    before = random_weights(np.random.default_rng(99))
    lists = [([weights[name] for name in SHAPES], examples) for weights, examples in updates]
    expected = aggregate.aggregate_bulyan(lists, f, aggregate.aggregate_krum, to_keep=0)
    result = ours("bulyan", updates, before, f=f).weights
    assert_equal(result, dict(zip(SHAPES, expected, strict=True)))


@pytest.mark.parametrize(("momentum", "rate"), [(0.9, 1.0), (0.5, 0.3), (0.0, 0.7)])
def test_three_rounds_with_momentum(momentum: float, rate: float) -> None:
    before = random_weights(np.random.default_rng(99))
    strategy = flower.FedAvgM(server_learning_rate=rate, server_momentum=momentum)
    strategy.current_arrays = app.ArrayRecord({n: app.Array(a) for n, a in before.items()})
    state: Mapping[str, np.ndarray] = {}
    for number in range(1, 4):
        updates = random_updates(number)
        outcome = ours("fedavgm", updates, before, state, momentum=momentum, server_lr=rate)
        assert_equal(outcome.weights, theirs(strategy, updates, number))
        before, state = outcome.weights, outcome.state


@pytest.mark.parametrize("name", ["fedadam", "fedyogi", "fedadagrad"])
def test_three_rounds_of_the_adaptive_optimisers(name: str) -> None:
    """From a second moment of 0, as Flower has it; the paper begins at tau squared, and so do we.

    Flower's FedAdam also scales its steps: by a correction of the bias that the paper's algorithm
    does not have. The rest is held to its results, with that factor put into the step size.
    """
    before = random_weights(np.random.default_rng(99))
    betas = {"beta_1": 0.8, "beta_2": 0.95} if name != "fedadagrad" else {}
    names = {"fedadam": "FedAdam", "fedyogi": "FedYogi", "fedadagrad": "FedAdagrad"}
    strategy = getattr(flower, names[name])(eta=0.3, tau=0.02, **betas)
    state: Mapping[str, np.ndarray] = {
        f"second_moment/{key}": np.zeros(shape) for key, shape in SHAPES.items()
    }
    for number in range(1, 4):
        updates = random_updates(number)
        strategy.current_arrays = dict(before)
        rate = 0.3
        if name == "fedadam":
            rate *= np.sqrt(1 - 0.95 ** (number + 1)) / (1 - 0.8 ** (number + 1))
        outcome = ours(name, updates, before, state, server_lr=float(rate), tau=0.02, **betas)
        assert_equal(outcome.weights, theirs(strategy, updates, number))
        before, state = outcome.weights, outcome.state
