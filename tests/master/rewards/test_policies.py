"""What updates are worth, on games that are worked out by hand."""

from __future__ import annotations

from itertools import islice, permutations

import numpy as np
import pytest

from federated.plan import RewardPolicy
from master.rewards import Coalition, Merits, answered, asking, merits, own, together
from master.rewards.orders import guided_orders
from tests.master.rewards.games import Game, curve, exact, glove, value_of


def policy(name: str = "shapley", **changes: object) -> RewardPolicy:
    facts = {"policy": name, "round_tolerance": 0.0, "order_tolerance": 0.0}
    return RewardPolicy.model_validate(facts | changes)


def found(game: Game, count: int, seed: int = 3, **changes: object) -> Merits:
    return merits(asking(policy(**changes), count, seed), value_of(game))


def test_the_glove_game_is_shared_as_shapley_has_it() -> None:
    # The left glove is the last to come, and makes a pair, in 4 of 6 orders; each right one
    # makes the pair in the one order in which it comes right after the left: 4/6, 1/6, 1/6.
    of_it = found(glove, 3)
    assert of_it.contributions == pytest.approx([0.4, 0.1, 0.1])
    assert (of_it.before, of_it.after, of_it.orders) == (0.0, 0.6, 6)


def test_four_updates_come_to_shapleys_value_itself() -> None:
    of_it = found(curve, 4)
    assert of_it.orders == 24
    assert of_it.contributions == pytest.approx(exact(curve, 4))
    assert sum(of_it.contributions) == pytest.approx(curve(frozenset(range(4))) - 0.5)
    assert of_it.contributions[3] < 0
    assert of_it.merits[3] == 0


def test_eight_updates_come_near_it_with_fewer_models_than_coalitions() -> None:
    asked: list[Coalition] = []
    of_it = merits(asking(policy(max_evaluations=200), 8, 3), value_of(curve, asked))
    assert of_it.contributions == pytest.approx(exact(curve, 8), abs=0.02)
    assert of_it.orders is not None
    assert 30 <= of_it.orders < 1000
    assert len(asked) == len(set(asked)) <= 200


def test_the_estimate_comes_nearer_with_more_orders() -> None:
    def error(evaluations: int) -> float:
        each = [found(curve, 8, seed, max_evaluations=evaluations) for seed in range(8)]
        misses = [np.subtract(one.contributions, exact(curve, 8)) for one in each]
        return float(np.abs(misses).mean())

    assert error(150) < 0.5 * error(25)


def test_the_same_seed_gives_the_same_estimate() -> None:
    once, again, other = (found(curve, 8, seed, max_evaluations=40) for seed in (3, 3, 4))
    assert once == again
    assert once != other


def test_an_estimate_is_repeated_from_the_number_of_its_orders() -> None:
    once = found(curve, 8, max_evaluations=40)
    plan = policy(max_evaluations=7)
    again = merits(asking(plan, 8, 3, orders=once.orders), value_of(curve))
    assert again.contributions == once.contributions


def test_each_update_comes_first_as_often() -> None:
    orders = list(islice(guided_orders(7, np.random.default_rng(1)), 21))
    for group in (orders[:7], orders[7:14], orders[14:]):
        assert sorted(order[0] for order in group) == list(range(7))
    assert all(sorted(order) == list(range(7)) for order in orders)
    few = list(guided_orders(4, np.random.default_rng(1)))
    assert sorted(few) == list(permutations(range(4)))
    assert sorted(order[0] for order in few[:4]) == [0, 1, 2, 3]


def test_a_round_that_changed_nothing_is_measured_no_further() -> None:
    asked: list[Coalition] = []
    flat = policy(round_tolerance=0.01)
    of_it = merits(asking(flat, 6, 3), value_of(lambda some: 0.7 + 0.001 * len(some), asked))
    assert asked == [together(()), together(range(6))]
    assert of_it.why_none == (
        "The round has hardly changed the accuracy on the audit pictures, from 70.0% to 70.6%."
    )


def test_an_order_is_not_followed_once_the_accuracy_of_all_is_reached() -> None:
    asked: list[Coalition] = []
    # Whoever comes first brings everything: V is 0.9 for each, 0.5 for nobody.
    of_it = merits(
        asking(policy(order_tolerance=0.001), 6, 3),
        value_of(lambda some: 0.9 if some else 0.5, asked),
    )
    assert set(asked) == {together(()), together(range(6)), *(together((k,)) for k in range(6))}
    assert of_it.contributions == pytest.approx([0.4 / 6] * 6, rel=0.15)


