"""Nodes that fall silent, come back, or cannot be reached, stepped by hand."""

from __future__ import annotations

import pytest

from master.child_client import Answer
from tests.master.federation import ChildInTest, Clock, Federation, trained

PLAN = {"rounds": 1, "privacy": {"min_examples": 5}, "training": {"epochs": 1}}


def states(federation: Federation, run: str) -> dict[str, str]:
    tasks = federation.last_round(run)["tasks"]
    return {task["node_name"]: "lost" if task["lost"] else task["state"] for task in tasks}


def kinds(federation: Federation, run: str) -> list[str]:
    return [event["kind"] for event in federation.get(f"/runs/{run}/events")["events"]]


def posts(federation: Federation, child: ChildInTest) -> int:
    calls = [(name, call) for name, call, _ in federation.children.calls]
    return calls.count((child.name, "post_task"))


def silent_for(federation: Federation, clock: Clock, seconds: float, *others: ChildInTest) -> None:
    """Time in which only these children are heard of, with the tasks that they hold."""
    clock.tick(seconds)
    for child in others:
        federation.beat(child, tasks=tuple(task.id for task in child.tasks))
    federation.settle()


def test_the_update_of_a_site_that_comes_back_counts(federation: Federation, clock: Clock) -> None:
    federation.study()
    a, b = federation.site("clinic-a"), federation.site("clinic-b")
    run = federation.run(**PLAN, quorum=2)
    silent_for(federation, clock, 55, a)
    silent_for(federation, clock, 20, a)
    assert states(federation, run) == {"clinic-a": "leased", "clinic-b": "lost"}
    silent_for(federation, clock, 100, a)
    assert federation.last_round(run)["state"] == "open"
    federation.deliver(a, trained(a, 1.0, num_examples=5))
    assert federation.deliver(b, trained(b, 5.0, num_examples=15)).status_code == 200
    view = federation.last_round(run)
    assert view["state"] == "closed"
    assert [update["share"] for update in view["updates"]] == [0.25, 0.75]
    # One lease, one loss, and never a second task.
    assert len(b.tasks) == 1
    assert kinds(federation, run).count("task_queued") == 1


def test_a_site_that_has_forgotten_its_task_gets_it_again(
    federation: Federation, clock: Clock
) -> None:
    federation.study()
    a, b = federation.site("clinic-a"), federation.site("clinic-b")
    run = federation.run(**PLAN, quorum=2)
    silent_for(federation, clock, 65, a)
    silent_for(federation, clock, 5, a)
    assert (states(federation, run)["clinic-b"], len(b.tasks)) == ("lost", 1)
    federation.beat(b)
    silent_for(federation, clock, 1, a)
    assert states(federation, run)["clinic-b"] == "leased"
    assert b.tasks[0] == b.tasks[1]


def test_a_site_that_cannot_be_reached_is_tried_again_only_when_it_is_heard_of(
    federation: Federation, clock: Clock
) -> None:
    federation.study()
    a, b = federation.site("clinic-a"), federation.site("clinic-b")
    b.away = True
    run = federation.run(**PLAN, quorum=2)
    assert states(federation, run) == {"clinic-a": "leased", "clinic-b": "lost"}
    tried = posts(federation, b)
    for _ in range(30):
        silent_for(federation, clock, 5, a)
    assert posts(federation, b) == tried
    # It is heard of, but still nobody gets through: one call for each sign of life.
    for _ in range(3):
        federation.beat(b)
        silent_for(federation, clock, 5, a)
    assert posts(federation, b) == tried + 3
    assert kinds(federation, run).count("task_queued") == 1
    b.away = False
    federation.beat(b)
    federation.settle()
    assert states(federation, run)["clinic-b"] == "leased"


