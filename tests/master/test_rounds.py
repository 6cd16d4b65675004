"""A round from its opening to its end, stepped by hand."""

from __future__ import annotations

import csv
import io

import numpy as np
import pytest

from tests.master.federation import ChildInTest, Clock, Federation, base_of, trained, update_of

PLAN = {"rounds": 1, "privacy": {"min_examples": 5}, "training": {"epochs": 1}}


def only_round(federation: Federation, run: str) -> dict:
    rounds = federation.get(f"/runs/{run}/rounds")["rounds"]
    return rounds[-1]


def states(federation: Federation, run: str) -> dict[str, str]:
    return {task["node_name"]: task["state"] for task in only_round(federation, run)["tasks"]}


def test_the_study_reaches_every_site_with_its_weights(federation: Federation) -> None:
    current = federation.study()["current"]
    child = federation.site("clinic-a")
    assert current["round"] == 0
    assert list(child.blobs) == [current["weights"]]
    view = federation.get("/nodes")["nodes"][0]
    assert view["received"]["skin"]["http_status"] == 200
    assert view["received"]["skin"]["detail"] == "received global model"


def test_a_site_that_waits_for_approval_is_not_called(federation: Federation) -> None:
    federation.study()
    child = federation.join("clinic-a", approve=False)
    federation.beat(child)
    federation.settle()
    assert federation.children.calls == []
    federation.call("PATCH", f"/nodes/{child.id}", json={"state": "active"})
    federation.settle()
    assert len(child.pushes) == 1


def test_the_average_is_weighted_by_examples(federation: Federation) -> None:
    federation.study()
    a, b = federation.site("clinic-a", 30), federation.site("clinic-b", 90)
    run = federation.run(**PLAN)
    before = base_of(a)
    assert federation.deliver(a, trained(a, 1.0, num_examples=20)).status_code == 200
    assert federation.deliver(b, trained(b, 5.0, num_examples=60)).status_code == 200
    view = only_round(federation, run)
    assert view["state"] == "closed"
    assert {u["node_name"]: u["share"] for u in view["updates"]} == {
        "clinic-a": 0.25,
        "clinic-b": 0.75,
    }
    after = federation.weights(view["weights_after"])
    for name, array in before.items():
        # (20 * (w + 1) + 60 * (w + 5)) / 80 = w + 4
        np.testing.assert_allclose(after[name], array + 4, rtol=1e-6)
    assert federation.get(f"/runs/{run}")["state"] == "completed"
    assert federation.get("/studies/skin")["current"]["weights"] == view["weights_after"]


def test_the_average_can_be_worked_out_from_the_stored_blobs(federation: Federation) -> None:
    federation.study()
    a, b = federation.site("clinic-a", 30), federation.site("clinic-b", 90)
    run = federation.run(**(PLAN | {"rounds": 2}))
    rng = np.random.default_rng(3)
    for _ in range(2):
        for child, examples in ((a, 7), (b, 61)):
            noise = {
                name: (array + rng.normal(size=array.shape)).astype(np.float32)
                for name, array in base_of(child).items()
            }
            federation.deliver(child, update_of(child.tasks[-1], noise, num_examples=examples))
    for view in federation.get(f"/runs/{run}/rounds")["rounds"]:
        blobs = [(u["num_examples"], federation.weights(u["sha256"])) for u in view["updates"]]
        total = sum(examples for examples, _ in blobs)
        after = federation.weights(view["weights_after"])
        for name, array in after.items():
            expected = sum(n * w[name].astype(np.float64) for n, w in blobs) / total
            np.testing.assert_allclose(array, expected, rtol=1e-6)


def test_each_round_starts_from_the_one_before(federation: Federation) -> None:
    federation.study()
    a = federation.site("clinic-a")
    run = federation.run(**(PLAN | {"rounds": 3}))
    for _ in range(3):
        federation.deliver(a, trained(a, 2.0, num_examples=10))
    rounds = federation.get(f"/runs/{run}/rounds")["rounds"]
    assert [r["weights_before"] for r in rounds[1:]] == [r["weights_after"] for r in rounds[:-1]]
    assert [task.base_round for task in a.tasks] == [0, 1, 2]
    assert len({task.seed for task in a.tasks}) == 3


