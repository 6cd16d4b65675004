"""After the last round: each site's model on each other site's validation pictures."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from federated.messages import Task
from federated.states import TaskState
from master.coordinator.cross_site import is_over
from master.garbage_collection import ORPHAN_SECONDS, collect_garbage
from master.store.round_tasks import TaskSummary
from serving.failpoints import AFTER_ROUNDS
from tests.master.federation import ChildInTest, Clock, Federation, trained
from tests.master.test_restart import restarted

PLAN: dict[str, Any] = {
    "rounds": 1,
    "privacy": {"min_examples": 5},
    "training": {"epochs": 1},
    "cross_site": True,
    "deadline_seconds": 900,
}
SHIFTS = {"clinic-a": 1.0, "clinic-b": 2.0, "clinic-c": 4.0}


@pytest.fixture
def three(federation: Federation) -> list[ChildInTest]:
    federation.study()
    return [federation.site(name, pull=name == "clinic-c") for name in SHIFTS]


def averaged(federation: Federation, three: list[ChildInTest], **plan: Any) -> str:
    """A run whose rounds are done, and whose models the sites are to measure."""
    run = federation.run(**(PLAN | plan))
    federation.poll(three[2])
    for child in three:
        update = trained(child, SHIFTS[child.name], num_examples=8)
        assert federation.deliver(child, update).status_code == 200
    return run


def evaluation(task: Task, accuracy: float = 0.75, **changes: Any) -> dict[str, Any]:
    """What a site with 4 validation pictures, 3 of them right, answers to a task."""
    figures = {"loss": 0.5, "accuracy": accuracy, "balanced_accuracy": 0.75, "auc": None}
    figures |= {"confusion": [[2, 1], [0, 1]]}
    return {
        "format": 1,
        "task": task.id,
        "num_examples": 4,
        "figures": dict.fromkeys(task.models, figures),
    } | changes


def put(federation: Federation, child: ChildInTest, document: Any, task: str | None = None) -> Any:
    path = f"/tasks/{task or child.tasks[-1].id}/evaluation"
    data = document if isinstance(document, bytes) else json.dumps(document).encode()
    kind = "application/json"
    answer = federation.call("PUT", path, child.token, data=data, content_type=kind)
    federation.settle()
    return answer


def matrix(federation: Federation, run: str) -> Any:
    return federation.get(f"/runs/{run}/cross-site")


def test_every_site_measures_every_sites_last_update_and_the_global_model(
    federation: Federation, three: list[ChildInTest]
) -> None:
    run = averaged(federation, three)
    assert federation.get(f"/runs/{run}")["state"] == "running"
    view = matrix(federation, run)
    assert (view["state"], view["round"]) == ("open", 1)
    assert [model["name"] for model in view["models"]] == ["global", *SHIFTS]
    hashes = [model["weights"] for model in view["models"]]
    federation.poll(three[2])
    before = federation.weights(federation.get(f"/runs/{run}/rounds/1")["weights_before"])
    for child, accuracy in zip(three, (0.75, 0.5, 0.25), strict=True):
        task = child.tasks[-1]
        assert (task.kind, list(task.models), task.weights) == ("evaluate", hashes, hashes[0])
        if child is not three[2]:
            assert set(hashes) <= set(child.blobs)
        # Whose models they are, the sites are not told.
        assert not any(name in task.model_dump_json() for name in SHIFTS)
        assert put(federation, child, evaluation(task, accuracy)).status_code == 200
    for name, shift in SHIFTS.items():
        column = next(model for model in view["models"] if model["name"] == name)
        for tensor, array in federation.weights(column["weights"]).items():
            np.testing.assert_allclose(array, before[tensor] + shift, rtol=1e-6)
    assert federation.get(f"/runs/{run}")["state"] == "completed"
    view = matrix(federation, run)
    assert view["state"] == "closed"
    assert [site["node_name"] for site in view["sites"]] == list(SHIFTS)
    assert [site["figures"][1]["accuracy"] for site in view["sites"]] == [0.75, 0.5, 0.25]
    assert view["sites"][0]["figures"][3]["confusion"] == [[2, 1], [0, 1]]
    assert view["sites"][0]["num_examples"] == 4
    # The round shows what trained, and nothing else.
    assert len(federation.get(f"/runs/{run}/rounds/1")["tasks"]) == 3


def test_only_weights_travel_to_other_sites_and_only_to_those_who_measure(
    federation: Federation, three: list[ChildInTest]
) -> None:
    averaged(federation, three)
    a, _, c = three
    federation.poll(c)
    task = c.tasks[-1]
    for sha256 in task.models:
        answer = federation.call("GET", f"/weights/{sha256}", c.token)
        assert answer.status_code == 200
        # An update's metadata tells of pictures and figures; this tells nothing.
        assert answer.get_data()[8:80].startswith(
            b'{"__metadata__":{"commonsight":"{\\"format\\":1}"}'
        )
    put(federation, c, evaluation(task))
    for sha256 in task.models[1:]:
        assert federation.call("GET", f"/weights/{sha256}", c.token).status_code == 404
    assert federation.call("GET", f"/weights/{task.models[1]}", a.token).status_code == 200


def test_the_same_bytes_get_the_same_answer_and_others_a_refusal(
    federation: Federation, three: list[ChildInTest]
) -> None:
    averaged(federation, three)
    a = three[0]
    first = put(federation, a, evaluation(a.tasks[-1]))
    again = put(federation, a, evaluation(a.tasks[-1]))
    assert first.status_code == again.status_code == 200
    assert first.get_json() == again.get_json()
    assert first.get_json()["state"] == "accepted"
    other = put(federation, a, evaluation(a.tasks[-1], 0.5))
    assert (other.status_code, other.get_json()["error"]) == (409, "other_evaluation")


@pytest.mark.parametrize("name", ["no JSON", "not a number", "a model left out"])
def test_a_wrong_evaluation_ends_its_task_with_the_reason(
    federation: Federation, three: list[ChildInTest], name: str
) -> None:
    run = averaged(federation, three)
    a, b, c = three
    right = evaluation(a.tasks[-1])
    document = {
        "no JSON": b"{",
        "not a number": json.dumps(right).replace("0.75", "NaN").encode(),
        "a model left out": right | {"figures": dict(list(right["figures"].items())[1:])},
    }[name]
    refused = put(federation, a, document)
    assert refused.status_code == 422, refused.get_data()
    assert put(federation, a, document).get_json() == refused.get_json()
    federation.poll(c)
    for child in (b, c):
        put(federation, child, evaluation(child.tasks[-1]))
    assert federation.get(f"/runs/{run}")["state"] == "completed"
    (row,) = [row for row in matrix(federation, run)["sites"] if row["node"] == a.id]
    assert (row["state"], row["figures"]) == ("rejected", [])
    assert row["reason"] == refused.get_json()["detail"]


def test_a_task_is_answered_with_what_it_asks_for(
    federation: Federation, three: list[ChildInTest]
) -> None:
    run = federation.run(**PLAN)
    a = three[0]
    early = put(federation, a, b"{}")
    assert (early.status_code, early.get_json()["error"]) == (409, "wrong_kind")
    federation.poll(three[2])
    updates = [trained(child, 1.0, num_examples=8) for child in three]
    for child, update in zip(three, updates, strict=True):
        federation.deliver(child, update)
    late = federation.deliver(a, updates[0])
    assert (late.status_code, late.get_json()["error"]) == (409, "wrong_kind")
    assert put(federation, three[1], b"{}", a.tasks[-1].id).status_code == 404
    assert matrix(federation, run)["state"] == "open"


def test_a_site_that_fails_or_falls_silent_has_a_row_that_says_why(
    federation: Federation, three: list[ChildInTest], clock: Clock
) -> None:
    run = averaged(federation, three)
    a, b, c = three
    body = {"code": "too_few_examples", "detail": "Only 3 pictures judge here."}
    federation.post(f"/tasks/{a.tasks[-1].id}/failure", body, a.token)
    put(federation, b, evaluation(b.tasks[-1]))
    federation.poll(c)
    assert federation.get(f"/runs/{run}")["reason"].startswith("each site's model is measured")
    clock.tick(61)
    federation.settle()
    assert federation.get(f"/runs/{run}")["state"] == "completed"
    rows = {row["node_name"]: row for row in matrix(federation, run)["sites"]}
    assert rows["clinic-a"]["reason"] == "Only 3 pictures judge here. (too_few_examples)"
    assert rows["clinic-b"]["reason"] is None
    assert rows["clinic-c"]["reason"] == "not heard of for 60 s; the run is completed without it"
    # What comes after that is late, and changes nothing.
    late = put(federation, c, evaluation(c.tasks[-1]))
    assert (late.status_code, late.get_json()["state"]) == (200, "late")
    assert matrix(federation, run)["sites"][2]["figures"] == []


def test_the_deadline_ends_it_with_what_there_is(
    federation: Federation, three: list[ChildInTest], clock: Clock
) -> None:
    run = averaged(federation, three, deadline_seconds=120)
    put(federation, three[0], evaluation(three[0].tasks[-1]))
    for _ in range(3):
        clock.tick(40)
        for child in three[:2]:
            federation.beat(child, tasks=(child.tasks[-1].id,))
        federation.settle()
    assert federation.get(f"/runs/{run}")["state"] == "completed"
    rows = [row["reason"] for row in matrix(federation, run)["sites"]]
    assert rows[0] is None
    assert rows[1] == "the run is completed without it"


def test_sites_that_cannot_take_part_are_told_of(
    federation: Federation, three: list[ChildInTest]
) -> None:
    federation.site("clinic-d", labelled=4)
    run = averaged(federation, three)
    (row,) = [r for r in matrix(federation, run)["sites"] if r["node_name"] == "clinic-d"]
    assert row["state"] is None
    assert row["reason"].startswith("too few labelled pictures: 4")


def test_a_run_without_it_has_no_matrix(federation: Federation, three: list[ChildInTest]) -> None:
    run = averaged(federation, three, cross_site=False)
    assert federation.get(f"/runs/{run}")["state"] == "completed"
    answer = federation.call("GET", f"/runs/{run}/cross-site")
    assert (answer.status_code, answer.get_json()["error"]) == (404, "no_cross_site")


def test_an_asynchronous_run_shows_each_sites_newest_update(
    federation: Federation, three: list[ChildInTest]
) -> None:
    run = federation.run(**(PLAN | {"rounds": 3, "strategy": {"name": "fedasync"}}))
    a, b, _ = three
    for child in (a, b, a):
        federation.deliver(child, trained(child, 1.0, num_examples=8))
    view = matrix(federation, run)
    assert view["state"] == "open"
    assert [model["name"] for model in view["models"]] == ["global", "clinic-a", "clinic-b"]
    counted = federation.get(f"/runs/{run}/rounds/3")["updates"]
    assert [update["node_name"] for update in counted] == ["clinic-a"]


@pytest.mark.parametrize("strategy", ["fedavg", "fedasync"])
def test_a_pause_calls_no_site_off_and_what_comes_counts(
    federation: Federation, three: list[ChildInTest], strategy: str
) -> None:
    run = federation.run(**(PLAN | {"rounds": 1, "strategy": {"name": strategy}}))
    a, _, c = three
    federation.poll(c)
    for child in three:
        federation.deliver(child, trained(child, 1.0, num_examples=8))
    federation.post(f"/runs/{run}/pause")
    federation.settle()
    assert put(federation, a, evaluation(a.tasks[-1])).status_code == 200
    federation.poll(c)
    assert put(federation, c, evaluation(c.tasks[-1])).status_code == 200
    assert federation.get(f"/runs/{run}")["state"] == "paused"
    federation.post(f"/runs/{run}/resume")
    federation.settle()
    put(federation, three[1], evaluation(three[1].tasks[-1]))
    assert federation.get(f"/runs/{run}")["state"] == "completed"
    assert all(row["figures"] for row in matrix(federation, run)["sites"])


def test_a_killed_master_goes_on_where_it_was(
    federation: Federation, three: list[ChildInTest]
) -> None:
    federation.queues.held = ("gather/",)
    run = averaged(federation, three)
    assert matrix(federation, run)["state"] == "preparing"
    second = restarted(federation)
    second.settle()
    assert matrix(second, run)["state"] == "open"
    a, b, c = three
    put(second, a, evaluation(a.tasks[-1]))
    third = restarted(second)
    third.settle()
    third.poll(c)
    for child in (b, c):
        assert put(third, child, evaluation(child.tasks[-1])).status_code == 200
    assert third.get(f"/runs/{run}")["state"] == "completed"
    assert all(row["figures"] for row in matrix(third, run)["sites"])


def test_a_measurement_passes_the_places_where_a_master_may_die_in_this_order(
    federation: Federation, three: list[ChildInTest]
) -> None:
    passed: list[str] = []
    object.__setattr__(federation.services, "failpoint", passed.append)
    averaged(federation, three)
    put(federation, three[0], evaluation(three[0].tasks[-1]))
    assert [name for name in passed if name in AFTER_ROUNDS] == list(AFTER_ROUNDS)


def test_stopping_the_run_calls_the_sites_off(
    federation: Federation, three: list[ChildInTest]
) -> None:
    run = averaged(federation, three)
    federation.post(f"/runs/{run}/stop")
    federation.settle()
    assert three[0].tasks[-1].id in three[0].dropped
    view = matrix(federation, run)
    assert view["state"] == "closed"
    assert {row["reason"] for row in view["sites"]} == {"stopped by the operator"}


def test_an_update_that_is_gone_leaves_its_column_empty_and_the_run_whole(
    federation: Federation, three: list[ChildInTest], tmp_path: Path
) -> None:
    federation.queues.held = ("gather/",)
    run = averaged(federation, three)
    (gone,) = [
        update["sha256"]
        for update in federation.get(f"/runs/{run}/rounds/1")["updates"]
        if update["node_name"] == "clinic-b"
    ]
    (federation.settings.state / "blobs" / gone).unlink()
    federation.queues.release()
    federation.settle()
    columns = {model["name"]: model for model in matrix(federation, run)["models"]}
    assert columns["clinic-b"]["weights"] is None
    assert columns["clinic-b"]["reason"].startswith("cannot be read")
    assert columns["clinic-c"]["weights"] is not None
    a = three[0]
    assert len(a.tasks[-1].models) == 3
    assert put(federation, a, evaluation(a.tasks[-1])).status_code == 200
    assert matrix(federation, run)["sites"][0]["figures"][2] is None


def test_the_blobs_stay_as_long_as_sites_measure(
    federation: Federation, three: list[ChildInTest]
) -> None:
    run = averaged(federation, three)
    together, *others = [model["weights"] for model in matrix(federation, run)["models"]]

    def collect() -> set[str]:
        services = federation.services
        future = time.time() + 2 * ORPHAN_SECONDS
        collect_garbage(services.database, services.blobs, 10, future)
        return {together, *others} & set(services.blobs.names())

    assert collect() == {together, *others}
    federation.post(f"/runs/{run}/stop")
    federation.settle()
    # The round's own model stays; those of single sites are nobody's business any more.
    assert collect() == {together}


def test_a_run_that_is_stopped_while_its_models_are_gathered_measures_nothing(
    federation: Federation, three: list[ChildInTest]
) -> None:
    federation.queues.held = ("gather/",)
    run = averaged(federation, three)
    federation.post(f"/runs/{run}/stop")
    federation.queues.release()
    federation.settle()
    view = matrix(federation, run)
    assert (view["state"], view["models"], view["sites"]) == ("closed", [], [])


def test_when_a_measurement_ends() -> None:
    def task(state: TaskState, lost: bool = False) -> TaskSummary:
        return TaskSummary("t", "n", 3, 3, "node/n", 1, state, lost, 0, 0)

    training, silent = task(TaskState.TRAINING), task(TaskState.QUEUED, lost=True)
    answered, failed = task(TaskState.ACCEPTED), task(TaskState.FAILED)
    assert not is_over([answered, training], deadline_at=100, now=99)
    assert is_over([answered, training], deadline_at=100, now=100)
    assert is_over([answered, failed, silent], deadline_at=100, now=1)
    assert is_over([], deadline_at=100, now=1)