def test_a_proxy_that_answers_for_a_site_is_no_refusal(federation: Federation) -> None:
    federation.study()
    a, b = federation.site("clinic-a"), federation.site("clinic-b")
    a.blobs.clear()
    b.blobs.clear()
    a.refusal = Answer(502)
    b.refusal = Answer(403, {"detail": "This site takes nothing."})
    run = federation.run(**PLAN, quorum=1)
    view = federation.last_round(run)
    behind_a_proxy, refusing = view["tasks"]
    assert (behind_a_proxy["state"], behind_a_proxy["lost"]) == ("queued", True)
    assert refusing["state"] == "failed"
    assert "HTTP 403: This site takes nothing." in refusing["reason"]


def test_a_site_that_was_not_drawn_takes_the_place_of_one_that_is_silent(
    federation: Federation, clock: Clock
) -> None:
    federation.study()
    children = {name: federation.site(name) for name in ("clinic-a", "clinic-b", "clinic-c")}
    run = federation.run(**PLAN, sampling={"fraction": 0.6}, quorum=2)
    view = federation.last_round(run)
    lost, kept = (children[task["node_name"]] for task in view["tasks"])
    (spare,) = (children[site["node_name"]] for site in view["excluded"])
    silent_for(federation, clock, 55, kept, spare)
    silent_for(federation, clock, 6, kept, spare)
    assert states(federation, run) == {
        lost.name: "lost",
        kept.name: "leased",
        spare.name: "leased",
    }
    # In its place once: the round has all that it aims at under way.
    silent_for(federation, clock, 6, kept, spare)
    assert len(federation.last_round(run)["tasks"]) == 3
    # Whoever answers first counts; the place that it took was not taken from anybody.
    federation.deliver(lost, trained(lost, 1.0, num_examples=5))
    federation.deliver(kept, trained(kept, 5.0, num_examples=15))
    view = federation.last_round(run)
    assert view["state"] == "closed"
    assert states(federation, run)[spare.name] == "expired"
    shares = {update["node_name"]: update["share"] for update in view["updates"]}
    assert shares == {lost.name: 0.25, kept.name: 0.75}


def test_a_site_that_joins_late_takes_the_place_of_one_that_is_silent(
    federation: Federation, clock: Clock
) -> None:
    federation.study()
    a, b = federation.site("clinic-a"), federation.site("clinic-b")
    run = federation.run(**PLAN, quorum=2)
    silent_for(federation, clock, 55, a)
    silent_for(federation, clock, 6, a)
    c = federation.site("clinic-c")
    silent_for(federation, clock, 1, a, c)
    assert states(federation, run) == {
        "clinic-a": "leased",
        "clinic-b": "lost",
        "clinic-c": "leased",
    }
    assert c.tasks[0].seed not in (a.tasks[0].seed, b.tasks[0].seed)


def test_a_round_below_its_quorum_waits_for_the_silent_until_its_deadline(
    federation: Federation, clock: Clock
) -> None:
    federation.study()
    a = federation.site("clinic-a")
    run = federation.run(**PLAN, deadline_seconds=400)
    silent_for(federation, clock, 360)
    assert federation.last_round(run)["state"] == "open"
    silent_for(federation, clock, 40)
    assert federation.last_round(run)["extended"]
    # Six minutes and more: the run goes on when the site is back.
    silent_for(federation, clock, 100, a)
    assert states(federation, run) == {"clinic-a": "leased"}
    federation.deliver(a, trained(a, 1.0, num_examples=10))
    assert federation.get(f"/runs/{run}")["state"] == "completed"


def test_nobody_back_by_the_second_deadline_fails_the_run_with_the_reason(
    federation: Federation, clock: Clock
) -> None:
    before = federation.study()["current"]["weights"]
    a = federation.site("clinic-a")
    run = federation.run(**PLAN, deadline_seconds=400)
    silent_for(federation, clock, 400)
    silent_for(federation, clock, 400)
    reason = "0 of at least 1 updates accepted (clinic-a: not heard of for 60 s)"
    assert federation.get(f"/runs/{run}")["reason"] == f"round 1 failed: {reason}"
    assert federation.last_round(run)["tasks"][0]["state"] == "cancelled"
    assert federation.get("/studies/skin")["current"]["weights"] == before
    assert federation.deliver(a, trained(a, 1.0, 10)).get_json()["state"] == "late"


