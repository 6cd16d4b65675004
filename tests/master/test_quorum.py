"""How many must answer, who is drawn, and by when: numbers and shares, stepped by hand."""

from __future__ import annotations

import pytest

from master.coordinator import audit_jobs
from tests.master.federation import ChildInTest, Clock, Federation, trained

PLAN = {"rounds": 1, "privacy": {"min_examples": 5}, "training": {"epochs": 1}}


def sites(federation: Federation, number: int) -> list[ChildInTest]:
    federation.study()
    return [federation.site(f"clinic-{letter}", 20) for letter in "abcdefgh"[:number]]


def states(federation: Federation, run: str) -> list[str]:
    return [task["state"] for task in federation.last_round(run)["tasks"]]


@pytest.mark.parametrize(
    ("quorum", "close", "needed", "target"),
    [
        (2, "all", 2, 4),
        (3, "quorum", 3, 3),
        # Shares are rounded up; 1 is one update, 1.0 is all.
        (0.6, "all", 3, 4),
        (0.75, "quorum", 3, 3),
        (1.0, "quorum", 4, 4),
        (1, "quorum", 1, 1),
    ],
)
def test_a_round_tells_what_it_needs_and_when_it_closes(
    federation: Federation, quorum: float, close: str, needed: int, target: int
) -> None:
    sites(federation, 4)
    run = federation.run(**PLAN, quorum=quorum, close=close)
    view = federation.last_round(run)
    assert (view["quorum"], view["target"]) == (needed, target)


def test_a_round_closes_as_soon_as_its_quorum_is_in_where_the_plan_says_so(
    federation: Federation,
) -> None:
    a, b, c = sites(federation, 3)
    run = federation.run(**PLAN, quorum=2, close="quorum")
    federation.deliver(c, trained(c, 3.0, num_examples=10))
    assert states(federation, run) == ["leased", "leased", "accepted"]
    federation.deliver(a, trained(a, 1.0, num_examples=20))
    assert states(federation, run) == ["accepted", "expired", "accepted"]
    assert federation.deliver(b, trained(b, 9.0, num_examples=10)).get_json()["state"] == "late"
    view = federation.last_round(run)
    assert view["state"] == "closed"
    # 20 : 10 among those that were in time.
    assert [update["share"] for update in view["updates"]] == [20 / 30, None, 10 / 30]


def test_an_update_that_waits_for_its_audit_when_the_quorum_is_in_is_late(
    federation: Federation,
) -> None:
    a, b, c = sites(federation, 3)
    run = federation.run(**PLAN, quorum=2, close="quorum")
    federation.queues.held = (f"audit/{a.tasks[-1].id}",)
    update = trained(a, 1.0, num_examples=10)
    federation.deliver(a, update)
    federation.deliver(b, trained(b, 1.0, num_examples=10))
    assert states(federation, run) == ["submitted", "accepted", "leased"]
    federation.deliver(c, trained(c, 1.0, num_examples=10))
    view = federation.last_round(run)
    assert states(federation, run) == ["late", "accepted", "accepted"]
    assert view["tasks"][0]["reason"] == "the round has closed without it"
    assert view["updates"][0]["status"] == "late"
    federation.queues.release()
    federation.settle()
    assert federation.last_round(run) == view
    assert federation.deliver(a, update).get_json()["state"] == "late"


def test_what_came_before_the_deadline_is_judged_before_the_round_ends(
    federation: Federation, clock: Clock
) -> None:
    a, b, c = sites(federation, 3)
    run = federation.run(**PLAN, quorum=2, deadline_seconds=30)
    federation.deliver(a, trained(a, 1.0, num_examples=10))
    federation.queues.held = ("audit/",)
    federation.deliver(b, trained(b, 1.0, num_examples=10))
    clock.tick(30)
    federation.settle()
    assert states(federation, run) == ["accepted", "submitted", "leased"]
    federation.queues.release()
    federation.settle()
    assert federation.last_round(run)["state"] == "closed"
    assert states(federation, run) == ["accepted", "accepted", "expired"]
    assert federation.deliver(c, trained(c, 9.0, num_examples=10)).get_json()["state"] == "late"


