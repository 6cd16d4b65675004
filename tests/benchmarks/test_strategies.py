"""Every rule is compared, with settings that it knows and that ten nodes allow."""

import pytest

from benchmarks.strategies import NODES, PLAN, PROXIMAL, SETTINGS, plan_of, rules
from federated.plan import Plan
from federated.strategies import RULES, least_updates, settings_of

PLAN_OF_ALL = Plan.model_validate(dict(PLAN))


def test_all_but_the_asynchronous_rules_are_compared():
    assert set(RULES) - set(rules(PLAN_OF_ALL)) == {"fedasync", "fedbuff"}


@pytest.mark.parametrize("name", rules(PLAN_OF_ALL))
def test_a_rule_has_its_settings_and_differs_in_nothing_else(name):
    plan = plan_of(name, PLAN_OF_ALL)
    told = settings_of(plan.strategy).model_dump()
    assert {key: told[key] for key in SETTINGS.get(name, {})} == SETTINGS.get(name, {})
    assert plan.training.proximal == (PROXIMAL if name == "fedprox" else 0)
    assert least_updates(plan.strategy) <= NODES
    plain = {"strategy": PLAN_OF_ALL.strategy, "training": PLAN_OF_ALL.training}
    assert plan.model_copy(update=plain) == PLAN_OF_ALL
