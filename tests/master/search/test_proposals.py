"""What is proposed: within the space, by seed, and from the trials alone."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace
from typing import Any

import pytest

from federated.plan import Plan
from federated.search import Hyperparameters, TrialState, in_space
from master.plans import ready_made_plans
from master.search.proposals import plan_settings, proposals
from master.search.trials import Trial, leads
from master.settings import READY_MADE_PLANS

SPACE = {
    "learning_rate": [1e-4, 1e-1],
    "batch_size": [8, 16, 32],
    "dropout": [0.1, 0.6],
    "augmentation": {"none": {}, "flips": {"horizontal_flip": True}},
}


def plan(seed: int = 7, **search: Any) -> Plan:
    return Plan.model_validate({"seed": seed, "search": {"space": SPACE} | search})


def trial(number: int, rate: float, score: float | None) -> Trial:
    own = Hyperparameters(learning_rate=rate, batch_size=16, dropout=0.3, augmentation="none")
    return Trial(number, own, TrialState.FAILED if score is None else TrialState.COMPLETE, score)


def test_a_trial_is_judged_beside_those_that_began_alike() -> None:
    trials = [
        trial(1, 0.01, 0.5),
        trial(1, 0.02, 0.75),
        trial(1, 0.03, 0.625),
        trial(2, 0.01, None),
        trial(2, 0.01, 0.875),
    ]
    assert leads(trials) == [-0.125, 0.125, 0.0, None, 0.125]


def test_a_score_alone_in_its_round_is_judged_by_what_the_round_began_with() -> None:
    alone = [trial(1, 0.01, 0.5), trial(2, 0.02, 0.75), trial(3, 0.03, 0.625)]
    # Nothing came before the first, and the best before the third is the second.
    assert leads(alone) == [0.0, 0.25, -0.125]
    begun = [
        replace(one, start=start) for one, start in zip(alone, (0.25, 0.875, None), strict=True)
    ]
    assert leads(begun) == [0.25, -0.125, -0.125]
    # Two of a round are compared with each other.
    two = [replace(one, round=1, start=0.125) for one in alone[:2]]
    assert leads(two) == [-0.125, 0.125]


def test_a_search_with_one_site_learns() -> None:
    rates = [10 ** (-4 + step / 5) for step in range(16)]
    scores = [0.9 if rate > 0.02 else 0.5 for rate in rates]
    known = [
        replace(trial(number, rate, score), start=0.5)
        for number, (rate, score) in enumerate(zip(rates, scores, strict=True), 1)
    ]
    found = proposals(plan(startup=4), 17, known, 10)
    random = proposals(plan(sampler="random"), 17, known, 10)
    assert sum(one.learning_rate > 0.01 for one in found) > sum(
        one.learning_rate > 0.01 for one in random
    )


def test_the_first_trial_has_the_plans_settings_and_the_others_differ() -> None:
    found = proposals(plan(), 1, (), 5)
    assert found[0] == Hyperparameters(
        learning_rate=0.001, batch_size=32, dropout=0.3, augmentation="none"
    )
    assert len({one.model_dump_json() for one in found}) == 5
    assert all(in_space(plan().search.space, one.told) for one in found)


def test_settings_outside_the_space_are_no_trial() -> None:
    beside = plan(space=SPACE | {"batch_size": [8, 16]})
    assert plan_settings(beside) is None
    assert plan_settings(plan(begin_with_plan=False)) is None


def test_the_same_trials_give_the_same_proposals_and_another_seed_others() -> None:
    known = [trial(1, rate, rate) for rate in (0.001, 0.004, 0.02, 0.05)]
    again = proposals(plan(startup=3), 2, known, 3)
    assert proposals(plan(startup=3), 2, known, 3) == again
    assert proposals(plan(seed=8, startup=3), 2, known, 3) != again
    # One more is asked for in the same round, when a site has fallen out.
    more = proposals(plan(startup=3), 2, [*known, *(Trial(2, one) for one in again)], 1)
    assert more[0] not in again


def test_what_did_well_is_tried_again_nearby() -> None:
    rates = [10 ** (-4 + step / 5) for step in range(16)]
    known = [trial(1, rate, 0.9 if rate > 0.02 else 0.5) for rate in rates]
    found = proposals(plan(startup=4), 2, known, 10)
    random = proposals(plan(sampler="random"), 2, known, 10)
    assert sum(one.learning_rate > 0.01 for one in found) > sum(
        one.learning_rate > 0.01 for one in random
    )


def test_a_plan_without_a_search_has_no_proposals() -> None:
    with pytest.raises(ValueError, match="does not search"):
        proposals(Plan(), 1, (), 1)


def test_a_master_that_searches_nothing_imports_no_optuna() -> None:
    code = (
        "import sys, master.server, master.coordinator.proposal_step, engines.simulation.rounds\n"
        "sys.exit('optuna' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_a_preset_that_promises_to_begin_with_its_own_settings_does() -> None:
    presets = {name: view.plan for name, view in ready_made_plans(READY_MADE_PLANS).items()}
    promised = {name for name, own in presets.items() if own.search and own.search.begin_with_plan}
    assert promised >= {"explore", "lesion-batches-explore"}
    assert not {name for name in promised if plan_settings(presets[name]) is None}