def test_never_are_more_models_measured_than_the_plan_allows() -> None:
    for most in (2, 5, 11, 30):
        asked: list[Coalition] = []
        of_it = merits(asking(policy(max_evaluations=most), 9, 3), value_of(curve9, asked))
        assert len(asked) <= most
        assert (of_it.why_none is None) == bool(of_it.orders) == (most >= 11)


def curve9(some: frozenset[int]) -> float:
    return 0.5 + 0.04 * len(some)


def test_many_updates_are_walked_one_order_after_the_other() -> None:
    # One order of 60 asks for 59 models beside the one of nobody; a second is not to be had.
    of_it = found(lambda some: 0.3 + 0.01 * len(some), 60, max_evaluations=100)
    assert of_it.orders == 1
    assert of_it.contributions == pytest.approx([0.01] * 60)


def test_what_a_model_loses_without_an_update() -> None:
    # Two updates that say the same can each be missed: only the third is worth anything.
    accuracies = {(): 0.5, (0, 1, 2): 0.9, (1, 2): 0.9, (0, 2): 0.88, (0, 1): 0.6}
    of_it = found(lambda some: accuracies[tuple(sorted(some))], 3, policy="leave_one_out")
    assert of_it.contributions == pytest.approx([0.0, 0.02, 0.3])
    assert of_it.compared == (0.9, 0.88, 0.6)
    assert (of_it.before, of_it.after) == (0.5, 0.9)


def test_improvement_is_over_the_rounds_start_and_never_below_nothing() -> None:
    known = {together(()): 0.7, own(0): 0.75, own(1): 0.72, own(2): 0.6}
    of_it = answered(asking(policy("improvement"), 3, 0), known.get)
    assert isinstance(of_it, Merits)
    assert of_it.contributions == pytest.approx([0.05, 0.02, -0.1])
    assert of_it.merits == pytest.approx([0.05, 0.02, 0.0])


def test_accuracy_asks_for_each_updates_own_weights_and_nothing_else() -> None:
    missing = answered(asking(policy("accuracy"), 3, 0), {own(1): 0.5}.get)
    assert missing == (own(0), own(2))
    of_it = answered(asking(policy("accuracy"), 2, 0), {own(0): 0.9, own(1): 0.5}.get)
    assert isinstance(of_it, Merits)
    assert of_it.merits == (0.9, 0.5)


@pytest.mark.parametrize("name", ["accuracy", "improvement", "leave_one_out", "shapley"])
def test_a_few_models_at_a_time_come_to_the_same_as_all_at_once(name: str) -> None:
    at_once = merits(asking(policy(name), 6, 3), value_of(curve))
    known: dict[Coalition, float] = {}
    while not isinstance(of_it := answered(asking(policy(name), 6, 3), known.get), Merits):
        # Killed in between, it goes on from what is known.
        known |= {one: curve(frozenset(one.members)) for one in of_it[:3]}
    assert of_it == at_once


@pytest.mark.parametrize("name", ["accuracy", "improvement", "leave_one_out", "shapley"])
def test_without_time_a_policy_says_so(name: str) -> None:
    of_it = answered(asking(policy(name), 6, 3), {}.get, over=True)
    assert isinstance(of_it, Merits)
    assert of_it.why_none is not None
    assert "The time that the plan allows was over" in of_it.why_none


def test_when_the_time_is_over_the_orders_so_far_count() -> None:
    known: dict[Coalition, float] = {}
    for _ in range(9):
        missing = answered(asking(policy(), 6, 3), known.get)
        assert not isinstance(missing, Merits)
        known |= {one: curve(frozenset(one.members)) for one in missing}
    of_it = answered(asking(policy(), 6, 3), known.get, over=True)
    assert isinstance(of_it, Merits)
    assert of_it.orders is not None
    assert 4 <= of_it.orders < 30
    assert of_it.contributions == pytest.approx(exact(curve, 6), abs=0.15)
    again = merits(asking(policy(), 6, 3, orders=of_it.orders), value_of(curve))
    assert again.contributions == of_it.contributions
