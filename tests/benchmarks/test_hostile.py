"""The cells of the table over strategies and attacks, and what is told of them."""

import pytest

from benchmarks.hostile import (
    ALWAYS_REFUSED,
    GOAL,
    HOSTILE,
    LENIENT,
    NODES,
    SEEDS,
    STRATEGIES,
    Cell,
    _accuracies,
    _cells,
    _plan,
    _study,
    _verdicts,
)
from benchmarks.hostile_sites.federation import Outcome
from benchmarks.hostile_sites.site import KINDS
from federated.plan import AuditPolicy
from federated.strategies import least_updates


def test_every_attack_meets_every_strategy_with_the_audit_and_else_unless_always_refused():
    cells = list(_cells())
    assert len(set(cells)) == len(cells)
    with_audit = {(one.strategy, one.attack) for one in cells if one.audited}
    assert with_audit == {(name, kind) for name in STRATEGIES for kind in (None, *KINDS)}
    without = {one.attack for one in cells if not one.audited}
    assert without == set(KINDS) - set(ALWAYS_REFUSED)
    assert min(SEEDS) >= 100
    # What another run of the study has sent already is a copy, and honest nodes of one seed
    # send the same.
    assert len({(_study(one), one.seed) for one in cells}) == len(cells)


@pytest.mark.parametrize("strategy", STRATEGIES)
def test_thresholds_are_the_defaults_and_a_strategy_can_do_with_the_honest_alone(strategy):
    audited, lenient = (_plan(Cell(strategy, "scaled", told, 1), 2) for told in (True, False))
    assert audited.audit == AuditPolicy()
    assert lenient.audit == AuditPolicy().model_copy(update=dict(LENIENT))
    assert least_updates(audited.strategy) <= NODES - HOSTILE
    assert not audited.publish


FOUND = {
    Cell("median", None, True, 101): Outcome({"accuracy": 0.75}, 0, 0, 1, 42),
    Cell("median", "scaled", True, 101): Outcome({"accuracy": 0.75 - GOAL + 0.01}, 14, 15, 0, 42),
    Cell("median", "scaled", False, 101): Outcome({"accuracy": 0.5}, 0, 15, 0, 42),
    Cell("median", "zero", True, 101): Outcome({"accuracy": 0.75}, 15, 15, 2, 42),
}


def test_accuracies_stand_beside_the_run_without_hostile_nodes_and_misses_are_marked():
    audit, none = (" ".join(line.split()) for line in _accuracies(FOUND).splitlines()[2:])
    assert audit == "median audit 0.750 0.730 (-0.020) 0.750 (+0.000)"
    assert none == "median none 0.500 (-0.250) ! refused"


def test_verdicts_are_counted_by_attack():
    lines = [" ".join(line.split()) for line in _verdicts(FOUND).splitlines()]
    assert "none hostile audit 0 of 0 1 of 42" in lines
    assert "scaled audit 14 of 15 0 of 42" in lines
    assert "scaled none 0 of 15 0 of 42" in lines
