"""FedAsync and FedBuff against the papers' formulas, with worked numbers."""

import numpy as np
import pytest

from federated.errors import InvalidInput, NotEnoughUpdates
from federated.plan import StrategyChoice
from federated.signature import Signature, TensorSpec, signature_of
from federated.strategies import (
    Asynchronous,
    Contribution,
    Outcome,
    RoundFacts,
    asynchronous,
    settings_of,
    strategy,
)
from federated.strategies.staleness import Staleness, discount
from tests.federated.blobs import Arrays


def update(node: str, value: float, staleness: int = 0, base: float | None = None) -> Contribution:
    weights = Arrays({"w": np.array([value])})
    began = None if base is None else Arrays({"w": np.array([base])})
    return Contribution(node, 5, 1, weights, staleness=staleness, base=began)


def aggregate(name: str, previous: float, *updates: Contribution, **settings: object) -> Outcome:
    before = {"w": np.array([previous])}
    signature = signature_of(before)
    facts = RoundFacts(4, signature, Arrays(before), updates, settings=settings)
    return strategy(name)(facts)


@pytest.mark.parametrize(
    ("settings", "expected"),
    [
        ({"staleness": "constant"}, [1, 1, 1, 1]),
        ({"staleness": "polynomial", "a": 0.5}, [1, 2**-0.5, 4**-0.5, 9**-0.5]),
        ({"staleness": "hinge", "a": 10, "b": 3}, [1, 1, 1, 1 / 51]),
    ],
)
def test_the_three_discounts_of_the_paper(settings: dict, expected: list[float]) -> None:
    chosen = Staleness.model_validate(settings)
    assert [discount(age, chosen) for age in (0, 1, 3, 8)] == pytest.approx(expected)


def test_fedasync_mixes_a_fresh_update_by_alpha() -> None:
    outcome = aggregate("fedasync", 10.0, update("a", 20.0), alpha=0.25)
    # 0.75 * 10 + 0.25 * 20
    assert outcome.weights["w"] == pytest.approx([12.5])
    assert outcome.shares == {"a": 0.25}


def test_fedasync_counts_a_stale_update_less() -> None:
    outcome = aggregate(
        "fedasync", 10.0, update("a", 20.0, staleness=3), alpha=0.6, staleness="polynomial", a=0.5
    )
    # alpha_t = 0.6 / sqrt(4) = 0.3
    assert outcome.weights["w"] == pytest.approx([13.0])


def test_fedasync_with_two_updates_is_two_steps() -> None:
    first, second = update("z", 20.0), update("a", 0.0, staleness=1)
    settings = {"alpha": 0.5, "staleness": "hinge", "a": 1, "b": 0}
    both = aggregate("fedasync", 10.0, first, second, **settings)
    step = aggregate("fedasync", 10.0, first, **settings).weights["w"][0]
    assert both.weights["w"] == aggregate("fedasync", step, second, **settings).weights["w"]
    # The order of acceptance counts, not that of the names.
    assert both.weights["w"] == pytest.approx([11.25])
    assert both.shares == pytest.approx({"z": 0.375, "a": 0.25})


def test_fedbuff_adds_the_mean_of_what_each_update_changed() -> None:
    outcome = aggregate(
        "fedbuff",
        10.0,
        update("a", 14.0),
        update("b", 7.0, staleness=3, base=5.0),
        server_lr=0.5,
        staleness="polynomial",
        a=0.5,
    )
    # 10 + 0.5 * (1 * (14 - 10) + 0.5 * (7 - 5)) / 2
    assert outcome.weights["w"] == pytest.approx([11.25])
    assert outcome.shares == pytest.approx({"a": 2 / 3, "b": 1 / 3})


def test_fedbuff_takes_the_mean_of_what_no_optimiser_moves() -> None:
    signature = Signature(
        tensors=(
            TensorSpec(name="v", shape=(1,), dtype="float64", trainable=False, role="statistic"),
        )
    )
    updates = tuple(
        Contribution(node, 3, 1, Arrays({"v": np.array([value])}), base=Arrays({"v": np.ones(1)}))
        for node, value in (("a", 0.2), ("b", 0.4))
    )
    facts = RoundFacts(2, signature, Arrays({"v": np.array([0.1])}), updates)
    # As a step it would be 0.1 + mean(-0.8, -0.6): a negative variance.
    assert strategy("fedbuff")(facts).weights["v"] == pytest.approx([0.3])


@pytest.mark.parametrize("name", ["fedasync", "fedbuff"])
def test_nothing_to_aggregate_is_an_error(name: str) -> None:
    with pytest.raises(NotEnoughUpdates, match="nothing to average"):
        aggregate(name, 1.0)


def test_a_choice_says_whether_its_run_is_asynchronous() -> None:
    assert asynchronous(StrategyChoice()) is None
    assert asynchronous(StrategyChoice(name="fedasync")) == Asynchronous(1, 10)
    chosen = StrategyChoice(name="fedbuff", settings={"buffer": 4, "max_staleness": 2})
    assert asynchronous(chosen) == Asynchronous(4, 2)


@pytest.mark.parametrize(
    ("settings", "word"),
    [({"alpha": 1.5}, "alpha"), ({"beta": 1}, "beta"), ({"staleness": "linear"}, "staleness")],
)
def test_a_setting_that_cannot_be_followed_is_refused(settings: dict, word: str) -> None:
    with pytest.raises(InvalidInput, match=word):
        settings_of(StrategyChoice(name="fedasync", settings=settings))