def test_seeds_depend_on_names_and_not_on_ids(tmp_path, clock: Clock) -> None:
    seeds = []
    for number in (1, 2):
        federation = Federation(tmp_path / str(number), Clock(clock.time + number))
        federation.study()
        a = federation.site("clinic-a")
        federation.run(**PLAN)
        seeds.append(a.tasks[-1].seed)
        federation.services.database.close()
    assert seeds[0] == seeds[1]


def test_a_site_with_too_few_pictures_is_left_out_with_the_reason(
    federation: Federation,
) -> None:
    federation.study()
    federation.site("clinic-a", labelled=20)
    federation.site("clinic-b", labelled=4)
    run = federation.run(**PLAN)
    view = only_round(federation, run)
    assert [task["node_name"] for task in view["tasks"]] == ["clinic-a"]
    assert view["excluded"][0]["node_name"] == "clinic-b"
    reason = "too few labelled pictures: 4, of which 4 would train; at least 5 must"
    assert view["excluded"][0]["reason"] == reason


def test_pictures_that_only_judge_do_not_count_towards_the_least(federation: Federation) -> None:
    federation.study()
    federation.site("clinic-a", labelled=10)
    plan = {"privacy": {"min_examples": 10}}
    answer = federation.call("POST", "/runs", json={"study": "skin", "plan": plan})
    assert "10, of which 8 would train; at least 10 must" in answer.get_json()["detail"]
    federation.site("clinic-b", labelled=1000)
    sly = {"privacy": {"min_examples": 10}, "training": {"validation_fraction": 0.995}}
    answer = federation.call("POST", "/runs", json={"study": "skin", "plan": sly})
    assert "1000, of which 4 would train; at least 10 must" in answer.get_json()["detail"]


def test_no_site_is_a_409_that_names_each_reason(federation: Federation) -> None:
    federation.study()
    federation.site("clinic-a", labelled=3)
    federation.join("clinic-b", approve=False)
    answer = federation.call("POST", "/runs", json={"study": "skin", "plan": PLAN})
    assert answer.status_code == 409
    assert answer.get_json()["error"] == "no_sites"
    assert "clinic-a: too few labelled pictures" in answer.get_json()["detail"]
    assert "clinic-b: not approved yet" in answer.get_json()["detail"]


def test_one_site_that_cannot_be_reached_does_not_hold_up_the_round(
    federation: Federation,
) -> None:
    federation.study()
    a, b = federation.site("clinic-a"), federation.site("clinic-b")
    b.away = True
    run = federation.run(**PLAN)
    tasks = only_round(federation, run)["tasks"]
    assert [(task["state"], task["lost"]) for task in tasks] == [
        ("leased", False),
        ("queued", True),
    ]
    assert "cannot be reached" in tasks[1]["reason"]
    assert [n["reachable"] for n in federation.get("/nodes")["nodes"]] == [True, False]
    federation.deliver(a, trained(a, 1.0, num_examples=10))
    view = only_round(federation, run)
    assert view["state"] == "closed"
    assert view["tasks"][1]["state"] == "expired"
    reason = "Site clinic-b cannot be reached (no connection); the round has closed without it"
    assert view["tasks"][1]["reason"] == reason


def test_a_child_that_lost_the_weights_gets_them_again(federation: Federation) -> None:
    federation.study()
    a = federation.site("clinic-a")
    a.blobs.clear()
    run = federation.run(**PLAN)
    assert states(federation, run) == {"clinic-a": "leased"}
    assert list(a.blobs) == [a.tasks[-1].weights]