def test_a_verdict_after_the_deadline_that_leaves_the_quorum_missed_extends_the_round(
    federation: Federation, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    a, b = sites(federation, 2)
    run = federation.run(**PLAN, quorum=2, deadline_seconds=30)
    federation.deliver(a, trained(a, 1.0, num_examples=5))
    federation.queues.held = ("audit/",)
    federation.deliver(b, trained(b, 1.0, num_examples=10))
    clock.tick(30)
    federation.settle()
    with monkeypatch.context() as patch:
        sketch_of = audit_jobs.sketch_of
        patch.setattr(audit_jobs, "sketch_of", lambda *given: (sketch_of(*given)[0], False))
        federation.beat(b, tasks=())
        federation.queues.release()
        federation.settle()
    view = federation.last_round(run)
    assert view["extended"]
    assert states(federation, run) == ["accepted", "rejected", "leased"]
    federation.deliver(b, trained(b, 3.0, num_examples=15))
    assert [u["share"] for u in federation.last_round(run)["updates"]] == [0.25, None, 0.75]


def test_work_under_way_at_the_deadline_is_not_begun_anew_in_the_extension(
    federation: Federation, clock: Clock
) -> None:
    a, b = sites(federation, 2)
    run = federation.run(**PLAN, quorum=2, deadline_seconds=30)
    federation.deliver(a, trained(a, 1.0, num_examples=10))
    clock.tick(30)
    federation.settle()
    view = federation.last_round(run)
    assert (view["state"], view["extended"]) == ("open", True)
    assert view["deadline_at"] == view["opened_at"] + 60
    assert len(b.tasks) == 1
    federation.deliver(b, trained(b, 1.0, num_examples=10))
    assert federation.last_round(run)["state"] == "closed"
    kinds = [event["kind"] for event in federation.get(f"/runs/{run}/events")["events"]]
    assert kinds.count("round_extended") == 1


def test_a_fraction_of_the_sites_is_drawn_and_the_others_are_told_why(
    federation: Federation,
) -> None:
    children = sites(federation, 5)
    run = federation.run(**(PLAN | {"rounds": 8}), sampling={"fraction": 0.4})
    drawn = []
    for number in range(1, 9):
        view = federation.last_round(run)
        assert view["number"] == number
        # 0.4 of 5
        assert len(view["tasks"]) == 2
        assert {site["reason"] for site in view["excluded"]} == {"not drawn for this round"}
        assert len(view["excluded"]) == 3
        drawn.append({task["node_name"] for task in view["tasks"]})
        for child in children:
            if child.name in drawn[-1]:
                federation.deliver(child, trained(child, 1.0, num_examples=10))
    assert set().union(*drawn) == {child.name for child in children}
    assert federation.get(f"/runs/{run}")["state"] == "completed"


def test_the_same_seed_draws_the_same_sites(tmp_path, clock: Clock) -> None:
    drawn = []
    for number, seed in enumerate((4, 4, 5)):
        federation = Federation(tmp_path / str(number), Clock(clock.time + number))
        sites(federation, 8)
        run = federation.run(**PLAN, sampling={"fraction": 0.5}, seed=seed)
        drawn.append([task["node_name"] for task in federation.last_round(run)["tasks"]])
        federation.services.database.close()
    assert drawn[0] == drawn[1] != drawn[2]


def test_the_minimum_is_drawn_where_the_fraction_is_less(federation: Federation) -> None:
    sites(federation, 5)
    run = federation.run(**PLAN, sampling={"fraction": 0.1, "minimum": 3})
    assert len(federation.last_round(run)["tasks"]) == 3


def test_a_drawn_site_that_fails_is_replaced_by_one_that_was_not_drawn(
    federation: Federation,
) -> None:
    children = {child.name: child for child in sites(federation, 3)}
    run = federation.run(**PLAN, sampling={"fraction": 0.5}, quorum=2)
    view = federation.last_round(run)
    (spare,) = (site["node_name"] for site in view["excluded"])
    first, second = (task["node_name"] for task in view["tasks"])
    body = {"code": "paused", "detail": "This site has paused its participation."}
    task = children[first].tasks[-1].id
    federation.post(f"/tasks/{task}/failure", body, children[first].token)
    federation.settle()
    view = federation.last_round(run)
    assert {task["node_name"] for task in view["tasks"]} == {first, second, spare}
    assert (view["excluded"], view["extended"]) == ([], False)
    for name in (second, spare):
        federation.deliver(children[name], trained(children[name], 1.0, num_examples=10))
    assert federation.last_round(run)["state"] == "closed"


def test_the_deadline_follows_from_the_speed_that_was_measured(
    federation: Federation, clock: Clock
) -> None:
    a, b = sites(federation, 2)
    plan = PLAN | {"rounds": 2, "deadline_seconds": 900, "deadline_factor": 3}
    run = federation.run(**(plan | {"training": {"epochs": 2, "validation_fraction": 0.2}}))
    first = federation.last_round(run)
    # Nobody's speed is known yet.
    assert first["deadline_at"] - first["opened_at"] == 900
    clock.tick(8)
    federation.deliver(a, trained(a, 1.0, num_examples=16))
    clock.tick(8)
    federation.beat(a)
    federation.deliver(b, trained(b, 1.0, num_examples=16))
    # 16 pictures twice: in 8 s, and in 16 s.
    speeds = [node["examples_per_second"] for node in federation.get("/nodes")["nodes"]]
    assert speeds == [4.0, 2.0]
    second = federation.last_round(run)
    # 16 of 20 train, twice: the slower needs 16 s; three times that.
    assert second["deadline_at"] - second["opened_at"] == 48


def test_a_restart_gives_an_open_round_the_time_that_its_nodes_could_not_use(
    federation: Federation, clock: Clock
) -> None:
    a, _ = sites(federation, 2)
    run = federation.run(**PLAN, deadline_seconds=30)
    federation.deliver(a, trained(a, 1.0, num_examples=10))
    clock.tick(300)
    federation.coordinator.prepare()
    federation.settle()
    view = federation.last_round(run)
    assert (view["state"], view["deadline_at"]) == ("open", clock.time + 60)


def test_a_long_list_of_those_who_did_not_answer_is_cut(
    federation: Federation, clock: Clock
) -> None:
    federation.study()
    for number in range(11):
        federation.site(f"clinic-{number:02}")
    run = federation.run(**PLAN, quorum=5, deadline_seconds=20)
    for _ in range(2):
        clock.tick(20)
        federation.settle()
    reason = federation.get(f"/runs/{run}")["reason"]
    assert reason.startswith("round 1 failed: 0 of at least 5 updates accepted (clinic-00: ")
    assert reason.endswith("; 3 more)")
