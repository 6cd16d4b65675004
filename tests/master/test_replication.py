"""Public work that is done twice, and what follows where the two answers differ."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import load

from federated.messages import Task
from master.garbage_collection import collect_garbage
from master.store.tables import UpdateRow
from tests.master.federation import ChildInTest, Clock, Federation, update_of
from tests.master.test_audits import standings, updates
from tests.master.test_plan_check import write_index

# 10, 11, 8 and 9 pictures to train on.
BATCHES = ((7, 3), (5, 6), (4, 4), (2, 7))


@pytest.fixture
def plan(tmp_path: Path) -> dict:
    write_index(tmp_path / "batches", *BATCHES)
    data = {"kind": "batches", "url": str(tmp_path / "batches")}
    return {"rounds": 1, "training": {"epochs": 1}, "data": data, "audit": {"replicated": 1.0}}


def sites(federation: Federation, names: str) -> dict[str, ChildInTest]:
    federation.study()
    return {name: federation.site(name, labelled=0) for name in names}


def answer(federation: Federation, child: ChildInTest, task: Task, lie: float = 0.0) -> None:
    """What training on the task's batch gives: the same at whichever site; `lie` is added."""
    assert task.batch is not None
    rng = np.random.default_rng(int(task.batch.sha256[:8], 16))
    weights = {
        name: array + rng.normal(1, 0.2, array.shape).astype(np.float32) + np.float32(lie)
        for name, array in sorted(load(child.blobs[task.weights]).items())
    }
    body = update_of(task, weights, num_examples=5)
    answered = federation.deliver(child, body, task.id)
    assert answered.status_code == 200, answer


def replica(child: ChildInTest) -> Task:
    """The one task of a child that repeats another's work, until it is answered."""
    return next(task for task in reversed(child.tasks) if "again" in task.id)


def first(child: ChildInTest) -> Task:
    return next(task for task in child.tasks if "again" not in task.id)


def holder(children: dict[str, ChildInTest], of: str, beside: tuple[str, ...] = ()) -> str:
    """Which site does the work of `of` as well."""
    batch = first(children[of]).batch
    return next(
        name
        for name, child in children.items()
        if name not in (of, *beside)
        and any(task.batch == batch and "again" in task.id for task in child.tasks)
    )


def task_of(children: dict[str, ChildInTest], of: str, at: str) -> Task:
    batch = first(children[of]).batch
    return next(t for t in children[at].tasks if t.batch == batch and "again" in t.id)


def test_the_same_batch_and_seed_go_to_a_second_site_and_no_round_waits_for_it(
    federation: Federation, plan: dict
) -> None:
    children = sites(federation, "abc")
    run = federation.run(**plan)
    other = holder(children, "a")
    mine, again = first(children["a"]), task_of(children, "a", other)
    assert (again.batch, again.seed, again.weights) == (mine.batch, mine.seed, mine.weights)
    assert again.kind == "train"
    assert len(federation.get(f"/runs/{run}/rounds/1")["tasks"]) == 3
    for child in children.values():
        answer(federation, child, first(child))
    view = federation.get(f"/runs/{run}/rounds/1")
    assert (view["state"], len(view["updates"])) == ("closed", 3)
    assert federation.get(f"/runs/{run}")["state"] == "completed"
    # What is still under way is called off with the run.
    assert federation.beat(children[other], labelled=0, tasks=(again.id,))["cancelled"] == [
        again.id
    ]


def test_answers_that_agree_are_told_of(federation: Federation, plan: dict) -> None:
    children = sites(federation, "abc")
    run = federation.run(**plan)
    other = holder(children, "a")
    answer(federation, children["a"], first(children["a"]))
    answer(federation, children[other], task_of(children, "a", other), lie=0.01)
    reasons = updates(federation, run)["a"]["audit"]["reasons"]
    assert reasons[-1] == f"{other} did the same work and came to the same."
    assert {word for word, _ in standings(federation).values()} == {"checked"}


def test_what_was_only_compared_is_not_kept_when_its_round_is_old(
    federation: Federation, clock: Clock, plan: dict
) -> None:
    children = sites(federation, "abc")
    run = federation.run(**plan | {"rounds": 2})
    tasks = [first(child) for child in children.values()]
    other = holder(children, "a")
    again = task_of(children, "a", other)
    answer(federation, children[other], again, lie=0.01)
    for child, task in zip(children.values(), tasks, strict=True):
        answer(federation, child, task)
    assert federation.last_round(run)["number"] == 2
    services = federation.services
    with services.database.read() as session:
        compared = session.get_one(UpdateRow, again.id).sha256
    assert compared in services.blobs.names()
    collect_garbage(services.database, services.blobs, keep_rounds=1, now=clock())
    assert compared not in services.blobs.names()


@pytest.mark.parametrize("liar", ["first", "second"])
def test_where_two_differ_a_third_site_decides(
    federation: Federation, plan: dict, liar: str
) -> None:
    children = sites(federation, "abcd")
    run = federation.run(**plan, quorum=2)
    second = holder(children, "a")
    answer(federation, children["a"], first(children["a"]), lie=3.0 if liar == "first" else 0)
    lie = 3.0 if liar == "second" else 0
    answer(federation, children[second], task_of(children, "a", second), lie=lie)
    third = holder(children, "a", beside=(second,))
    answer(federation, children[third], task_of(children, "a", third))
    wrong = "a" if liar == "first" else second
    words = {name: word for name, (word, _) in standings(federation).items()}
    assert words == dict.fromkeys("abcd", "checked") | {wrong: "watched"}
    status = updates(federation, run)["a"]["status"]
    assert status == ("rejected" if liar == "first" else "accepted")


def test_where_nobody_can_decide_both_are_watched_and_the_update_counts(
    federation: Federation, plan: dict
) -> None:
    children = sites(federation, "ab")
    run = federation.run(**plan)
    answer(federation, children["a"], first(children["a"]))
    answer(federation, children["b"], task_of(children, "a", "b"), lie=3.0)
    assert {word for word, _ in standings(federation).values()} == {"watched"}
    view = updates(federation, run)["a"]
    assert view["status"] == "accepted"
    assert "nobody could say who is right" in view["audit"]["reasons"][-1]


def test_a_site_that_falls_silent_over_a_replica_holds_up_nothing(
    federation: Federation, clock: Clock, plan: dict
) -> None:
    children = sites(federation, "abc")
    run = federation.run(**plan, deadline_seconds=600)
    other = holder(children, "a")
    again = task_of(children, "a", other)
    for seconds in (55, 10):
        clock.tick(seconds)
        for child in children.values():
            federation.beat(child, labelled=0, tasks=(first(child).id,))
    federation.settle()
    assert federation.beat(children[other], labelled=0, tasks=(again.id,))["cancelled"] == [
        again.id
    ]
    assert federation.get(f"/runs/{run}/rounds/1")["state"] == "open"


def test_own_pictures_are_never_done_twice(federation: Federation) -> None:
    federation.study()
    a, b = federation.site("a"), federation.site("b")
    federation.run(rounds=1, audit={"replicated": 1.0}, privacy={"min_examples": 5})
    assert [len(child.tasks) for child in (a, b)] == [1, 1]