def fail(federation: Federation, child: ChildInTest, detail: str = "The trainer ended.") -> None:
    """A child gives its last task up."""
    body = {"code": "trainer_died", "detail": detail}
    federation.post(f"/tasks/{child.tasks[-1].id}/failure", body, child.token)
    federation.settle()


def test_a_failure_ends_the_task_with_its_code(federation: Federation) -> None:
    federation.study()
    a, b = federation.site("clinic-a"), federation.site("clinic-b")
    run = federation.run(**(PLAN | {"quorum": 2}))
    fail(federation, a)
    federation.deliver(b, trained(b, 1.0, num_examples=10))
    task = only_round(federation, run)["tasks"][0]
    assert (task["state"], task["reason"]) == ("failed", "The trainer ended. (trainer_died)")


def test_below_its_quorum_a_round_is_extended_once_and_then_fails(
    federation: Federation, clock: Clock
) -> None:
    federation.study()
    a, b = federation.site("clinic-a"), federation.site("clinic-b")
    run = federation.run(**(PLAN | {"quorum": 2, "deadline_seconds": 500}))
    clock.tick(7)
    federation.deliver(b, trained(b, 1.0, num_examples=10))
    fail(federation, a)
    # Nothing more could come: the time is given again at once, and the work handed out again.
    view = only_round(federation, run)
    assert (view["state"], view["extended"]) == ("open", True)
    assert view["deadline_at"] == view["opened_at"] + 1000
    attempts = [(t["node_name"], t["attempt"], t["state"]) for t in view["tasks"]]
    assert attempts == [
        ("clinic-a", 1, "failed"),
        ("clinic-a", 2, "leased"),
        ("clinic-b", 1, "accepted"),
    ]
    assert a.tasks[0].seed == a.tasks[1].seed
    fail(federation, a)
    assert only_round(federation, run)["state"] == "failed"
    reason = federation.get(f"/runs/{run}")["reason"]
    told = "1 of at least 2 updates accepted (clinic-a: The trainer ended. (trainer_died))"
    assert reason == f"round 1 failed: {told}"
    assert len(a.tasks) == 2


def test_a_failed_run_keeps_the_last_good_model(federation: Federation) -> None:
    federation.study()
    a = federation.site("clinic-a")
    run = federation.run(**(PLAN | {"rounds": 2}))
    federation.deliver(a, trained(a, 1.0, num_examples=10))
    good = only_round(federation, run)["weights_before"]
    fail(federation, a)
    fail(federation, a)
    assert federation.get(f"/runs/{run}")["state"] == "failed"
    assert federation.get("/studies/skin")["current"]["weights"] == good


def test_silence_loses_a_task_and_a_heartbeat_that_names_it_does_not(
    federation: Federation, clock: Clock
) -> None:
    federation.study()
    a, b = federation.site("clinic-a"), federation.site("clinic-b")
    run = federation.run(**(PLAN | {"quorum": 2}))
    clock.tick(50)
    federation.beat(a, tasks=(a.tasks[-1].id,))
    clock.tick(15)
    federation.settle()
    lost = only_round(federation, run)["tasks"][1]
    assert states(federation, run) == {"clinic-a": "leased", "clinic-b": "queued"}
    assert (lost["lost"], lost["reason"]) == (True, "not heard of for 60 s")
    assert b.dropped == []
    assert federation.beat(b, tasks=(b.tasks[-1].id,))["cancelled"] == []
    assert states(federation, run)["clinic-b"] == "leased"
    assert not only_round(federation, run)["tasks"][1]["lost"]


def test_the_coordinator_says_when_the_next_lease_ends(
    federation: Federation, clock: Clock
) -> None:
    federation.study()
    federation.site("clinic-a")
    federation.run(**(PLAN | {"deadline_seconds": 3}))
    assert federation.settle() == pytest.approx(clock.time + 3)


