"""Asynchronous runs, stepped by hand: updates count as they come, however old their base."""

from __future__ import annotations

import csv
import io
from pathlib import Path

import numpy as np
import pytest

from master.audit import sketch
from tests.master.federation import ChildInTest, Clock, Federation, base_of, trained
from tests.master.test_evaluation_jobs import upload
from tests.master.test_plan_check import write_index

PLAN = {"rounds": 3, "privacy": {"min_examples": 5}, "training": {"epochs": 1}}


def fedbuff(buffer: int, **settings: object) -> dict:
    chosen = {"buffer": buffer, "staleness": "polynomial", "a": 1.0} | settings
    return {"strategy": {"name": "fedbuff", "settings": chosen}}


def fedasync(**settings: object) -> dict:
    chosen = {"alpha": 0.5, "staleness": "polynomial", "a": 1.0} | settings
    return {"strategy": {"name": "fedasync", "settings": chosen}}


def sites(federation: Federation, names: str) -> list[ChildInTest]:
    federation.study()
    return [federation.site(f"clinic-{name}") for name in names]


def under_way(federation: Federation, run: str) -> list[tuple[str, int, str]]:
    tasks = federation.get(f"/runs/{run}")["tasks"]
    return [(task["node_name"], task["base_round"], task["state"]) for task in tasks]


def deliver(federation: Federation, child: ChildInTest, shift: float, task: int = -1) -> str:
    """The update of one of a child's tasks: every weight moved by `shift`."""
    chosen = child.tasks[task]
    answer = federation.deliver(
        child, trained(with_last(child, chosen), shift, num_examples=8), chosen.id
    )
    assert answer.status_code == 200, answer.get_json()
    return str(answer.get_json()["state"])


def with_last(child: ChildInTest, task: object) -> ChildInTest:
    return ChildInTest(child.name, child.id, child.token, child.blobs, child.pushes, [task])


def weights_after(federation: Federation, run: str, number: int) -> dict[str, np.ndarray]:
    view = federation.get(f"/runs/{run}/rounds/{number}")
    return federation.weights(view["weights_after"])


def test_each_update_makes_a_version_mixed_by_its_staleness(federation: Federation) -> None:
    a, b = sites(federation, "ab")
    run = federation.run(**PLAN, **fedasync())
    start = base_of(a)
    deliver(federation, a, 8.0)
    # a goes on from version 1 at once; b still works on version 0.
    assert under_way(federation, run) == [("clinic-a", 1, "leased"), ("clinic-b", 0, "leased")]
    deliver(federation, b, 4.0)
    deliver(federation, a, 2.0)
    first, second, third = (weights_after(federation, run, number) for number in (1, 2, 3))
    for name, array in start.items():
        # Half of the update that is not stale: w + 4.
        np.testing.assert_allclose(first[name], array + 4, rtol=1e-5)
        # One version behind: a quarter of w + 4, with three quarters of w + 4.
        np.testing.assert_allclose(second[name], array + 4, rtol=1e-5)
        # a began from version 1, w + 4, moved by 2, and is one version behind, too.
        np.testing.assert_allclose(third[name], array + 0.75 * 4 + 0.25 * 6, rtol=1e-5)
    views = federation.rounds(run)
    assert [view["updates"][0]["staleness"] for view in views] == [0, 1, 1]
    assert [view["updates"][0]["base_round"] for view in views] == [0, 0, 1]
    assert [view["updates"][0]["share"] for view in views] == [0.5, 0.25, 0.25]
    assert [view["target"] for view in views] == [1, 1, 1]
    assert federation.get(f"/runs/{run}")["state"] == "completed"
    assert federation.get("/studies/skin")["current"]["weights"] == views[-1]["weights_after"]


