"""A master that is killed goes on where its database says."""

from __future__ import annotations

from pathlib import Path

import pytest

from master.coordinator import aggregation
from serving.failpoints import FAILPOINTS
from tests.master.federation import Clock, Federation, trained

PLAN = {"rounds": 1, "privacy": {"min_examples": 5}}


def restarted(federation: Federation) -> Federation:
    """A new master on the same folder; the children and their tasks live on."""
    federation.clock.tick(300)
    federation.services.database.close()
    after = Federation(federation.settings.state, federation.clock)
    after.children = federation.children
    object.__setattr__(after.services, "children", federation.children)
    return after


@pytest.mark.parametrize("pull", [False, True])
def test_a_round_passes_the_places_where_a_master_may_die_in_this_order(
    federation: Federation, pull: bool
) -> None:
    passed: list[str] = []
    object.__setattr__(federation.services, "failpoint", passed.append)
    federation.study()
    a = federation.site("clinic-a", pull=pull)
    federation.run(**PLAN)
    if pull:
        assert passed == ["round-opened"]
        federation.poll(a)
        federation.report(a, epoch=1)
    federation.deliver(a, trained(a, 1.0, 10))
    assert passed == list(FAILPOINTS)


def test_an_open_round_goes_on_and_its_leases_start_anew(federation: Federation) -> None:
    federation.study()
    a, b = federation.site("clinic-a", 30), federation.site("clinic-b", 90)
    run = federation.run(**PLAN)
    federation.deliver(a, trained(a, 1.0, 10))
    after = restarted(federation)
    after.settle()
    assert [task["state"] for task in after.get(f"/runs/{run}")["tasks"]] == ["accepted", "leased"]
    after.deliver(b, trained(b, 5.0, 30))
    view = after.get(f"/runs/{run}/rounds/1")
    assert [u["share"] for u in view["updates"]] == [0.25, 0.75]
    assert after.get(f"/runs/{run}")["state"] == "completed"
    assert len(a.tasks) == len(b.tasks) == 1
    after.services.database.close()


def test_what_a_killed_master_left_unfinished_is_gone(federation: Federation) -> None:
    federation.study()
    state = federation.services.state
    (model,) = federation.services.blobs.names()
    for folder in (state.blobs, state.drafts, state.exports):
        folder.mkdir(exist_ok=True)
        (folder / "draft-0123").write_bytes(b"half of something")
    (state.exports / "skin.keras").write_bytes(b"whole")
    after = restarted(federation)
    assert [path.name for path in state.blobs.iterdir()] == [model]
    assert [path.name for path in state.exports.iterdir()] == ["skin.keras"]
    assert list(state.drafts.iterdir()) == []
    after.services.database.close()


def test_tasks_that_were_not_handed_over_are(federation: Federation) -> None:
    federation.study()
    a = federation.site("clinic-a")
    federation.queues.held = ("task/",)
    run = federation.run(**PLAN)
    assert federation.get(f"/runs/{run}")["tasks"][0]["state"] == "queued"
    after = restarted(federation)
    after.settle()
    assert after.get(f"/runs/{run}")["tasks"][0]["state"] == "leased"
    assert len(a.tasks) == 1
    after.services.database.close()


def test_a_submitted_update_is_judged(federation: Federation) -> None:
    federation.study()
    a = federation.site("clinic-a")
    run = federation.run(**PLAN)
    federation.queues.held = ("audit/",)
    federation.deliver(a, trained(a, 1.0, 10))
    assert federation.get(f"/runs/{run}")["tasks"][0]["state"] == "submitted"
    after = restarted(federation)
    after.settle()
    assert after.get(f"/runs/{run}")["state"] == "completed"
    after.services.database.close()