@pytest.mark.parametrize(("quorum", "state", "after"), [(1, "closed", 30), (2, "failed", 60)])
def test_the_deadline_closes_a_round_that_has_its_quorum(
    federation: Federation, clock: Clock, quorum: int, state: str, after: int
) -> None:
    federation.study()
    a, b = federation.site("clinic-a"), federation.site("clinic-b")
    run = federation.run(**(PLAN | {"quorum": quorum, "deadline_seconds": 30}))
    federation.deliver(a, trained(a, 1.0, num_examples=10))
    clock.tick(after - 1)
    federation.settle()
    assert only_round(federation, run)["state"] == "open"
    clock.tick(1)
    federation.settle()
    assert only_round(federation, run)["state"] == state
    assert only_round(federation, run)["extended"] is (after == 60)
    late = federation.deliver(b, trained(b, 9.0, num_examples=10))
    assert late.get_json()["state"] == "late"
    assert late.status_code == 200


def test_what_a_round_has_closed_without_is_late(federation: Federation, clock: Clock) -> None:
    federation.study()
    a, b = federation.site("clinic-a"), federation.site("clinic-b")
    run = federation.run(**(PLAN | {"deadline_seconds": 30}))
    federation.deliver(a, trained(a, 1.0, num_examples=10))
    clock.tick(30)
    federation.settle()
    task = only_round(federation, run)["tasks"][1]
    assert (task["state"], task["reason"]) == ("expired", "the round has closed without it")
    assert b.dropped == [b.tasks[-1].id]
    federation.deliver(b, trained(b, 9.0, num_examples=10))
    view = only_round(federation, run)
    assert view["tasks"][1]["state"] == "late"
    assert [update["status"] for update in view["updates"]] == ["accepted", "late"]
    assert [update["share"] for update in view["updates"]] == [1.0, None]


def test_a_late_update_changes_nothing_and_leaves_no_blob(
    federation: Federation, clock: Clock
) -> None:
    federation.study()
    a, b = federation.site("clinic-a"), federation.site("clinic-b")
    run = federation.run(**(PLAN | {"deadline_seconds": 30}))
    federation.deliver(a, trained(a, 1.0, num_examples=10))
    clock.tick(31)
    federation.settle()
    before = only_round(federation, run)["weights_after"]
    blobs = federation.services.blobs.names()
    update = trained(b, 9.0, num_examples=10)
    assert federation.deliver(b, update).get_json() == federation.deliver(b, update).get_json()
    assert only_round(federation, run)["weights_after"] == before
    assert federation.services.blobs.names() == blobs


def test_stopping_a_run_takes_its_tasks_back(federation: Federation) -> None:
    federation.study()
    a = federation.site("clinic-a")
    run = federation.run(**PLAN)
    assert federation.post(f"/runs/{run}/stop")["state"] == "stopped"
    federation.settle()
    assert a.dropped == [a.tasks[-1].id]
    assert states(federation, run) == {"clinic-a": "cancelled"}
    assert federation.deliver(a, trained(a, 1.0, num_examples=10)).get_json()["state"] == "late"
    assert states(federation, run) == {"clinic-a": "cancelled"}


def test_a_paused_run_ends_its_round_and_opens_no_other(federation: Federation) -> None:
    federation.study()
    a = federation.site("clinic-a")
    run = federation.run(**(PLAN | {"rounds": 2}))
    federation.post(f"/runs/{run}/pause")
    federation.deliver(a, trained(a, 1.0, num_examples=10))
    assert [r["state"] for r in federation.get(f"/runs/{run}/rounds")["rounds"]] == ["closed"]
    federation.post(f"/runs/{run}/resume")
    federation.settle()
    assert only_round(federation, run)["number"] == 2


def test_a_second_run_waits_for_the_first(federation: Federation) -> None:
    federation.study()
    a = federation.site("clinic-a")
    first, second = federation.run(**PLAN), federation.run(**PLAN)
    assert federation.get(f"/runs/{second}")["state"] == "pending"
    federation.deliver(a, trained(a, 1.0, num_examples=10))
    made = only_round(federation, first)["weights_after"]
    assert only_round(federation, second)["weights_before"] == made