def test_a_site_that_asks_for_work_has_a_lease_to_take_it(
    federation: Federation, clock: Clock
) -> None:
    federation.study()
    a, b = federation.site("clinic-a", pull=True), federation.site("clinic-b")
    run = federation.run(**PLAN, quorum=2)
    assert states(federation, run) == {"clinic-a": "queued", "clinic-b": "leased"}
    silent_for(federation, clock, 61, b)
    assert states(federation, run)["clinic-a"] == "lost"
    assert federation.last_round(run)["tasks"][0]["reason"] == "could not be handed over in time"
    # It gets it all the same when it asks, and only this makes it its own.
    task = federation.poll(a)
    assert task is not None
    assert states(federation, run)["clinic-a"] == "leased"
    federation.report(a, epoch=1, epochs=1)
    assert states(federation, run)["clinic-a"] == "training"
    federation.deliver(a, trained(a, 1.0, num_examples=10))
    federation.deliver(b, trained(b, 1.0, num_examples=10))
    assert federation.last_round(run)["state"] == "closed"


def test_an_answer_to_a_poll_that_is_lost_costs_nothing(federation: Federation) -> None:
    federation.study()
    a = federation.site("clinic-a", pull=True)
    run = federation.run(**PLAN)
    first, second = (
        federation.call("GET", "/tasks/next?wait=0", a.token).get_json() for _ in range(2)
    )
    assert first == second
    assert states(federation, run) == {"clinic-a": "queued"}


def test_a_site_that_is_busy_with_another_run_is_not_lost_to_this_one(
    federation: Federation, clock: Clock
) -> None:
    federation.study()
    federation.study(name="Moles", id="moles")
    a = federation.site("clinic-a", pull=True)
    beat_both(federation, a)
    first = federation.run(**PLAN)
    assert federation.poll(a) is not None
    second = federation.post("/runs", {"study": "moles", "plan": PLAN})["id"]
    federation.settle()
    for _ in range(30):
        clock.tick(20)
        beat_both(federation, a, a.tasks[0].id)
        federation.settle()
    assert states(federation, first) == {"clinic-a": "leased"}
    assert states(federation, second) == {"clinic-a": "queued"}
    # Its other work done, it has as long as any other to take this.
    federation.deliver(a, trained(a, 1.0, num_examples=10))
    clock.tick(61)
    federation.settle()
    assert states(federation, second) == {"clinic-a": "lost"}


def beat_both(federation: Federation, child: ChildInTest, *tasks: str) -> None:
    report = {"counts": {"benign": 10, "malignant": 10}}
    body = {"studies": {"skin": report, "moles": report}, "tasks": list(tasks)}
    federation.post(f"/nodes/{child.id}/heartbeat", body, child.token)


def test_suspending_a_site_frees_its_place(federation: Federation, clock: Clock) -> None:
    federation.study()
    children = {name: federation.site(name) for name in ("clinic-a", "clinic-b")}
    run = federation.run(**PLAN, sampling={"fraction": 0.5})
    (drawn,) = (children[task["node_name"]] for task in federation.last_round(run)["tasks"])
    federation.call("PATCH", f"/nodes/{drawn.id}", json={"state": "suspended"})
    federation.settle()
    (other,) = (child for child in children.values() if child is not drawn)
    assert states(federation, run) == {drawn.name: "cancelled", other.name: "leased"}


@pytest.mark.parametrize("queued", [True, False])
def test_the_speed_of_a_site_that_was_cut_off_is_not_overrated(
    federation: Federation, clock: Clock, queued: bool
) -> None:
    federation.study()
    a = federation.site("clinic-a")
    federation.run(**PLAN)
    silent_for(federation, clock, 64)
    if queued:
        silent_for(federation, clock, 34, a)
    clock.tick(2)
    federation.deliver(a, trained(a, 1.0, num_examples=10))
    speed = federation.get("/nodes")["nodes"][0]["examples_per_second"]
    assert speed == pytest.approx(10 / (100 if queued else 66))
