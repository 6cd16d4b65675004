"""Public work that is done twice, and what follows where the two answers differ."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import load
from sqlalchemy import select

from federated.messages import Task
from federated.states import NodeState
from master.coordinator.replication_step import partners
from master.garbage_collection import collect_garbage
from master.store.nodes import Site
from master.store.tables import SketchRow, TaskRow, UpdateRow
from master.store.tasks import REPLICA
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


def repeats(federation: Federation) -> set[str]:
    """The tasks that repeat another's work: only the tables tell."""
    with federation.services.database.read() as session:
        return set(session.scalars(select(TaskRow.id).where(TaskRow.kind == REPLICA)))


def first(federation: Federation, child: ChildInTest) -> Task:
    known = repeats(federation)
    return next(task for task in child.tasks if task.id not in known)


def holder(
    federation: Federation,
    children: dict[str, ChildInTest],
    of: str,
    beside: tuple[str, ...] = (),
) -> str:
    """Which site does the work of `of` as well."""
    batch, known = first(federation, children[of]).batch, repeats(federation)
    return next(
        name
        for name, child in children.items()
        if name not in (of, *beside)
        and any(task.batch == batch and task.id in known for task in child.tasks)
    )


def task_of(federation: Federation, children: dict[str, ChildInTest], of: str, at: str) -> Task:
    batch, known = first(federation, children[of]).batch, repeats(federation)
    return next(t for t in children[at].tasks if t.batch == batch and t.id in known)


def test_the_same_batch_and_seed_go_to_a_second_site_and_no_round_waits_for_it(
    federation: Federation, plan: dict
) -> None:
    children = sites(federation, "abc")
    run = federation.run(**plan)
    other = holder(federation, children, "a")
    mine, again = first(federation, children["a"]), task_of(federation, children, "a", other)
    assert (again.batch, again.seed, again.weights) == (mine.batch, mine.seed, mine.weights)
    assert again.kind == "train"
    assert len(federation.get(f"/runs/{run}/rounds/1")["tasks"]) == 3
    for child in children.values():
        answer(federation, child, first(federation, child))
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
    other = holder(federation, children, "a")
    answer(federation, children["a"], first(federation, children["a"]))
    answer(federation, children[other], task_of(federation, children, "a", other), lie=0.01)
    reasons = updates(federation, run)["a"]["audit"]["reasons"]
    assert reasons[-1] == f"{other} did the same work and came to the same."
    assert {word for word, _ in standings(federation).values()} == {"checked"}


def test_what_was_only_compared_is_not_kept_when_its_round_is_old(
    federation: Federation, clock: Clock, plan: dict
) -> None:
    children = sites(federation, "abc")
    run = federation.run(**plan | {"rounds": 2})
    tasks = [first(federation, child) for child in children.values()]
    other = holder(federation, children, "a")
    again = task_of(federation, children, "a", other)
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
    assert all(projections(federation))


@pytest.mark.parametrize("liar", ["first", "second"])
def test_where_two_differ_a_third_site_decides(
    federation: Federation, clock: Clock, plan: dict, liar: str
) -> None:
    children = sites(federation, "abcd")
    run = federation.run(**plan, quorum=2)
    second = holder(federation, children, "a")
    clock.tick(1)
    answer(
        federation,
        children["a"],
        first(federation, children["a"]),
        lie=3.0 if liar == "first" else 0,
    )
    lie = 3.0 if liar == "second" else 0
    answer(federation, children[second], task_of(federation, children, "a", second), lie=lie)
    third = holder(federation, children, "a", beside=(second,))
    answer(federation, children[third], task_of(federation, children, "a", third))
    wrong = "a" if liar == "first" else second
    words = {name: word for name, (word, _) in standings(federation).items()}
    assert words == dict.fromkeys("abcd", "checked") | {wrong: "watched"}
    status = updates(federation, run)["a"]["status"]
    assert status == ("rejected" if liar == "first" else "accepted")


def test_where_nobody_can_decide_it_is_noted_and_nobody_is_watched_for_it(
    federation: Federation, plan: dict
) -> None:
    children = sites(federation, "ab")
    run = federation.run(**plan)
    answer(federation, children["a"], first(federation, children["a"]))
    answer(federation, children["b"], task_of(federation, children, "a", "b"), lie=3.0)
    assert {word for word, _ in standings(federation).values()} == {"checked"}
    view = updates(federation, run)["a"]
    assert view["status"] == "accepted"
    assert "nobody could say who is right" in view["audit"]["reasons"][-1]


def test_where_all_three_differ_both_are_watched(
    federation: Federation, clock: Clock, plan: dict
) -> None:
    children = sites(federation, "abc")
    federation.run(**plan)
    second = holder(federation, children, "a")
    clock.tick(1)
    answer(federation, children["a"], first(federation, children["a"]))
    answer(federation, children[second], task_of(federation, children, "a", second), lie=3.0)
    third = holder(federation, children, "a", beside=(second,))
    answer(federation, children[third], task_of(federation, children, "a", third), lie=-4.0)
    words = {name: word for name, (word, _) in standings(federation).items()}
    assert words == dict.fromkeys("abc", "watched") | {third: "checked"}