def test_another_model_starts_from_a_fresh_one(federation: Federation) -> None:
    federation.study()
    a = federation.site("clinic-a")
    start = federation.get("/studies/skin")["current"]["weights"]
    plan = PLAN | {"model": {"name": "cnn10", "settings": {"dropout": 0.1}}, "seed": 7}
    run = federation.run(**plan)
    view = only_round(federation, run)
    assert view["weights_before"] != start
    assert a.pushes[-1].weights == view["weights_before"]


def test_a_standing_run_trains_when_enough_new_pictures_came(federation: Federation) -> None:
    federation.study()
    a, b = federation.site("clinic-a", 20), federation.site("clinic-b", 20)
    plan = PLAN | {"rounds": 2, "trigger": {"kind": "upload", "min_new_pictures": 4}}
    run = federation.run(**plan)
    federation.beat(a, 23, new_labelled=3)
    federation.settle()
    assert federation.get(f"/runs/{run}")["state"] == "idle"
    federation.beat(a, 24, new_labelled=4)
    federation.settle()
    assert federation.get(f"/runs/{run}")["state"] == "running"
    assert b.tasks == []
    federation.deliver(a, trained(a, 1.0, num_examples=10))
    assert federation.get(f"/runs/{run}")["state"] == "idle"
    assert federation.get(f"/runs/{run}")["round"] == 1


def test_a_standing_round_that_failed_is_not_tried_again_with_the_same_pictures(
    federation: Federation,
) -> None:
    federation.study()
    a = federation.site("clinic-a", 20)
    plan = PLAN | {"rounds": 9, "trigger": {"kind": "upload", "min_new_pictures": 4}}
    run = federation.run(**plan)
    federation.beat(a, 25, new_labelled=5)
    federation.settle()
    fail(federation, a)
    fail(federation, a)
    view = federation.get(f"/runs/{run}")
    assert (view["state"], view["round"]) == ("idle", 1)
    assert "trainer_died" in view["reason"]
    federation.beat(a, 29, new_labelled=9)
    federation.settle()
    assert federation.get(f"/runs/{run}")["round"] == 2


@pytest.mark.parametrize(("deadline", "waits"), [(27, 30), (400, 400)])
def test_a_run_waits_for_sites_that_went_away_as_long_as_a_round_would(
    federation: Federation, clock: Clock, deadline: int, waits: int
) -> None:
    federation.study()
    a = federation.site("clinic-a")
    run = federation.run(**(PLAN | {"rounds": 2, "deadline_seconds": deadline}))
    clock.tick(25)
    federation.deliver(a, trained(a, 1.0, num_examples=10))
    view = federation.get(f"/runs/{run}")
    assert view["state"] == "running"
    assert "not reachable" in view["reason"]
    clock.tick(waits - 1)
    federation.settle()
    assert federation.get(f"/runs/{run}")["state"] == "running"
    clock.tick(1)
    federation.settle()
    assert federation.get(f"/runs/{run}")["state"] == "failed"


def test_the_history_has_one_row_a_round_and_site(federation: Federation) -> None:
    federation.study()
    a, b = federation.site("clinic-a", 30), federation.site("clinic-b", 90)
    run = federation.run(**PLAN)
    metrics = {"val_accuracy": 0.5, "val_examples": 4.0}
    federation.deliver(a, trained(a, 1.0, num_examples=20, metrics=metrics))
    fail(federation, b, "=HYPERLINK(1)")
    text = federation.call("GET", f"/runs/{run}/history.csv").get_data(as_text=True)
    rows = list(csv.DictReader(io.StringIO(text)))
    assert [row["site"] for row in rows] == ["clinic-a", "clinic-b"]
    assert (rows[0]["share"], rows[0]["val_accuracy"]) == ("1.0", "0.5")
    assert rows[1]["task_state"] == "failed"
    assert rows[1]["reason"].startswith("'=")
