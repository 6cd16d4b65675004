"""What a round makes of sites that fail, fall silent or come late."""

from __future__ import annotations

import pytest

from tests.master.federation import ChildInTest, Clock, Federation, trained

PLAN = {"rounds": 1, "privacy": {"min_examples": 5}, "training": {"epochs": 1}}


@pytest.fixture
def a(federation: Federation) -> ChildInTest:
    federation.study()
    return federation.site("clinic-a")


@pytest.fixture
def b(federation: Federation, a: ChildInTest) -> ChildInTest:
    return federation.site("clinic-b")


@pytest.fixture
def run_without_b(federation: Federation, clock: Clock, a: ChildInTest, b: ChildInTest) -> str:
    """A run whose only round has closed at its deadline, with the update of a alone."""
    run = federation.run(**PLAN, deadline_seconds=30)
    federation.deliver(a, trained(a, 1.0, num_examples=10))
    clock.tick(30)
    federation.settle()
    return run


def test_one_site_that_cannot_be_reached_does_not_hold_up_the_round(
    federation: Federation, a: ChildInTest, b: ChildInTest
) -> None:
    b.away = True
    run = federation.run(**PLAN)
    tasks = federation.last_round(run)["tasks"]
    assert [(task["state"], task["lost"]) for task in tasks] == [
        ("leased", False),
        ("queued", True),
    ]
    assert "cannot be reached" in tasks[1]["reason"]
    assert [n["reachable"] for n in federation.get("/nodes")["nodes"]] == [True, False]
    federation.deliver(a, trained(a, 1.0, num_examples=10))
    view = federation.last_round(run)
    assert view["state"] == "closed"
    assert view["tasks"][1]["state"] == "expired"
    reason = "Site clinic-b cannot be reached (no connection); the round has closed without it"
    assert view["tasks"][1]["reason"] == reason


def test_a_failure_ends_the_task_with_its_code(
    federation: Federation, a: ChildInTest, b: ChildInTest
) -> None:
    run = federation.run(**PLAN, quorum=2)
    federation.give_up(a)
    federation.deliver(b, trained(b, 1.0, num_examples=10))
    task = federation.last_round(run)["tasks"][0]
    assert (task["state"], task["reason"]) == ("failed", "The trainer ended. (trainer_died)")


def test_below_its_quorum_a_round_is_extended_once_and_then_fails(
    federation: Federation, clock: Clock, a: ChildInTest, b: ChildInTest
) -> None:
    run = federation.run(**PLAN, quorum=2, deadline_seconds=500)
    clock.tick(7)
    federation.deliver(b, trained(b, 1.0, num_examples=10))
    federation.give_up(a)
    # Nothing more could come: the time is given again at once, and the work handed out again.
    view = federation.last_round(run)
    assert (view["state"], view["extended"]) == ("open", True)
    assert view["deadline_at"] == view["opened_at"] + 1000
    attempts = [(t["node_name"], t["attempt"], t["state"]) for t in view["tasks"]]
    assert attempts == [
        ("clinic-a", 1, "failed"),
        ("clinic-a", 2, "leased"),
        ("clinic-b", 1, "accepted"),
    ]
    assert a.tasks[0].seed == a.tasks[1].seed
    federation.give_up(a)
    assert federation.last_round(run)["state"] == "failed"
    reason = federation.get(f"/runs/{run}")["reason"]
    told = "1 of at least 2 updates accepted (clinic-a: The trainer ended. (trainer_died))"
    assert reason == f"round 1 failed: {told}"
    assert len(a.tasks) == 2


def test_a_failed_run_keeps_the_last_good_model(federation: Federation, a: ChildInTest) -> None:
    run = federation.run(**(PLAN | {"rounds": 2}))
    federation.deliver(a, trained(a, 1.0, num_examples=10))
    good = federation.last_round(run)["weights_before"]
    federation.give_up(a)
    federation.give_up(a)
    assert federation.get(f"/runs/{run}")["state"] == "failed"
    assert federation.get("/studies/skin")["current"]["weights"] == good


def test_silence_loses_a_task_and_a_heartbeat_that_names_it_does_not(
    federation: Federation, clock: Clock, a: ChildInTest, b: ChildInTest
) -> None:
    run = federation.run(**PLAN, quorum=2)
    clock.tick(50)
    federation.beat(a, tasks=(a.tasks[-1].id,))
    clock.tick(15)
    federation.settle()
    lost = federation.last_round(run)["tasks"][1]
    assert federation.states(run) == {"clinic-a": "leased", "clinic-b": "queued"}
    assert (lost["lost"], lost["reason"]) == (True, "not heard of for 60 s")
    assert b.dropped == []
    assert federation.beat(b, tasks=(b.tasks[-1].id,))["cancelled"] == []
    assert federation.states(run)["clinic-b"] == "leased"
    assert not federation.last_round(run)["tasks"][1]["lost"]


@pytest.mark.usefixtures("a")
def test_the_coordinator_says_when_the_next_lease_ends(
    federation: Federation, clock: Clock
) -> None:
    federation.run(**PLAN, deadline_seconds=3)
    assert federation.settle() == pytest.approx(clock.time + 3)


@pytest.mark.parametrize(("quorum", "state", "after"), [(1, "closed", 30), (2, "failed", 60)])
def test_the_deadline_closes_a_round_that_has_its_quorum(
    federation: Federation,
    clock: Clock,
    a: ChildInTest,
    b: ChildInTest,
    quorum: int,
    state: str,
    after: int,
) -> None:
    run = federation.run(**PLAN, quorum=quorum, deadline_seconds=30)
    federation.deliver(a, trained(a, 1.0, num_examples=10))
    clock.tick(after - 1)
    federation.settle()
    assert federation.last_round(run)["state"] == "open"
    clock.tick(1)
    federation.settle()
    assert federation.last_round(run)["state"] == state
    assert federation.last_round(run)["extended"] is (after == 60)
    late = federation.deliver(b, trained(b, 9.0, num_examples=10))
    assert late.get_json()["state"] == "late"
    assert late.status_code == 200


def test_what_a_round_has_closed_without_is_late(
    federation: Federation, b: ChildInTest, run_without_b: str
) -> None:
    task = federation.last_round(run_without_b)["tasks"][1]
    assert (task["state"], task["reason"]) == ("expired", "the round has closed without it")
    assert b.dropped == [b.tasks[-1].id]
    federation.deliver(b, trained(b, 9.0, num_examples=10))
    view = federation.last_round(run_without_b)
    assert view["tasks"][1]["state"] == "late"
    assert [update["status"] for update in view["updates"]] == ["accepted", "late"]
    assert [update["share"] for update in view["updates"]] == [1.0, None]


def test_a_late_update_changes_nothing_and_leaves_no_blob(
    federation: Federation, b: ChildInTest, run_without_b: str
) -> None:
    before = federation.last_round(run_without_b)["weights_after"]
    blobs = federation.services.blobs.names()
    update = trained(b, 9.0, num_examples=10)
    assert federation.deliver(b, update).get_json() == federation.deliver(b, update).get_json()
    assert federation.last_round(run_without_b)["weights_after"] == before
    assert federation.services.blobs.names() == blobs