def test_a_buffer_of_updates_makes_one_step_from_what_each_began_from(
    federation: Federation,
) -> None:
    a, b, c = sites(federation, "abc")
    run = federation.run(**PLAN, **fedbuff(2))
    start = base_of(a)
    deliver(federation, a, 2.0)
    assert federation.rounds(run)[0]["state"] == "open"
    # At most one update a node and version: a has nothing to do until there is a new one.
    assert len(a.tasks) == 1
    deliver(federation, b, 4.0)
    for name, array in start.items():
        np.testing.assert_allclose(weights_after(federation, run, 1)[name], array + 3, rtol=1e-5)
    assert under_way(federation, run) == [
        ("clinic-a", 1, "leased"),
        ("clinic-b", 1, "leased"),
        ("clinic-c", 0, "leased"),
    ]
    deliver(federation, c, 8.0)
    deliver(federation, b, 6.0)
    second = federation.rounds(run)[1]
    # c moved by 8 from version 0, one version behind: half; b by 6 from the newest: whole.
    for name, array in start.items():
        moved = array + 3 + (0.5 * 8 + 6) / 2
        np.testing.assert_allclose(weights_after(federation, run, 2)[name], moved, rtol=1e-5)
    found = {u["node_name"]: (u["staleness"], u["share"]) for u in second["updates"]}
    assert found == {"clinic-b": (0, pytest.approx(2 / 3)), "clinic-c": (1, pytest.approx(1 / 3))}


def test_updates_are_counted_in_the_order_in_which_they_were_accepted(
    federation: Federation, monkeypatch: pytest.MonkeyPatch
) -> None:
    a, b, c = sites(federation, "abc")
    run = federation.run(**PLAN, **fedbuff(2))
    federation.queues.held = ("audit/",)
    for child in (c, a, b):
        deliver(federation, child, 2.0)
    federation.queues.release()
    federation.settle()
    views = federation.rounds(run)
    assert {update["node_name"] for update in views[0]["updates"]} == {"clinic-a", "clinic-c"}
    # The one too many waits in the next round, and is one version behind by then.
    waiting = [(u["node_name"], u["status"], u["staleness"]) for u in views[1]["updates"]]
    assert waiting == [("clinic-b", "accepted", None)]
    deliver(federation, a, 2.0)
    second = federation.rounds(run)[1]
    assert second["state"] == "closed"
    found = {update["node_name"]: update["staleness"] for update in second["updates"]}
    assert found == {"clinic-a": 0, "clinic-b": 1}
    assert [task["round"] for task in second["tasks"]] == [2, 2]


def test_two_updates_of_one_node_in_a_version_have_their_own_shares(
    federation: Federation,
) -> None:
    a, b, c = sites(federation, "abc")
    run = federation.run(**PLAN, **fedbuff(2))
    federation.queues.held = ("audit/",)
    for child in (b, c, a):
        deliver(federation, child, 2.0)
    federation.queues.release()
    federation.settle()
    deliver(federation, a, 4.0)
    second = federation.rounds(run)[1]
    shares = [(u["node_name"], u["staleness"], u["share"]) for u in second["updates"]]
    third = pytest.approx(1 / 3)
    assert shares == [("clinic-a", 1, third), ("clinic-a", 0, pytest.approx(2 / 3))]


def test_what_is_too_stale_is_taken_back_and_late(federation: Federation) -> None:
    a, b = sites(federation, "ab")
    run = federation.run(**(PLAN | {"rounds": 5}), **fedasync(max_staleness=1))
    for number in range(2):
        deliver(federation, a, 1.0)
        assert federation.rounds(run)[number]["state"] == "closed"
    # Round 3 is open: b, which began from version 0, would be 2 behind.
    slow = federation.get(f"/runs/{run}/rounds/1")["tasks"][-1]
    assert (slow["node_name"], slow["state"]) == ("clinic-b", "expired")
    assert slow["reason"] == "2 versions behind, at most 1 count"
    assert b.dropped == [b.tasks[0].id]
    # It is idle again, and gets work on the newest version.
    assert b.tasks[-1].base_round == 2
    assert deliver(federation, b, 9.0, task=0) == "late"
    (late,) = (u for u in federation.get(f"/runs/{run}/rounds/1")["updates"] if u["node"] == b.id)
    assert (late["status"], late["staleness"], late["share"]) == ("late", None, None)
    assert len(federation.rounds(run)) == 3


