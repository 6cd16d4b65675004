from __future__ import annotations

import pytest

from federated.states import NodeStanding, NodeState
from master.audit.standing import (
    Record,
    after_bad,
    after_good,
    is_drawn,
    probability,
    standing_of,
)


def record(good: int, *, after_a_bad_one: bool = False) -> Record:
    found = after_bad("Too far.") if after_a_bad_one else Record()
    for _ in range(good):
        found = after_good(found, 10)
    return found


def word(found: Record) -> NodeStanding:
    return standing_of(found, NodeState.ACTIVE, 10)


def test_ten_good_results_in_a_row_make_a_node_trusted() -> None:
    assert word(record(0)) == word(record(9)) == NodeStanding.CHECKED
    assert word(record(10)) == NodeStanding.TRUSTED


def test_after_n_good_results_one_in_n_is_looked_at() -> None:
    assert [probability(record(n), 10) for n in (0, 9, 10, 25)] == [1, 1, 1 / 10, 1 / 25]


def test_one_bad_result_starts_over_and_is_told_until_ten_good_ones() -> None:
    bad = after_bad("Too far.")
    assert (word(bad), probability(bad, 10)) == (NodeStanding.WATCHED, 1)
    assert word(record(9, after_a_bad_one=True)) == NodeStanding.WATCHED
    assert word(record(10, after_a_bad_one=True)) == NodeStanding.TRUSTED
    assert record(10, after_a_bad_one=True).reason is None


def test_suspending_is_the_operators_word_whatever_the_record() -> None:
    assert standing_of(record(10), NodeState.SUSPENDED, 10) is NodeStanding.SUSPENDED


def test_draws_are_the_same_for_the_same_secret_and_as_frequent_as_they_should_be() -> None:
    drawn = [is_drawn("secret", f"measure/{n}", 1 / 12) for n in range(6000)]
    assert drawn == [is_drawn("secret", f"measure/{n}", 1 / 12) for n in range(6000)]
    assert sum(drawn) / 6000 == pytest.approx(1 / 12, abs=0.015)
    assert drawn != [is_drawn("another", f"measure/{n}", 1 / 12) for n in range(6000)]
    assert is_drawn("secret", "x", 1.0)
    assert not is_drawn("secret", "x", 0.0)
