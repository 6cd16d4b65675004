"""Pools shared out to the thousandth, and the recent average of what was granted."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from federated.plan import RewardPolicy
from master.rewards import asking, merits, recent_average, share_out
from tests.master.rewards.games import value_of

DAY = 86_400.0


@settings(max_examples=60)
@given(
    pool=st.integers(0, 1_000_000),
    accuracies=st.lists(st.floats(0, 1), min_size=1, max_size=6),
    name=st.sampled_from(["accuracy", "improvement", "leave_one_out", "shapley"]),
)
def test_a_round_hands_out_its_pool_or_nothing(
    pool: int, accuracies: list[float], name: str
) -> None:
    policy = RewardPolicy.model_validate({"policy": name, "pool": pool})
    # The best member decides: a game with many ties and with useless members.
    value = value_of(lambda some: max((accuracies[k] for k in some), default=0.4))
    of_it = merits(asking(policy, len(accuracies), 1), value)
    shares = share_out(pool, dict(enumerate(of_it.merits)))
    assert sum(shares.values()) in ({pool * 1000} if any(of_it.merits) else {0})
    assert all(share >= 0 for share in shares.values())
    assert all(not share or of_it.merits[k] > 0 for k, share in shares.items())


def test_the_recent_average_halves_in_a_week() -> None:
    one = [(0.0, 70.0)]
    # 70 · ln 2 / 7 credits a day at once, then half of it.
    assert recent_average(one, 0.0) == pytest.approx(6.9315, abs=1e-4)
    assert recent_average(one, 7 * DAY) == pytest.approx(3.4657, abs=1e-4)
    assert recent_average(one, 21 * DAY) == pytest.approx(6.9315 / 8, abs=1e-4)


def test_whoever_earns_as_much_every_day_has_that_as_the_average() -> None:
    hourly = [(hour * 3600.0, 1.0) for hour in range(24 * 200)]
    assert recent_average(hourly, 200 * DAY) == pytest.approx(24, rel=0.01)


def test_a_credit_of_the_future_counts_as_one_of_now() -> None:
    assert recent_average([(DAY, 7.0)], 0.0) == recent_average([(0.0, 7.0)], 0.0)
    assert recent_average([], 5.0) == 0
