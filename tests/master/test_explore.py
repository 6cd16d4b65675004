"""An explore run at the master: proposed, told, resumed, and nothing counted twice."""

from __future__ import annotations

import contextlib
import sqlite3
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from federated.plan import Plan
from master.coordinator import proposal_step
from master.search.proposals import proposals
from master.search.trials import Trial
from master.store.tables import AuditRow
from master.store.trials import of_run
from tests.master.federation import ChildInTest, Clock, Federation
from tests.master.test_evaluation_jobs import knowing, upload
from tests.master.test_plan_check import write_index
from tests.master.test_restart import restarted

SPACE = {"learning_rate": [1e-4, 1e-1], "batch_size": [8, 16, 32], "epochs": [1, 3]}

PLAN: dict[str, Any] = {
    "rounds": 2,
    "seed": 5,
    "privacy": {"min_examples": 5},
    "search": {"space": SPACE, "startup": 2},
    "strategy": {"name": "best_k", "settings": {"k": 1}},
}


@pytest.fixture
def sites(federation: Federation) -> list[ChildInTest]:
    federation.study()
    upload(federation, "audit", {"benign": 3, "malignant": 5})
    return [federation.site(f"clinic-{letter}") for letter in "abc"]


def deliver(federation: Federation, site: ChildInTest, sharpness: float, **facts: Any) -> None:
    told = site.tasks[-1].hyperparameters
    facts = {"hyperparameters": told.told if told else {}} | facts
    federation.deliver(site, knowing(site, sharpness, num_examples=7, **facts))


def search_of(federation: Federation, run: str) -> list[dict[str, Any]]:
    trials: list[dict[str, Any]] = federation.get(f"/runs/{run}/search")["trials"]
    return trials


def test_each_task_has_its_own_and_the_best_makes_the_next_model(
    federation: Federation, sites: list[ChildInTest]
) -> None:
    run = federation.run(**PLAN)
    given = [site.tasks[-1].hyperparameters for site in sites]
    assert None not in given
    assert given[0].told == {"learning_rate": 0.001, "batch_size": 32, "epochs": 1}
    assert len({one.model_dump_json() for one in given}) == 3
    for site, sharpness in zip(sites, (-9.0, 9.0, -5.0), strict=True):
        deliver(federation, site, sharpness)
    first = federation.rounds(run)[0]
    assert [update["share"] for update in first["updates"]] == [0.0, 1.0, 0.0]
    trials = search_of(federation, run)
    assert [(one["number"], one["round"], one["state"]) for one in trials] == [
        (1, 1, "complete"),
        (2, 1, "complete"),
        (3, 1, "complete"),
        (4, 2, "running"),
        (5, 2, "running"),
        (6, 2, "running"),
    ]
    assert [one["score"] for one in trials[:3]] == [0.0, 1.0, 0.0]
    assert [one["lead"] for one in trials[:3]] == [0.0, 1.0, 0.0]
    assert [one["parameters"] for one in trials[:3]] == [one.told for one in given]


def test_other_hyperparameters_than_the_tasks_are_refused_and_count_as_failed(
    federation: Federation, sites: list[ChildInTest]
) -> None:
    run = federation.run(**PLAN)
    own = sites[1].tasks[-1].hyperparameters.told
    blob = knowing(sites[1], 9.0, num_examples=7, hyperparameters=own | {"learning_rate": 0.5})
    answer = federation.deliver(sites[1], blob)
    assert answer.status_code == 422
    assert answer.get_json()["error"] == "wrong_hyperparameters"
    assert "learning_rate 0.5" in answer.get_json()["detail"]
    second = search_of(federation, run)[1]
    assert (second["state"], second["score"]) == ("failed", None)
    assert "other hyperparameters" in second["reason"]


def test_a_killed_master_goes_on_with_the_same_trials_and_counts_none_twice(
    federation: Federation, sites: list[ChildInTest]
) -> None:
    run = federation.run(**PLAN)
    deliver(federation, sites[0], 9.0)
    before = search_of(federation, run)
    again = restarted(federation)
    assert search_of(again, run) == before
    for site, sharpness in zip(sites[1:], (-9.0, 5.0), strict=True):
        deliver(again, site, sharpness)
    trials = search_of(again, run)
    assert [one["state"] for one in trials] == ["complete"] * 3 + ["running"] * 3
    assert [one["parameters"] for one in trials[:3]] == [one["parameters"] for one in before]


def test_a_fresh_state_proposes_the_same(
    federation: Federation, sites: list[ChildInTest], tmp_path: Path
) -> None:
    run = federation.run(**PLAN)
    other = Federation(tmp_path / "other", Clock())
    other.study()
    upload(other, "audit", {"benign": 3, "malignant": 5})
    for letter in "abc":
        other.site(f"clinic-{letter}")
    twin = other.run(**PLAN)
    found = [
        [(one["node_name"], one["parameters"]) for one in search_of(here, name)]
        for here, name in ((federation, run), (other, twin))
    ]
    assert found[0] == found[1]


