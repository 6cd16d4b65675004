"""Nodes that the master cannot call: they ask for work, models and news, stepped by hand."""

from __future__ import annotations

from contextlib import AbstractContextManager
from typing import Any

import pytest
from sqlalchemy.orm import Session

from federated.messages import StudyPush, Task
from master.store.deliveries import MOST_MODELS
from tests.master.federation import ChildInTest, Clock, Federation, trained

PLAN = {"rounds": 1, "privacy": {"min_examples": 5}, "training": {"epochs": 1}}


def ask(federation: Federation, child: ChildInTest) -> Any:
    return federation.call("GET", "/tasks/next?wait=0", child.token)


def may_read(federation: Federation, child: ChildInTest, sha256: str) -> bool:
    answer = federation.call("GET", f"/weights/{sha256}", child.token)
    assert answer.status_code in (200, 404)
    return bool(answer.status_code == 200)


def current(federation: Federation, study: str = "skin") -> str:
    return str(federation.get(f"/studies/{study}")["current"]["weights"])


def node(federation: Federation, child: ChildInTest) -> Any:
    return next(view for view in federation.get("/nodes")["nodes"] if view["id"] == child.id)


def beat(federation: Federation, child: ChildInTest, weights: str | None = None) -> Any:
    counts = {"benign": 11, "malignant": 9}
    report = {"counts": counts, "new_labelled": 0, "weights": weights}
    body = {"studies": {"skin": report}}
    return federation.post(f"/nodes/{child.id}/heartbeat", body, child.token)


def test_a_round_with_a_node_that_asks_and_one_that_is_called(federation: Federation) -> None:
    federation.study()
    asks, called = federation.site("clinic-a", pull=True), federation.site("clinic-b")
    run = federation.run(**PLAN)
    (begun,) = called.tasks
    answer = ask(federation, asks)
    task = Task.model_validate(answer.get_json())
    # The message is the one that others get by POST, but for what is each node's own.
    own = {"id": task.id, "seed": task.seed}
    assert answer.get_json() == begun.model_copy(update=own).model_dump(mode="json")
    federation.poll(asks)
    federation.deliver(asks, trained(asks, 3.0, num_examples=11))
    federation.deliver(called, trained(called, 1.0, num_examples=5))
    view = federation.get(f"/runs/{run}/rounds/1")
    assert [update["share"] for update in view["updates"]] == [11 / 16, 5 / 16]
    assert [node(federation, child)["mode"] for child in (asks, called)] == ["pull", "push"]
    assert not [call for call in federation.children.calls if call[0] == "clinic-a"]


def test_a_task_is_its_nodes_from_its_first_report_on(federation: Federation) -> None:
    federation.study()
    a = federation.site("clinic-a", pull=True)
    run = federation.run(**PLAN)

    def state() -> str:
        (task,) = federation.get(f"/runs/{run}/rounds/1")["tasks"]
        return str(task["state"])

    first, again = ask(federation, a).get_json(), ask(federation, a).get_json()
    assert first == again
    assert state() == "queued"
    assert federation.report(a, first["id"], epoch=0, note="fetching the model") == {
        "state": "leased"
    }
    assert state() == "leased"
    assert ask(federation, a).status_code == 204
    assert federation.report(a, first["id"], epoch=1) == {"state": "training"}
    assert federation.report(a, first["id"], epoch=0) == {"state": "training"}


def test_a_node_that_may_not_work_gets_nothing(federation: Federation) -> None:
    federation.study()
    pending = federation.join("clinic-a", approve=False, pull=True)
    assert ask(federation, pending).status_code == 204
    b = federation.site("clinic-b", pull=True)
    federation.run(**PLAN)
    federation.call("PATCH", f"/nodes/{b.id}", json={"state": "suspended"})
    federation.settle()
    assert ask(federation, b).status_code == 204


def test_a_node_that_is_called_may_ask_too(federation: Federation) -> None:
    federation.study()
    a = federation.site("clinic-a")
    a.away = True
    run = federation.run(**PLAN)
    assert federation.poll(a) is not None
    federation.deliver(a, trained(a, 1.0, 10))
    assert federation.get(f"/runs/{run}")["state"] == "completed"


@pytest.mark.parametrize("wait", ["-1", "x", "1.5", ""])
def test_a_wait_that_is_no_number_is_refused(federation: Federation, wait: str) -> None:
    a = federation.join("clinic-a", pull=True)
    assert federation.call("GET", f"/tasks/next?wait={wait}", a.token).status_code == 422


def test_it_hears_which_models_to_fetch_until_it_holds_them(federation: Federation) -> None:
    weights = federation.study()["current"]["weights"]
    a = federation.join("clinic-a", pull=True)
    (told,) = beat(federation, a)["models"]
    push = StudyPush.model_validate(told)
    assert (push.study.id, push.weights, push.round) == ("skin", weights, 0)
    assert may_read(federation, a, push.weights)
    assert node(federation, a)["received"] == {}
    assert beat(federation, a, weights)["models"] == []
    received = node(federation, a)["received"]["skin"]
    assert (received["weights"], received["http_status"]) == (weights, 200)
    assert received["detail"] == "received global model"
    beat(federation, a, weights)
    events = [event["kind"] for event in federation.get("/events")["events"]]
    assert events.count("model_sent") == 1


def test_it_hears_of_the_model_of_the_next_round(federation: Federation) -> None:
    before = federation.study()["current"]["weights"]
    a = federation.site("clinic-a", pull=True)
    beat(federation, a, before)
    federation.run(**PLAN)
    federation.poll(a)
    federation.deliver(a, trained(a, 2.0, 10))
    (told,) = beat(federation, a, before)["models"]
    assert (told["weights"], told["round"]) == (current(federation), 1)
    assert told["weights"] != before


