"""What holds for every rule: symmetries, statistics, hostile updates, shares and memory."""

import tracemalloc
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from federated.signature import Signature, TensorSpec
from federated.strategies import RULES, Contribution, RoundFacts
from tests.federated.strategies.rounds import (
    BY_EXAMPLES,
    ROBUST,
    SYNCHRONOUS,
    aggregate,
    control,
    crowd,
    facts_of,
    update,
)

NUMBER = 11
"""Updates of a round here: what Bulyan needs with two hostile ones."""

BEFORE = (4.0, -4.0)

each_rule = pytest.mark.parametrize("name", SYNCHRONOUS)
seeds = st.integers(0, 2**32 - 1)
few = settings(max_examples=12)


def rng_of(seed: int) -> np.random.Generator:
    return np.random.default_rng(seed)


@each_rule
@few
@given(seed=seeds)
def test_the_same_updates_in_another_order_give_the_same_bytes(name: str, seed: int) -> None:
    rng = rng_of(seed)
    sites = crowd(rng, NUMBER)
    first = aggregate(name, *sites, before=BEFORE)
    second = aggregate(name, *(sites[n] for n in rng.permutation(NUMBER)), before=BEFORE)
    for key, array in (first.weights | first.state).items():
        assert array.tobytes() == (second.weights | second.state)[key].tobytes()
    assert first.shares == second.shares


# Bulyan's last choices are between two that are each other's only neighbour: there, as in Flower,
# the first counts.
@pytest.mark.parametrize("name", [n for n in SYNCHRONOUS if n != "bulyan"])
@few
@given(seed=seeds)
def test_names_do_not_matter(name: str, seed: int) -> None:
    rng = rng_of(seed)
    sites = crowd(rng, NUMBER)
    renamed = [
        update(
            f"other-{place:03}",
            site.num_examples,
            site.weights.get_tensor("w"),
            site.weights.get_tensor("v")[0],
            num_steps=site.num_steps,
            score=site.score,
            extra=site.extra,
        )
        for place, site in zip(rng.permutation(NUMBER), sites, strict=True)
    ]
    first = aggregate(name, *sites, before=BEFORE)
    second = aggregate(name, *renamed, before=BEFORE)
    for key, array in first.weights.items():
        np.testing.assert_allclose(second.weights[key], array, rtol=1e-9, atol=1e-9)
    assert sorted(first.shares.values()) == pytest.approx(sorted(second.shares.values()))


@each_rule
@few
@given(seed=seeds)
def test_equal_updates_from_where_they_began_change_nothing(name: str, seed: int) -> None:
    weights = rng_of(seed).normal(size=2)
    sites = [
        update(f"s{n}", 2 * n + 1, weights, 0.7, num_steps=n + 1, score=n / NUMBER)
        for n in range(NUMBER)
    ]
    outcome = aggregate(name, *sites, before=weights)
    np.testing.assert_allclose(outcome.weights["w"], weights, rtol=1e-12)
    np.testing.assert_allclose(outcome.weights["v"], [0.7], rtol=1e-12)


@pytest.mark.parametrize(
    "name", [n for n in SYNCHRONOUS if n not in ("fedadam", "fedyogi", "fedadagrad")]
)
@few
@given(seed=seeds)
def test_equal_updates_are_taken_as_they_are(name: str, seed: int) -> None:
    rng = rng_of(seed)
    before, weights = rng.normal(size=2), rng.normal(size=2)
    sites = [update(f"s{n}", 2 * n + 1, weights, num_steps=3) for n in range(NUMBER)]
    outcome = aggregate(name, *sites, before=before)
    np.testing.assert_allclose(outcome.weights["w"], weights, rtol=1e-9, atol=1e-12)


@each_rule
@few
@given(seed=seeds)
def test_shares_sum_to_one_and_name_every_node(name: str, seed: int) -> None:
    sites = crowd(rng_of(seed), NUMBER)
    shares = aggregate(name, *sites, before=BEFORE).shares
    assert sorted(shares) == sorted(site.node for site in sites)
    assert sum(shares.values()) == pytest.approx(1)
    assert all(share >= 0 for share in shares.values())


@each_rule
@few
@given(seed=seeds)
def test_a_statistic_stays_within_those_of_the_sites(name: str, seed: int) -> None:
    """After three rounds too: a server optimiser would overshoot, and turn variances negative."""
    rng, state, weights = rng_of(seed), None, np.array(BEFORE)
    for number in range(1, 4):
        sites = crowd(rng, NUMBER)
        held = [site.weights.get_tensor("v")[0] / number for site in sites]
        sites = [
            update(s.node, s.num_examples, s.weights.get_tensor("w"), v, score=s.score)
            for s, v in zip(sites, held, strict=True)
        ]
        outcome = aggregate(name, *sites, before=weights, state=state, number=number)
        weights, state = outcome.weights["w"], outcome.state
        assert min(held) <= outcome.weights["v"][0] <= max(held)
        assert not any(key.endswith("/v") for key in state)


@pytest.mark.parametrize("name", [n for n in SYNCHRONOUS if n not in ROBUST])
def test_statistics_count_by_examples_unless_all_counts_alike(name: str) -> None:
    sites = (
        update("a", 1, (1.0, 1.0), 8.0),
        update("b", 2, (2.0, 2.0), 2.0),
        update("c", 5, (3.0, 3.0), 4.0),
    )
    expected = (8 + 2 + 4) / 3 if name == "mean" else (1 * 8 + 2 * 2 + 5 * 4) / 8
    np.testing.assert_allclose(aggregate(name, *sites).weights["v"], [expected])


