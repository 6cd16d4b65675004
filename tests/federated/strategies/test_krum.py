"""Krum, Multi-Krum and Bulyan: points on a line by hand, and their distances to the bit."""

from fractions import Fraction
from typing import Any

import numpy as np
import pytest
from threadpoolctl import threadpool_limits

from federated.errors import InvalidInput, NotEnoughUpdates
from federated.plan import StrategyChoice
from federated.signature import signature_of
from federated.strategies import Contribution, RoundFacts, least_updates, of_fewer, settings_of
from federated.strategies.bulyan import around_median, chosen
from federated.strategies.distances import products, squared_distances
from tests.federated.blobs import Arrays, contribution
from tests.federated.strategies.rounds import aggregate, update


def on_a_line(*places: float) -> list[Contribution]:
    """Updates with (place, 0) as their weights, unequal examples, and the place as statistic."""
    return [
        update(f"s{number}", 10**number, (place, 0.0), abs(place))
        for number, place in enumerate(places)
    ]


def test_krum_takes_the_update_in_the_crowd() -> None:
    # Each has n - f - 2 = 2 closest neighbours. Their squared distances come to 1 + 9 for 0, to
    # 1 + 4 for 1, to 4 + 4 for 3, to 4 + 16 for 5, and to thousands for 100.
    outcome = aggregate("krum", *on_a_line(0, 1, 3, 5, 100), f=1)
    np.testing.assert_array_equal(outcome.weights["w"], [1.0, 0.0])
    assert outcome.shares == {"s0": 0, "s1": 1, "s2": 0, "s3": 0, "s4": 0}
    # The median of the statistics, not those of the chosen.
    np.testing.assert_array_equal(outcome.weights["v"], [3.0])


def test_multi_krum_averages_the_best_and_counts_no_examples() -> None:
    # Scores: 10, 5, 8, 20, far.
    outcome = aggregate("multi_krum", *on_a_line(0, 1, 3, 5, 100), f=1, m=2)
    np.testing.assert_allclose(outcome.weights["w"], [2.0, 0.0])
    assert outcome.shares == {"s0": 0, "s1": 0.5, "s2": 0.5, "s3": 0, "s4": 0}
    # Without m all but f count.
    every = aggregate("multi_krum", *on_a_line(0, 1, 3, 5, 100), f=1)
    np.testing.assert_allclose(every.weights["w"], [2.25, 0.0])


def test_bulyan_chooses_by_krum_and_then_keeps_to_the_median() -> None:
    sites = on_a_line(0, 1, 2, 4, 7, 100, 11)
    distances = squared_distances(_facts(sites), sites)
    # Over 4 neighbours each, 2 comes to 1 + 4 + 4 + 25, which is less than any other.
    assert chosen(distances, 1, 1) == [2]
    assert chosen(distances, 1, 5) == [0, 1, 2, 3, 4]
    outcome = aggregate("bulyan", *sites, f=1)
    # Of 0, 1, 2, 4, 7 the three closest to the median 2 are 1, 2 and either 0 or 4: the lower.
    np.testing.assert_allclose(outcome.weights["w"], [1.0, 0.0])
    assert outcome.shares["s5"] == outcome.shares["s6"] == 0.0
    # The chosen's statistics, by the same rule as their weights.
    np.testing.assert_allclose(outcome.weights["v"], [1.0])


def test_around_the_median_lie_the_closest_values() -> None:
    rng = np.random.default_rng(5)
    ordered = np.sort(rng.normal(size=(50, 11)), axis=1)
    middle = around_median(ordered, 3)
    for row, mean in zip(ordered, middle.mean, strict=True):
        near = row[np.argsort(np.abs(row - np.median(row)), kind="stable")[:5]]
        assert mean == pytest.approx(near.mean())


def test_a_huge_value_takes_no_digits_from_the_others() -> None:
    ordered = np.array([[-1e38, 1.0, 2.0, 3.0, 1e38]], dtype=np.float32)
    np.testing.assert_array_equal(around_median(ordered, 1).mean, [2.0])


@pytest.mark.parametrize(
    ("name", "settings", "least"),
    [
        ("krum", {}, 5),
        ("krum", {"f": 0}, 3),
        ("krum", {"f": 3}, 9),
        ("multi_krum", {"f": 2}, 7),
        ("multi_krum", {"f": 1, "m": 9}, 10),
        ("bulyan", {"f": 2}, 11),
        ("median", {}, 1),
        ("fedavg", {}, 1),
    ],
)
def test_how_many_updates_a_rule_takes(name: str, settings: dict, least: int) -> None:
    assert least_updates(StrategyChoice(name=name, settings=settings)) == least