def disputed(
    federation: Federation, children: dict[str, ChildInTest], plan: dict
) -> tuple[str, str, str, str]:
    """A run in which a and a second of four sites differ on a's work, and a third is asked.

    Returns:
        The run, the second, the third, and the fourth, who has not been asked.
    """
    run = federation.run(**plan, deadline_seconds=600)
    second = holder(federation, children, "a")
    answer(federation, children["a"], first(federation, children["a"]))
    answer(federation, children[second], task_of(federation, children, "a", second), lie=3.0)
    third = holder(federation, children, "a", beside=(second,))
    (fourth,) = set(children) - {"a", second, third}
    return run, second, third, fourth


def test_where_a_third_falls_silent_another_is_asked_and_then_it_is_settled(
    federation: Federation, clock: Clock, plan: dict
) -> None:
    children = sites(federation, "abcd")
    run, second, third, fourth = disputed(federation, children, plan)
    assert "did the same work" not in " ".join(updates(federation, run)["a"]["audit"]["reasons"])
    fall_silent(federation, clock, children)
    assert holder(federation, children, "a", beside=(second, third)) == fourth
    fall_silent(federation, clock, children)
    assert "nobody could say" in updates(federation, run)["a"]["audit"]["reasons"][-1]
    assert federation.get(f"/runs/{run}/rounds/1")["state"] == "open"


def test_where_a_third_fails_another_is_asked_and_then_it_is_settled(
    federation: Federation, plan: dict
) -> None:
    children = sites(federation, "abcd")
    run, second, third, fourth = disputed(federation, children, plan)
    fail(federation, children[third], task_of(federation, children, "a", third))
    assert holder(federation, children, "a", beside=(second, third)) == fourth
    fail(federation, children[fourth], task_of(federation, children, "a", fourth))
    reasons = updates(federation, run)["a"]["audit"]["reasons"]
    assert "nobody could say" in reasons[-1]
    federation.settle()
    assert updates(federation, run)["a"]["audit"]["reasons"] == reasons


def fail(federation: Federation, child: ChildInTest, task: Task) -> None:
    failure = {"code": "no_room", "detail": "The disk is full."}
    answered = federation.call("POST", f"/tasks/{task.id}/failure", json=failure, token=child.token)
    assert answered.status_code == 200, answered.get_json()
    federation.settle()


def fall_silent(federation: Federation, clock: Clock, children: dict[str, ChildInTest]) -> None:
    """All sites speak of their own work alone, until the leases of the rest have run out."""
    for seconds in (55, 10):
        clock.tick(seconds)
        for child in children.values():
            federation.beat(child, labelled=0, tasks=(first(federation, child).id,))
    federation.settle()


def test_nothing_is_asked_of_anybody_for_a_run_that_is_over(
    federation: Federation, clock: Clock, plan: dict
) -> None:
    children = sites(federation, "abc")
    run = federation.run(**plan)
    second = holder(federation, children, "a")
    again = task_of(federation, children, "a", second)
    federation.queues.held = (f"audit/{again.id}",)
    answer(federation, children[second], again, lie=3.0)
    for child in children.values():
        answer(federation, child, first(federation, child))
    assert federation.get(f"/runs/{run}")["state"] == "completed"
    before = repeats(federation)
    federation.queues.release()
    federation.settle()
    assert repeats(federation) == before
    assert federation.get(f"/runs/{run}")["state"] == "completed"
    # What was only to be compared within the run goes with it.
    services = federation.services
    collect_garbage(services.database, services.blobs, keep_rounds=1, now=clock())
    assert set(projections(federation)) == {b""}


def projections(federation: Federation) -> list[bytes]:
    """What is kept of the updates for comparisons."""
    with federation.services.database.read() as session:
        return list(session.scalars(select(SketchRow.projection)))


def test_neither_its_id_nor_the_plan_tells_a_node_that_it_repeats_another(
    federation: Federation, plan: dict
) -> None:
    children = sites(federation, "abc")
    run = federation.run(**plan)
    for child in children.values():
        own = f"{run}-1-{child.id}"
        names = [own, *(f"{own}-{n}" for n in range(2, len(child.tasks) + 1))]
        assert [task.id for task in child.tasks] == names
    some = [Site(f"n{name}", name, NodeState.ACTIVE, None, True) for name in "abcdefgh"]
    orders = {
        tuple(site.name for site in partners(some, f"secret {n}", 1, "batch/x")) for n in range(9)
    }
    assert len(orders) == 9


def test_a_site_that_falls_silent_over_a_replica_holds_up_nothing(
    federation: Federation, clock: Clock, plan: dict
) -> None:
    children = sites(federation, "abc")
    run = federation.run(**plan, deadline_seconds=600)
    other = holder(federation, children, "a")
    again = task_of(federation, children, "a", other)
    fall_silent(federation, clock, children)
    assert federation.beat(children[other], labelled=0, tasks=(again.id,))["cancelled"] == [
        again.id
    ]
    assert federation.get(f"/runs/{run}/rounds/1")["state"] == "open"


def test_own_pictures_are_never_done_twice(federation: Federation) -> None:
    federation.study()
    a, b = federation.site("a"), federation.site("b")
    federation.run(rounds=1, audit={"replicated": 1.0}, privacy={"min_examples": 5})
    assert [len(child.tasks) for child in (a, b)] == [1, 1]