def test_a_hash_that_is_no_global_model_is_not_taken_for_one(federation: Federation) -> None:
    federation.study()
    a = federation.join("clinic-a", pull=True)
    assert len(beat(federation, a, "f" * 64)["models"]) == 1
    assert node(federation, a)["received"] == {}


def test_only_a_few_models_are_told_at_once(federation: Federation) -> None:
    for number in range(MOST_MODELS + 2):
        body = {"id": f"study-{number}", "name": "Skin", "classes": ["a", "b"], "size": 8}
        federation.post("/studies", body)
    federation.settle()
    a = federation.join("clinic-a", pull=True)
    told = beat(federation, a)["models"]
    assert [push["study"]["id"] for push in told] == [f"study-{i}" for i in range(MOST_MODELS)]


def test_models_are_told_to_nobody_who_may_not_have_them(federation: Federation) -> None:
    weights = federation.study()["current"]["weights"]
    pending = federation.join("clinic-a", approve=False, pull=True)
    assert beat(federation, pending)["models"] == []
    assert not may_read(federation, pending, weights)
    called = federation.site("clinic-b")
    assert beat(federation, called)["models"] == []


@pytest.mark.parametrize(
    ("pull", "approve", "tasks", "seconds"),
    [
        (True, True, (), 30),
        (True, True, ("r1-1-n1",), 5),
        (True, False, (), 5),
        (False, True, (), 5),
    ],
)
def test_how_soon_the_next_heartbeat_is_wanted(
    federation: Federation, pull: bool, approve: bool, tasks: tuple[str, ...], seconds: float
) -> None:
    a = federation.join("clinic-a", approve=approve, pull=pull)
    assert federation.beat(a, tasks=tasks)["interval_seconds"] == seconds


def test_a_heartbeat_that_tells_nothing_new_writes_nothing(
    federation: Federation, monkeypatch: pytest.MonkeyPatch
) -> None:
    weights = federation.study()["current"]["weights"]
    a = federation.join("clinic-a", pull=True)
    beat(federation, a, weights)

    written: list[str] = []
    write = federation.services.database.write

    def noted() -> AbstractContextManager[Session]:
        written.append("once")
        return write()

    monkeypatch.setattr(federation.services.database, "write", noted)
    assert beat(federation, a, weights)["state"] == "active"
    assert written == []
    beat(federation, a, None)
    assert written == ["once"]


def test_a_heartbeat_brings_a_node_back_that_was_not_there(
    federation: Federation, clock: Clock
) -> None:
    federation.study()
    a = federation.join("clinic-a", pull=True)
    beat(federation, a)
    clock.tick(100)
    assert not node(federation, a)["reachable"]
    federation.services.wakeup.wait(0)
    beat(federation, a)
    assert node(federation, a)["reachable"]


def test_a_node_reads_what_its_work_starts_from_and_what_everybody_should_hold(
    federation: Federation,
) -> None:
    initial = federation.study()["current"]["weights"]
    a, b = federation.site("clinic-a", pull=True), federation.site("clinic-b", labelled=2)
    run = federation.run(**PLAN | {"rounds": 2})
    assert may_read(federation, a, initial)
    assert may_read(federation, b, initial)
    federation.poll(a)
    federation.deliver(a, trained(a, 1.0, 10))
    view = federation.get(f"/runs/{run}/rounds/1")
    # The first round is over, and the second starts from what it has made.
    assert may_read(federation, a, view["weights_after"])
    for secret in (view["updates"][0]["sha256"], initial, "0" * 64):
        assert not may_read(federation, a, secret)


def test_work_on_an_older_model_keeps_it_readable_for_its_node_alone(
    federation: Federation,
) -> None:
    initial = federation.study()["current"]["weights"]
    a, b = federation.site("clinic-a", pull=True), federation.site("clinic-b", pull=True)
    federation.run(**PLAN | {"rounds": 3, "strategy": {"name": "fedasync"}})
    federation.poll(a)
    federation.poll(b)
    federation.deliver(a, trained(a, 1.0, 10))
    assert current(federation) != initial
    assert may_read(federation, b, initial)
    assert not may_read(federation, a, initial)


def test_the_models_that_nodes_fetch_are_counted(federation: Federation) -> None:
    weights = federation.study()["current"]["weights"]
    a = federation.join("clinic-a", pull=True)
    nbytes = len(federation.call("GET", f"/weights/{weights}").get_data())
    federation.call("GET", f"/weights/{weights}", a.token)
    sample = federation.services.metrics.registry.get_sample_value
    assert sample("commonsight_model_bytes_total") == nbytes


def test_polls_are_counted_by_what_they_brought(federation: Federation, clock: Clock) -> None:
    federation.study()
    a = federation.site("clinic-a", pull=True)
    ask(federation, a)
    federation.run(**PLAN)
    clock.tick(3)
    ask(federation, a)
    sample = federation.services.metrics.registry.get_sample_value
    answered = "commonsight_polls_answered_total"
    assert [sample(answered, {"outcome": word}) for word in ("nothing", "task")] == [1, 1]
    # The task had waited, but nobody had waited for it.
    assert sample("commonsight_poll_seconds_sum") == 0


def test_a_node_that_has_fetched_its_model_gives_the_coordinator_nothing_to_do(
    federation: Federation,
) -> None:
    weights = federation.study()["current"]["weights"]
    a = federation.join("clinic-a", pull=True)
    beat(federation, a)
    wakeup = federation.services.wakeup
    wakeup.wait(0)
    beat(federation, a, weights)
    assert not wakeup.pending
    federation.beat(a, labelled=30)
    assert wakeup.pending