@pytest.mark.parametrize(
    ("name", "settings", "number", "fewer"),
    [
        ("krum", {"f": 2}, 7, {"f": 2}),
        ("krum", {"f": 2}, 6, {"f": 1}),
        ("krum", {"f": 2}, 4, {"f": 0}),
        ("krum", {}, 4, {"f": 0}),
        ("multi_krum", {"f": 1, "m": 9}, 9, {"f": 1, "m": 8}),
        ("multi_krum", {"f": 2, "m": 3}, 6, {"f": 1, "m": 3}),
        ("multi_krum", {"f": 2, "m": 5}, 4, {"f": 0, "m": 4}),
        ("multi_krum", {"f": 2}, 6, {"f": 1}),
        ("bulyan", {"f": 2}, 10, {"f": 1}),
        ("bulyan", {"f": 2}, 6, {"f": 0}),
        ("trimmed_mean", {"beta": 0.3}, 1, {"beta": 0.3}),
    ],
)
def test_of_fewer_updates_as_many_may_be_hostile_as_their_number_bears(
    name: str, settings: dict[str, Any], number: int, fewer: dict[str, Any]
) -> None:
    choice = of_fewer(StrategyChoice(name=name, settings=settings), number)
    assert choice == StrategyChoice(name=name, settings=fewer)
    assert least_updates(choice) <= number
    aggregate(name, *on_a_line(*range(number)), **fewer)


@pytest.mark.parametrize("name", ["krum", "multi_krum", "bulyan"])
@pytest.mark.parametrize("number", [1, 2])
def test_of_two_updates_none_is_nearer_to_the_crowd(name: str, number: int) -> None:
    assert of_fewer(StrategyChoice(name=name), number) == StrategyChoice(name="mean")


@pytest.mark.parametrize("name", ["krum", "multi_krum", "bulyan"])
def test_too_few_updates_are_an_error_of_three_parts(name: str) -> None:
    number = least_updates(StrategyChoice(name=name, settings={"f": 2}))
    sites = on_a_line(*range(number))
    aggregate(name, *sites, f=2)
    expected = f"with f = 2 has too few updates. Expected at least {number}. Received {number - 1}."
    with pytest.raises(NotEnoughUpdates, match=expected):
        aggregate(name, *sites[1:], f=2)


def test_fewer_hostile_updates_than_none_there_are_not() -> None:
    with pytest.raises(InvalidInput, match="setting f of the strategy krum"):
        settings_of(StrategyChoice(name="krum", settings={"f": -1}))


def test_equal_updates_are_at_no_distance_and_ties_go_to_the_first_name() -> None:
    outcome = aggregate("krum", *on_a_line(7, 7, 7, 7, 7), f=1)
    assert outcome.shares["s0"] == 1.0


def _facts(updates: list[Contribution], before: float = 0.0) -> RoundFacts:
    first = {"w": updates[0].weights.get_tensor("w")}
    previous = {"w": np.full_like(first["w"], before)}
    return RoundFacts(1, signature_of(first), Arrays(previous), tuple(updates))


def _random(number: int, size: int, seed: int = 1) -> list[Contribution]:
    rng = np.random.default_rng(seed)
    return [
        contribution(f"s{n:02}", n + 1, {"w": rng.normal(1, 0.01, size).astype(np.float32)})
        for n in range(number)
    ]


def test_distances_are_those_of_exact_arithmetic() -> None:
    sites = _random(4, 50)
    measured = squared_distances(_facts(sites, before=1.0), sites)
    rows = [[Fraction(float(x)) for x in site.weights.get_tensor("w")] for site in sites]
    for i, first in enumerate(rows):
        for j, second in enumerate(rows):
            exact = sum((x - y) ** 2 for x, y in zip(first, second, strict=True))
            assert measured[i, j] == pytest.approx(float(exact), rel=1e-5)


def test_products_do_not_depend_on_the_order_of_the_updates() -> None:
    sites = _random(9, 5000)
    inner = products(_facts(sites), sites)
    order = np.random.default_rng(2).permutation(9)
    shuffled = products(_facts(sites), [sites[place] for place in order])
    np.testing.assert_array_equal(shuffled, inner[np.ix_(order, order)])


def test_one_huge_update_leaves_the_others_their_distances() -> None:
    sites = _random(6, 3000)
    before = squared_distances(_facts(sites), sites)
    huge = contribution("s99", 1, {"w": np.full(3000, 3e38, np.float32)})
    after = squared_distances(_facts(sites), [*sites, huge])
    np.testing.assert_array_equal(after[:6, :6], before)
    assert (after[6, :6] > 1e70).all()


def test_what_overflows_is_infinitely_far() -> None:
    sites = [contribution(f"s{n}", 1, {"w": np.full(3, n, np.float64)}) for n in range(4)]
    sites.append(contribution("s9", 1, {"w": np.full(3, 1e300)}))
    measured = squared_distances(_facts(sites), sites)
    assert np.isinf(measured[4, :4]).all()
    assert measured[0, 3] == 27.0


def test_the_number_of_threads_changes_no_bit() -> None:
    sites = _random(150, 5000)
    seen = set()
    for threads in (1, 2):
        with threadpool_limits(threads, "blas"):
            seen.add(products(_facts(sites), sites).tobytes())
    assert len(seen) == 1