def test_a_batch_that_another_site_takes_over_keeps_its_hyperparameters(
    federation: Federation, tmp_path: Path
) -> None:
    federation.study()
    upload(federation, "audit", {"benign": 3, "malignant": 5})
    write_index(tmp_path / "batches", (7, 3), (5, 6))
    sites = [federation.site(f"clinic-{letter}", labelled=0) for letter in "abc"]
    data = {"kind": "batches", "url": str(tmp_path / "batches")}
    run = federation.run(**PLAN | {"data": data})
    at_work = [site for site in sites if site.tasks]
    spare = next(site for site in sites if not site.tasks)
    lost = at_work[0].tasks[-1]
    federation.give_up(at_work[0])
    taken = spare.tasks[-1]
    assert (taken.batch, taken.hyperparameters) == (lost.batch, lost.hyperparameters)
    assert [one["state"] for one in search_of(federation, run)].count("failed") == 1


def test_updates_of_one_search_may_differ_as_none_else_may(
    federation: Federation, sites: list[ChildInTest]
) -> None:
    sites += [federation.site(f"clinic-{letter}") for letter in "de"]
    run = federation.run(**PLAN | {"rounds": 1})
    for site, sharpness in zip(sites, (9.0, 8.0, 7.5, -7.0, 9000.0), strict=True):
        deliver(federation, site, sharpness)
    (round_,) = federation.rounds(run)
    assert [update["status"] for update in round_["updates"]] == ["accepted"] * 5
    reasons = " ".join(round_["updates"][4]["audit"]["unchecked"])
    assert "hyperparameters of its own" in reasons
    assert [one["state"] for one in search_of(federation, run)] == ["complete"] * 5


def test_proposals_are_worked_out_while_others_can_write(
    federation: Federation, sites: list[ChildInTest], monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = []

    def watched(plan: Plan, number: int, trials: Sequence[Trial], count: int) -> Any:
        asked.append(number)
        other = sqlite3.connect(federation.services.state.database, timeout=0)
        with contextlib.closing(other):
            other.execute("BEGIN IMMEDIATE")
        return proposals(plan, number, trials, count)

    monkeypatch.setattr(proposal_step, "proposals", watched)
    run = federation.run(**PLAN)
    assert asked == [1]
    federation.give_up(sites[0])
    assert [one["state"] for one in search_of(federation, run)].count("running") == 2


def test_one_site_alone_is_judged_by_what_its_round_began_with(federation: Federation) -> None:
    federation.study()
    upload(federation, "audit", {"benign": 3, "malignant": 5})
    site = federation.site("clinic-a")
    run = federation.run(**PLAN | {"quorum": 1})
    for sharpness in (9.0, -9.0):
        deliver(federation, site, sharpness)
    found = search_of(federation, run)
    with federation.services.database.read() as session:
        starts = [trial.start for trial in of_run(session, run)]
    assert None not in starts
    assert [one["lead"] for one in found] == [
        one["score"] - start for one, start in zip(found, starts, strict=True)
    ]
    assert len({one["lead"] for one in found}) == 2


def test_what_was_proposed_for_other_trials_is_not_used(
    federation: Federation, sites: list[ChildInTest], monkeypatch: pytest.MonkeyPatch
) -> None:
    run = federation.run(**PLAN)
    known: list[list[float | None]] = []

    def overtaken(plan: Plan, number: int, trials: Sequence[Trial], count: int) -> Any:
        known.append([trial.score for trial in trials])
        if len(known) == 1:
            with federation.services.database.write() as session:
                row = session.scalars(select(AuditRow).order_by(AuditRow.id)).first()
                row.measured = {**row.measured, "accuracy": 0.625}
        return proposals(plan, number, trials, count)

    monkeypatch.setattr(proposal_step, "proposals", overtaken)
    for site, sharpness in zip(sites, (-9.0, 9.0, -5.0), strict=True):
        deliver(federation, site, sharpness)
    assert known == [[0.0, 1.0, 0.0], [0.625, 1.0, 0.0]]
    with federation.services.database.read() as session:
        seen = of_run(session, run)
    wanted = proposals(Plan.model_validate(PLAN), 2, seen[:3], 3)
    assert [trial.parameters for trial in seen[3:]] == list(wanted)


@pytest.mark.parametrize(
    ("plan", "said"),
    [
        ({"strategy": {"name": "fedbuff"}}, "cannot be asynchronous"),
        ({"model": {"name": "own_none"}}, "no such model"),
        ({"search": {"space": {"dropout": [0.0, 0.95]}}}, "from 0 to 0.9"),
    ],
)
def test_what_cannot_be_searched_is_refused(
    federation: Federation, sites: list[ChildInTest], plan: dict[str, Any], said: str
) -> None:
    answer = federation.call("POST", "/runs", json={"study": "skin", "plan": PLAN | plan})
    assert answer.status_code == 422
    assert said in answer.get_json()["detail"]


def test_without_audit_pictures_or_a_search_there_is_nothing_to_see(
    federation: Federation,
) -> None:
    federation.study()
    site = federation.site("clinic-a")
    refused = federation.call("POST", "/runs", json={"study": "skin", "plan": PLAN})
    assert "search for hyperparameters" in refused.get_json()["detail"]
    run = federation.run(rounds=1, privacy={"min_examples": 5})
    assert site.tasks[-1].hyperparameters is None
    assert federation.call("GET", f"/runs/{run}/search").status_code == 404
