"""How asynchronous runs are paused, ended, killed and tidied up after."""

from __future__ import annotations

import os

import numpy as np
import pytest

from master.coordinator import aggregation
from master.garbage_collection import collect_garbage
from tests.master.federation import Clock, Federation, base_of
from tests.master.test_asynchronous import (
    PLAN,
    deliver,
    fedasync,
    fedbuff,
    sites,
    under_way,
    weights_after,
)
from tests.master.test_restart import restarted


def test_below_the_quorum_it_is_extended_once_and_then_fails(
    federation: Federation, clock: Clock
) -> None:
    (a,) = sites(federation, "a")
    run = federation.run(**PLAN, **fedasync(), deadline_seconds=50)
    body = {"code": "trainer_died", "detail": "The trainer ended."}
    for attempt in (1, 2):
        assert federation.get(f"/runs/{run}")["tasks"][-1]["attempt"] == attempt
        federation.post(f"/tasks/{a.tasks[-1].id}/failure", body, a.token)
        federation.settle()
    assert "trainer_died" in federation.get(f"/runs/{run}")["reason"]
    assert (federation.get(f"/runs/{run}")["state"], len(a.tasks)) == ("failed", 2)


def test_the_last_version_calls_off_what_is_still_under_way(federation: Federation) -> None:
    a, b = sites(federation, "ab")
    run = federation.run(**(PLAN | {"rounds": 2}), **fedasync())
    deliver(federation, a, 1.0)
    deliver(federation, a, 1.0)
    assert federation.get(f"/runs/{run}")["state"] == "completed"
    (task,) = (t for t in federation.get(f"/runs/{run}/rounds/1")["tasks"] if t["node"] == b.id)
    assert (task["state"], task["reason"]) == ("cancelled", "the run has made its last model")
    assert b.dropped == [b.tasks[0].id]
    assert deliver(federation, b, 1.0) == "late"


def test_what_was_accepted_and_never_counted_has_an_end_too(federation: Federation) -> None:
    a, b, c = sites(federation, "abc")
    run = federation.run(**(PLAN | {"rounds": 1}), **fedbuff(2))
    federation.queues.held = ("audit/",)
    for child in (a, b, c):
        deliver(federation, child, 1.0)
    federation.queues.release()
    federation.settle()
    tasks = federation.rounds(run)[0]["tasks"]
    assert [task["state"] for task in tasks] == ["accepted", "accepted", "late"]
    assert tasks[2]["reason"] == "the run has made its last model"


def test_a_paused_run_hands_nothing_out_and_counts_what_comes(
    federation: Federation, clock: Clock
) -> None:
    a, b = sites(federation, "ab")
    run = federation.run(**PLAN, **fedbuff(2), deadline_seconds=50)
    federation.post(f"/runs/{run}/pause")
    deliver(federation, a, 1.0)
    clock.tick(500)
    federation.beat(b, tasks=(b.tasks[0].id,))
    federation.settle()
    # Neither the deadline nor silence ends a round that is to wait.
    view = federation.rounds(run)[0]
    assert (view["state"], view["extended"]) == ("open", False)
    deliver(federation, b, 3.0)
    assert [view["state"] for view in federation.rounds(run)] == ["closed"]
    assert (len(a.tasks), len(b.tasks)) == (1, 1)
    federation.beat(a)
    federation.beat(b)
    federation.post(f"/runs/{run}/resume")
    federation.settle()
    assert [view["state"] for view in federation.rounds(run)] == ["closed", "open"]
    assert (len(a.tasks), len(b.tasks)) == (2, 2)


def test_a_pause_takes_back_what_nobody_has_taken_and_a_resume_gives_it_again(
    federation: Federation, clock: Clock
) -> None:
    federation.study()
    a, b = federation.site("clinic-a"), federation.site("clinic-b", pull=True)
    run = federation.run(**PLAN, **fedasync(), deadline_seconds=50)
    assert under_way(federation, run) == [("clinic-a", 0, "leased"), ("clinic-b", 0, "queued")]
    federation.post(f"/runs/{run}/pause")
    federation.settle()
    assert federation.poll(b) is None
    clock.tick(100)
    federation.beat(a, tasks=(a.tasks[0].id,))
    federation.beat(b)
    federation.post(f"/runs/{run}/resume")
    federation.settle()
    view = federation.rounds(run)[0]
    assert view["deadline_at"] == clock.time + 50
    task = federation.poll(b)
    assert task is not None
    assert task.base_round == 0
    deliver(federation, b, 1.0)
    assert federation.rounds(run)[0]["state"] == "closed"


def test_stopping_ends_everything(federation: Federation) -> None:
    a, _ = sites(federation, "ab")
    run = federation.run(**PLAN, **fedasync())
    deliver(federation, a, 1.0)
    good = federation.rounds(run)[0]["weights_after"]
    federation.post(f"/runs/{run}/stop")
    federation.settle()
    assert {task["state"] for task in federation.get(f"/runs/{run}")["tasks"]} == {"cancelled"}
    assert federation.get("/studies/skin")["current"]["weights"] == good


@pytest.mark.parametrize("step", ["material_of", "average", "_settle"])
def test_a_master_that_is_killed_while_it_averages_counts_nothing_twice(
    federation: Federation, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    def killed(*_: object) -> None:
        raise RuntimeError("killed here")

    a, b, c = sites(federation, "abc")
    run = federation.run(**PLAN, **fedbuff(2))
    start = base_of(a)
    deliver(federation, a, 2.0)
    with monkeypatch.context() as patch:
        patch.setattr(aggregation, step, killed)
        deliver(federation, c, 4.0)
        # It comes while the round is being averaged, and belongs to the next.
        deliver(federation, b, 8.0)
    assert federation.rounds(run)[0]["state"] == "aggregating"
    after = restarted(federation)
    for child in (a, b, c):
        after.beat(child)
    after.settle()
    views = after.rounds(run)
    assert [view["state"] for view in views] == ["closed", "open"]
    counted = {u["node_name"]: u["staleness"] for u in views[0]["updates"]}
    assert counted == {"clinic-a": 0, "clinic-c": 0}
    for name, array in start.items():
        np.testing.assert_allclose(weights_after(after, run, 1)[name], array + 3, rtol=1e-5)
    deliver(after, a, 1.0)
    second = {u["node_name"]: u["staleness"] for u in after.rounds(run)[1]["updates"]}
    assert second == {"clinic-a": 0, "clinic-b": 1}
    after.services.database.close()


def test_tidying_keeps_what_is_still_to_be_counted(federation: Federation, clock: Clock) -> None:
    a, b, c = sites(federation, "abc")
    run = federation.run(**(PLAN | {"rounds": 5}), **fedbuff(2))
    federation.queues.held = ("audit/",)
    for shift, child in enumerate((a, b, c), 1):
        deliver(federation, child, float(shift))
    federation.queues.release()
    federation.settle()
    blobs = federation.services.blobs
    for sha256 in blobs.names():
        os.utime(blobs.root / sha256, (1, 1))
    collect_garbage(federation.services.database, blobs, keep_rounds=0, now=clock())
    (waiting,) = federation.rounds(run)[1]["updates"]
    counted = {update["sha256"] for update in federation.rounds(run)[0]["updates"]}
    assert waiting["sha256"] in blobs.names()
    assert not counted & set(blobs.names())
    deliver(federation, a, 1.0)
    assert federation.rounds(run)[1]["state"] == "closed"
