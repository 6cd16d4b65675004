"""Several runs at once: one at a time a study, any number of studies, on the same nodes."""

from __future__ import annotations

import pytest

from tests.master.federation import ChildInTest, Federation, trained

PLAN = {"rounds": 2, "privacy": {"min_examples": 5}, "training": {"epochs": 1}}
ASYNCHRONOUS = PLAN | {"strategy": {"name": "fedasync"}}
COUNTS = {"counts": {"benign": 10, "malignant": 10}}


def two_studies(federation: Federation) -> None:
    federation.study()
    federation.study(name="Moles", id="moles")


def beat(federation: Federation, *children: ChildInTest) -> None:
    """The children are heard of, with pictures of both studies and all their tasks."""
    for child in children:
        body = {
            "studies": {"skin": COUNTS, "moles": COUNTS},
            "tasks": [task.id for task in child.tasks],
        }
        federation.post(f"/nodes/{child.id}/heartbeat", body, child.token)
    federation.settle()


def start(federation: Federation, study: str, plan: dict) -> str:
    run = federation.post("/runs", {"study": study, "plan": plan})
    federation.settle()
    return str(run["id"])


def deliver(federation: Federation, child: ChildInTest, run: str) -> None:
    """The update of a child's newest task of a run."""
    task = next(task for task in reversed(child.tasks) if task.run == run)
    one = ChildInTest(child.name, child.id, child.token, child.blobs, child.pushes, [task])
    answer = federation.deliver(child, trained(one, 1.0, num_examples=10), task.id)
    assert answer.status_code == 200, answer.get_json()


def state(federation: Federation, run: str) -> tuple[str, int]:
    view = federation.get(f"/runs/{run}")
    return view["state"], view["round"]


def test_runs_of_two_studies_share_their_nodes_and_neither_waits_for_the_other(
    federation: Federation,
) -> None:
    two_studies(federation)
    a, b = federation.site("clinic-a"), federation.site("clinic-b", pull=True)
    beat(federation, a, b)
    first, second = start(federation, "skin", PLAN), start(federation, "moles", ASYNCHRONOUS)
    assert [task.run for task in a.tasks] == [first, second]
    # The node that asks gets the oldest task first, and the next while it still holds that.
    assert [task.run for task in (federation.poll(b), federation.poll(b)) if task] == [
        first,
        second,
    ]
    deliver(federation, a, first)
    deliver(federation, a, second)
    assert state(federation, second) == ("running", 2)
    deliver(federation, b, first)
    assert state(federation, first) == ("running", 2)
    # The runs take turns: the newer task of the first comes after the older of the second.
    queue = [federation.poll(b), federation.poll(b)]
    assert [task.run for task in queue if task] == [first]
    deliver(federation, b, second)
    assert state(federation, second) == ("completed", 2)
    for child in (a, b):
        deliver(federation, child, first)
    assert state(federation, first) == ("completed", 2)
    for run, study in ((first, "skin"), (second, "moles")):
        current = federation.get(f"/studies/{study}")["current"]
        assert (current["run"], current["round"]) == (run, 2)


@pytest.mark.parametrize("plan", [PLAN, ASYNCHRONOUS])
def test_a_run_of_a_busy_study_says_which_run_it_waits_for(
    federation: Federation, plan: dict
) -> None:
    federation.study()
    a = federation.site("clinic-a")
    first, second = start(federation, "skin", plan), start(federation, "skin", PLAN)
    assert state(federation, second) == ("pending", 0)
    reason = f"waits for run {first} of this study to end"
    assert federation.get(f"/runs/{second}")["reason"] == reason
    # A pause in the midst of a round leaves the model in that run's hands.
    federation.post(f"/runs/{first}/pause")
    federation.settle()
    assert state(federation, second) == ("pending", 0)
    deliver(federation, a, first)
    assert state(federation, second) == ("running", 1)
    made = federation.get(f"/runs/{first}/rounds/1")["weights_after"]
    assert federation.get(f"/runs/{second}/rounds/1")["weights_before"] == made


def test_a_paused_run_cannot_go_on_while_another_is_at_work(federation: Federation) -> None:
    federation.study()
    a = federation.site("clinic-a")
    first, second = start(federation, "skin", PLAN), start(federation, "skin", PLAN)
    federation.post(f"/runs/{first}/pause")
    deliver(federation, a, first)
    answer = federation.call("POST", f"/runs/{first}/resume")
    assert (answer.status_code, answer.get_json()["error"]) == (409, "study_busy")
    assert second in answer.get_json()["detail"]
    federation.post(f"/runs/{second}/stop")
    federation.post(f"/runs/{first}/resume")
    federation.settle()
    assert state(federation, first) == ("running", 2)


@pytest.mark.parametrize("plan", [PLAN, ASYNCHRONOUS])
def test_stopping_a_run_lets_the_next_one_begin(federation: Federation, plan: dict) -> None:
    federation.study()
    a = federation.site("clinic-a")
    first, second = start(federation, "skin", plan), start(federation, "skin", plan)
    federation.post(f"/runs/{first}/stop")
    federation.settle()
    assert [state(federation, run)[0] for run in (first, second)] == ["stopped", "running"]
    assert a.dropped == [a.tasks[0].id]
    (task,) = federation.get(f"/runs/{first}")["tasks"]
    assert (task["state"], task["reason"]) == ("cancelled", "stopped by the operator")


def test_a_standing_run_lets_others_of_its_study_work_while_it_waits(
    federation: Federation,
) -> None:
    federation.study()
    a = federation.site("clinic-a")
    upload = PLAN | {"trigger": {"kind": "upload", "min_new_pictures": 4}}
    standing = start(federation, "skin", upload)
    other = start(federation, "skin", PLAN)
    assert [state(federation, run)[0] for run in (standing, other)] == ["idle", "running"]
    federation.beat(a, 24, new_labelled=4)
    federation.settle()
    assert state(federation, standing) == ("idle", 0)
    federation.post(f"/runs/{other}/stop")
    federation.settle()
    assert state(federation, standing) == ("running", 1)