@pytest.mark.parametrize("step", ["material_of", "average", "_settle"])
def test_an_aggregation_is_done_again_and_counts_once(
    federation: Federation, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    def killed(*_: object) -> None:
        raise RuntimeError("killed here")

    federation.study()
    a, b = federation.site("clinic-a", 30), federation.site("clinic-b", 90)
    run = federation.run(**PLAN)
    federation.deliver(a, trained(a, 1.0, 10))
    with monkeypatch.context() as patch:
        patch.setattr(aggregation, step, killed)
        federation.deliver(b, trained(b, 5.0, 30))
    view = federation.get(f"/runs/{run}/rounds/1")
    assert (view["state"], view["weights_after"]) == ("aggregating", None)
    after = restarted(federation)
    after.settle()
    view = after.get(f"/runs/{run}/rounds/1")
    assert view["state"] == "closed"
    assert [u["share"] for u in view["updates"]] == [0.25, 0.75]
    assert len(after.get(f"/runs/{run}/rounds")["rounds"]) == 1
    after.services.database.close()


def test_a_study_whose_model_was_not_built_gets_it(federation: Federation) -> None:
    federation.evaluation_queues.held = ("build/",)
    federation.study()
    assert federation.get("/studies/skin")["current"] is None
    after = restarted(federation)
    after.settle()
    assert after.get("/studies/skin")["current"]["round"] == 0
    after.services.database.close()


def test_a_full_disk_at_the_average_is_tried_again(
    federation: Federation, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> str:
        raise OSError(28, "No space left on device")

    federation.study()
    a = federation.site("clinic-a")
    run = federation.run(**PLAN)
    with monkeypatch.context() as patch:
        patch.setattr(aggregation, "_keep", full)
        federation.deliver(a, trained(a, 1.0, 10))
    assert federation.get(f"/runs/{run}/rounds/1")["state"] == "aggregating"
    clock.tick(6)
    federation.settle()
    assert federation.get(f"/runs/{run}")["state"] == "completed"


def test_only_the_holder_of_the_lease_moves_states(federation: Federation, tmp_path: Path) -> None:
    from master.coordinator.coordinator import Coordinator

    federation.study()
    federation.site("clinic-a")
    other = Coordinator(
        federation.services,
        "another",
        federation.queues.submit,
        federation.evaluation_queues.submit,
    )
    federation.post("/runs", {"study": "skin", "plan": PLAN})
    other.step()
    assert federation.get("/runs")["runs"][0]["state"] == "pending"
    federation.clock.tick(60)
    other.step()
    assert federation.get("/runs")["runs"][0]["state"] != "pending"


def test_nodes_have_time_to_come_back_before_a_round_leaves_them_out(
    federation: Federation,
) -> None:
    federation.study()
    federation.site("clinic-a"), federation.site("clinic-b", pull=True)
    gone = federation.site("clinic-c")
    federation.clock.tick(federation.settings.reachable_seconds + 1)
    for child in federation.children.children.values():
        if child is not gone:
            federation.beat(child)
    # One had fallen silent before the master was killed; then none could call for minutes.
    after = restarted(federation)
    reachable = {node["name"]: node["reachable"] for node in after.get("/nodes")["nodes"]}
    assert reachable == {"clinic-a": True, "clinic-b": True, "clinic-c": False}
    after.clock.tick(after.settings.reachable_seconds + 1)
    assert not any(node["reachable"] for node in after.get("/nodes")["nodes"])
    after.services.database.close()


def test_a_round_that_was_extended_is_not_extended_again(
    federation: Federation, clock: Clock
) -> None:
    federation.study()
    a = federation.site("clinic-a")
    run = federation.run(**PLAN, deadline_seconds=30)
    clock.tick(30)
    federation.settle()
    after = restarted(federation)
    after.settle()
    view = after.get(f"/runs/{run}/rounds/1")
    # A minute from the restart: while the master was away, nobody could answer.
    assert (view["extended"], view["deadline_at"]) == (True, clock.time + 60)
    clock.tick(60)
    after.settle()
    assert after.get(f"/runs/{run}")["state"] == "failed"
    assert len(a.tasks) == 1
    after.services.database.close()


def test_a_lost_task_is_still_its_nodes_and_handed_over_once(
    federation: Federation, clock: Clock
) -> None:
    federation.study()
    a = federation.site("clinic-a")
    a.away = True
    run = federation.run(**PLAN)
    after = restarted(federation)
    # Nobody is called before anything was heard.
    calls = len(a.tasks)
    after.settle()
    assert after.get(f"/runs/{run}")["tasks"][0]["lost"]
    a.away = False
    after.beat(a)
    after.settle()
    assert len(a.tasks) == calls + 1
    after.deliver(a, trained(a, 1.0, 10))
    assert after.get(f"/runs/{run}")["state"] == "completed"
    after.services.database.close()