def test_an_accepted_update_can_grow_too_old_to_count(federation: Federation) -> None:
    a, b, c = sites(federation, "abc")
    run = federation.run(**PLAN, **fedbuff(2, max_staleness=0))
    federation.queues.held = ("audit/",)
    for child in (a, b, c):
        deliver(federation, child, 1.0)
    federation.queues.release()
    federation.settle()
    tasks = {task["node_name"]: task for task in federation.rounds(run)[0]["tasks"]}
    assert tasks["clinic-c"]["state"] == "late"
    assert tasks["clinic-c"]["reason"] == "1 version behind, at most 0 count"
    assert federation.get(f"/runs/{run}/rewards")["ledger"] == []


def test_only_a_part_of_the_nodes_works_at_the_same_time(federation: Federation) -> None:
    children = sites(federation, "abcde")
    run = federation.run(**PLAN, **fedasync(), sampling={"fraction": 0.4})
    at_work = [child for child in children if child.tasks]
    assert len(at_work) == 2
    deliver(federation, at_work[0], 1.0)
    tasks = [task for task in federation.get(f"/runs/{run}")["tasks"] if task["state"] == "leased"]
    assert len(tasks) == 2
    assert [task["base_round"] for task in tasks].count(1) == 1


def test_a_node_that_comes_later_gets_work_at_once(federation: Federation) -> None:
    sites(federation, "a")
    run = federation.run(**PLAN, **fedasync())
    federation.site("clinic-b")
    assert under_way(federation, run) == [("clinic-a", 0, "leased"), ("clinic-b", 0, "leased")]


def test_a_silent_node_holds_up_nobody_and_its_update_counts_when_it_is_back(
    federation: Federation, clock: Clock
) -> None:
    a, b = sites(federation, "ab")
    run = federation.run(**PLAN, **fedasync())
    deliver(federation, a, 1.0)
    for seconds in (55, 10):
        clock.tick(seconds)
        federation.beat(a, tasks=(a.tasks[-1].id,))
    federation.settle()
    (lost,) = (task for task in federation.get(f"/runs/{run}")["tasks"] if task["lost"])
    assert lost["node_name"] == "clinic-b"
    deliver(federation, b, 1.0)
    assert federation.rounds(run)[1]["updates"][0]["staleness"] == 1


def test_at_the_deadline_the_quorum_suffices_and_work_under_way_goes_on(
    federation: Federation, clock: Clock
) -> None:
    a, b, c = sites(federation, "abc")
    plan = PLAN | fedbuff(3) | {"quorum": 1, "deadline_seconds": 50}
    run = federation.run(**plan)
    view = federation.rounds(run)[0]
    assert (view["quorum"], view["target"]) == (1, 3)
    deliver(federation, a, 1.0)
    clock.tick(50)
    for child in (a, b, c):
        federation.beat(child, tasks=tuple(task.id for task in child.tasks))
    federation.settle()
    assert federation.rounds(run)[0]["state"] == "closed"
    assert under_way(federation, run) == [
        ("clinic-a", 1, "leased"),
        ("clinic-b", 0, "leased"),
        ("clinic-c", 0, "leased"),
    ]