@pytest.mark.parametrize("name", BY_EXAMPLES)
def test_examples_count(name: str) -> None:
    def once(first: int, second: int) -> np.ndarray:
        sites = (update("a", first, (1.0, 9.0)), update("b", second, (9.0, 2.0)))
        return aggregate(name, *sites, before=(1.5, 1.5)).weights["w"]

    np.testing.assert_allclose(once(1, 3), once(10, 30))
    assert not np.allclose(once(1, 3), once(3, 1))


@pytest.mark.parametrize("name", [*ROBUST, "mean"])
def test_a_site_does_not_count_more_for_claiming_more_examples(name: str) -> None:
    sites = crowd(rng_of(3), NUMBER)
    boasting = [
        update("site-000", 10**8, sites[0].weights.get_tensor("w"), 1.0),
        *sites[1:],
    ]
    honest = [update("site-000", 1, sites[0].weights.get_tensor("w"), 1.0), *sites[1:]]
    np.testing.assert_array_equal(
        aggregate(name, *boasting).weights["w"], aggregate(name, *honest).weights["w"]
    )


def random_weights(rng: np.random.Generator) -> np.ndarray:
    return rng.normal(0, 1000, 2)


def far_away(rng: np.random.Generator) -> np.ndarray:
    return np.full(2, 1e30)


def flipped(rng: np.random.Generator) -> np.ndarray:
    return -rng.normal((5, -5), 1.0)


@pytest.mark.parametrize("attack", [random_weights, far_away, flipped])
@pytest.mark.parametrize("name", ROBUST)
@few
@given(seed=seeds)
def test_two_hostile_of_eleven_move_no_robust_rule_beyond_the_honest(
    name: str, attack: Callable[[np.random.Generator], np.ndarray], seed: int
) -> None:
    rng = rng_of(seed)
    honest = crowd(rng, NUMBER - 2)
    hostile = [update(f"x{n}", 10**6, attack(rng), 1e12 * n) for n in range(2)]
    chosen = {} if name in ("median", "geometric_median") else {"f": 2}
    chosen = {"beta": 0.2} if name == "trimmed_mean" else chosen
    outcome = aggregate(name, *hostile, *honest, before=BEFORE, **chosen)
    held = np.array([site.weights.get_tensor("w") for site in honest])
    # The geometric median is bounded, but not by the range of each weight.
    slack = 1.0 if name == "geometric_median" else 1e-9
    assert (outcome.weights["w"] >= held.min(axis=0) - slack).all()
    assert (outcome.weights["w"] <= held.max(axis=0) + slack).all()
    statistics = [site.weights.get_tensor("v")[0] for site in honest]
    assert min(statistics) - 1e-9 <= outcome.weights["v"][0] <= max(statistics) + 1e-9


def test_the_mean_is_moved_by_a_single_hostile_update() -> None:
    """Else the test above would say nothing."""
    sites = [*crowd(rng_of(1), NUMBER - 1), update("x", 1, far_away(rng_of(1)))]
    assert aggregate("fedavg", *sites).weights["w"][0] > 1e20


class Drawn:
    """Weights that are drawn anew each time that they are read: only what a rule keeps is kept."""

    def __init__(self, seed: int, size: int) -> None:
        self._seed, self._size = seed, size

    def keys(self) -> list[str]:
        return ["w", "v", "control/w"]

    def get_tensor(self, name: str) -> np.ndarray:
        return self.get_range(name, 0, self._size).reshape((-1,) if name == "v" else (200, -1))

    def get_range(self, name: str, start: int, stop: int) -> np.ndarray:
        values = np.arange(start, stop, dtype=np.float32) % 97 - 48
        return values * np.float32((self._seed % 13 + 1) / 100)


@each_rule
def test_memory_does_not_grow_with_the_number_of_updates(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    size, number = 10_000, 200
    monkeypatch.setattr("federated.strategies.blocks.BLOCK", 1 << 16)
    specs = (
        TensorSpec(name="w", shape=(200, 50)),
        TensorSpec(name="v", shape=(size,), trainable=False, role="statistic"),
    )
    updates = tuple(
        Contribution(f"s{n:03}", n + 1, 3, Drawn(n, size), score=n / number, extra=Drawn(n, size))
        for n in range(number)
    )
    facts = RoundFacts(1, Signature(tensors=specs), Drawn(0, size), updates)
    tracemalloc.start()
    try:
        RULES[name].aggregate(facts)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    # All updates at once would be 16 MB in float32.
    assert peak < 6_000_000, peak


def test_each_rule_says_what_it_is_and_where_it_is_from() -> None:
    for name, rule in RULES.items():
        assert rule.aggregate.__name__ == name
        assert rule.aggregate.__doc__
        module = __import__(rule.aggregate.__module__, fromlist=["__doc__"])
        assert "https://" in (module.__doc__ or ""), name


def test_the_documentation_has_every_rule() -> None:
    text = (Path(__file__).parents[3] / "docs" / "architecture.md").read_text()
    table = text.split("## Strategies")[1].split("\n## ")[0]
    assert [name for name in RULES if f"`{name}`" not in table] == []


def test_every_default_is_in_its_own_range() -> None:
    for name, rule in RULES.items():
        assert rule.settings.model_validate(rule.settings().model_dump()), name
    assert facts_of([]).nodes == 0
    assert control((1.0, 2.0)).keys() == ["control/w"]
