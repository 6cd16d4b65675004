import pytest

from federated.plan import Plan, Sampling, StrategyChoice
from federated.training import Training
from tests.webapp import sample
from webapp.plan_estimate import estimate

CURRENT = sample.study().current
# 19 and 56 pictures, of which four in five train: 15.2 and 44.8.
SITES = [
    sample.node("site-1", 12, 7, examples_per_second=7.6),
    sample.node("site-2", 25, 31, examples_per_second=8.96),
]
PLAN = Plan(rounds=3, training=Training(epochs=2, validation_fraction=0.2))


def test_a_round_takes_as_long_as_its_slowest_site() -> None:
    found = estimate(PLAN, "skin", CURRENT, SITES)
    assert found.seconds == pytest.approx(3 * 2 * 44.8 / 8.96)
    assert found.nbytes == 2 * 3 * 2 * 16_500


def test_without_waiting_the_sites_work_at_the_same_time() -> None:
    rule = StrategyChoice(name="fedbuff", settings={"buffer": 3})
    found = estimate(PLAN.model_copy(update={"strategy": rule}), "skin", CURRENT, SITES)
    assert found.seconds == pytest.approx(3 * 3 / (1 / 4 + 1 / 10))
    assert found.nbytes == 2 * 9 * 16_500


def test_what_nobody_has_measured_is_not_told() -> None:
    slow = sample.node("site-3", 5, 5)
    sampled = PLAN.model_copy(update={"sampling": Sampling(fraction=0.5)})
    found = estimate(sampled, "skin", CURRENT, [*SITES, slow])
    assert found.seconds is None
    assert found.nbytes == 2 * 3 * 2 * 16_500
    assert estimate(PLAN, "skin", None, SITES).nbytes is None
    assert estimate(PLAN, "skin", CURRENT, []).nbytes is None