def test_credits_evaluations_and_history_follow_each_version(federation: Federation) -> None:
    federation.study()
    upload(federation, "audit", {"benign": 2, "malignant": 7})
    upload(federation, "test", {"benign": 3, "malignant": 5})
    a, b = federation.site("clinic-a"), federation.site("clinic-b")
    run = federation.run(**PLAN, **fedbuff(2), rewards={"pool": 10})
    for child in (b, a, a, b, b, a):
        deliver(federation, child, 1.0)
    views = federation.rounds(run)
    assert [view["state"] for view in views] == ["closed"] * 3
    assert all(view["evaluation"]["accuracy"] is not None for view in views)
    ledger = federation.get(f"/runs/{run}/rewards")["ledger"]
    by_round = {n: sum(e["credits"] for e in ledger if e["round"] == n) for n in (1, 2, 3)}
    assert by_round == {1: 10, 2: 10, 3: 10}
    statistics = federation.get(f"/runs/{run}/statistics?round=2")
    assert statistics["before"]["all"]["mean"] != statistics["after"]["all"]["mean"]
    text = federation.call("GET", f"/runs/{run}/history.csv").get_data(as_text=True)
    rows = list(csv.DictReader(io.StringIO(text)))
    assert [(row["round"], row["site"]) for row in rows] == [
        (str(number), site) for number in (1, 2, 3) for site in ("clinic-a", "clinic-b")
    ]
    assert [(row["base_round"], row["staleness"]) for row in rows] == [
        (str(number), "0") for number in (0, 0, 1, 1, 2, 2)
    ]
    assert federation.get(f"/runs/{run}")["state"] == "completed"


def test_an_older_base_is_sent_again_without_taking_the_newest_model_away(
    federation: Federation, clock: Clock
) -> None:
    a, b = sites(federation, "ab")
    b.away = True
    run = federation.run(**PLAN, **fedasync())
    deliver(federation, a, 1.0)
    newest = federation.rounds(run)[0]["weights_after"]
    b.away = False
    b.blobs.clear()
    pushed = len(b.pushes)
    federation.beat(b)
    federation.settle()
    task = next(task for task in b.tasks if task.base_round == 0)
    assert set(b.blobs) == {task.weights, newest}
    assert {push.weights for push in b.pushes[pushed:]} == {newest}
    deliver(federation, b, 1.0)
    assert federation.rounds(run)[1]["updates"][0]["staleness"] == 1


def test_batches_are_dealt_on_as_versions_come(federation: Federation, tmp_path: Path) -> None:
    write_index(tmp_path / "batches", (7, 3), (5, 6), (4, 4))
    federation.study()
    a = federation.site("clinic-a", labelled=0)
    b = federation.site("clinic-b", labelled=0)
    data = {"data": {"kind": "batches", "url": str(tmp_path / "batches")}}
    federation.run(**(PLAN | {"rounds": 6}), **fedasync(), **data)
    for _ in range(5):
        deliver(federation, a, 1.0)
    held = b.tasks[0].batch
    mine = [task.batch for task in a.tasks]
    # b never lets go of its batch; a goes round the two others.
    assert held not in mine
    assert len(set(mine)) == 2


def test_two_like_updates_of_one_node_in_a_buffer_make_nobody_suspect(
    federation: Federation, monkeypatch: pytest.MonkeyPatch
) -> None:
    # The model of these tests is smaller than any that is compared.
    monkeypatch.setattr(sketch, "FEWEST_WEIGHTS", 1)
    a, b, c = sites(federation, "abc")
    run = federation.run(**PLAN, **fedbuff(2))
    for child, shift in ((b, 0.25), (c, 1.0)):
        deliver(federation, child, shift)
    # The first from the version before, the second from the newest: one step is like the other.
    deliver(federation, a, 0.5)
    deliver(federation, a, 0.5 + 1e-4)
    view = federation.get(f"/runs/{run}/rounds/2")
    assert [update["status"] for update in view["updates"]] == ["accepted", "accepted"]
    told = " ".join(view["updates"][1]["audit"]["reasons"])
    assert "the same change of the weights as its own for round 1" in told
    assert {node["standing"] for node in federation.get("/nodes")["nodes"]} == {"checked"}
