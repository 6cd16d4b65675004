"""Runs on public pictures: what the sites are told to train on, round after round."""

from __future__ import annotations

import hashlib
from collections import Counter
from pathlib import Path
from typing import Any

from tests.master.federation import Federation, trained
from tests.master.test_plan_check import PLAN, batches_at, write_index

TRAINS = ((7, 3), (5, 6), (4, 4))


def federation_of(federation: Federation, sites: int) -> list[Any]:
    federation.study()
    return [federation.site(f"clinic-{number}", labelled=0) for number in range(sites)]


def test_batches_go_round_and_come_with_their_size(federation: Federation, tmp_path: Path) -> None:
    write_index(tmp_path / "skin", *TRAINS)
    children = federation_of(federation, 2)
    run = federation.run(**batches_at(tmp_path / "skin", rounds=3))
    for _ in range(3):
        for child in children:
            federation.deliver(child, trained(child, 1.0, num_examples=8))
    assert federation.get(f"/runs/{run}")["state"] == "completed"
    tasks = [task for child in children for task in child.tasks]
    used = Counter(task.batch.sha256 for task in tasks)
    # 2 sites and 3 rounds: each of the 3 batches twice.
    assert sorted(used.values()) == [2, 2, 2]
    sizes = {entry["sha256"]: entry["bytes"] for entry in kept(federation, run)["batches"]}
    assert {task.batch.sha256: task.batch.bytes for task in tasks} == sizes
    assert {task.index for task in tasks} == {None}


def test_an_update_may_not_claim_more_pictures_than_its_batch_has(
    federation: Federation, tmp_path: Path
) -> None:
    write_index(tmp_path / "skin", (7, 3))
    (child,) = federation_of(federation, 1)
    federation.run(**batches_at(tmp_path / "skin"))
    answer = federation.deliver(child, trained(child, 1.0, num_examples=11))
    assert answer.status_code == 422
    assert "10" in answer.get_json()["detail"]


def test_sites_beyond_the_batches_are_left_out_with_the_reason(
    federation: Federation, tmp_path: Path
) -> None:
    write_index(tmp_path / "skin", (7, 3), (2, 5))
    federation_of(federation, 3)
    run = federation.run(**batches_at(tmp_path / "skin"))
    (view,) = federation.rounds(run)
    assert len(view["tasks"]) == 2
    assert [node["reason"] for node in view["excluded"]] == ["no batch left for it"]


def test_random_sets_name_the_index_and_have_seeds_of_their_own(
    federation: Federation, tmp_path: Path
) -> None:
    data = write_index(tmp_path / "skin", *TRAINS)
    children = federation_of(federation, 2)
    random = {"kind": "random", "url": str(tmp_path / "skin"), "images": 12}
    run = federation.run(**(PLAN | {"data": random, "rounds": 2}))
    for child in children:
        federation.deliver(child, trained(child, 1.0, num_examples=12))
    tasks = [task for child in children for task in child.tasks]
    assert {task.index for task in tasks} == {hashlib.sha256(data).hexdigest()}
    assert {task.batch for task in tasks} == {None}
    assert len({task.seed for task in tasks}) == 4
    assert kept(federation, run)["index"] == tasks[0].index


def test_what_the_server_holds_later_does_not_change_a_run(
    federation: Federation, tmp_path: Path
) -> None:
    write_index(tmp_path / "skin", (7, 3))
    (child,) = federation_of(federation, 1)
    run = federation.run(**batches_at(tmp_path / "skin", rounds=2))
    first = child.tasks[-1].batch
    write_index(tmp_path / "skin", (1, 1), (2, 2), (3, 3), (4, 4))
    federation.deliver(child, trained(child, 1.0, num_examples=8))
    assert child.tasks[-1].round == 2
    assert child.tasks[-1].batch == first
    assert len(kept(federation, run)["batches"]) == 1


def kept(federation: Federation, run: str) -> Any:
    return federation.get(f"/runs/{run}/batches")
