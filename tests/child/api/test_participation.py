import pytest

from federated.views import Participation
from tests.child.conftest import task_of

PATH = "/api/v1/participation"


def change(pushed, **body):
    return pushed.client.put(PATH, json=body, headers=pushed.site)


def offer(pushed, push, name="task-1"):
    task = task_of(push).model_copy(update={"id": name})
    answer = pushed.client.post(
        "/api/v1/tasks", json=task.model_dump(mode="json"), headers=pushed.master
    )
    assert answer.status_code == 202
    held = pushed.child.task_store.get(name)
    return task.plan.sha256, held.state, held.failure.code if held.failure else None


def told(pushed):
    return Participation.model_validate(pushed.client.get(PATH, headers=pushed.site).json)


def test_a_site_approves_a_plan_by_its_hash(pushed):
    push = pushed.push()
    assert change(pushed, approval="ask").json["approval"] == "ask"
    name, state, code = offer(pushed, push)
    assert (state, code) == ("delivering", "plan_undecided")
    (met,) = told(pushed).plans
    assert (met.sha256, met.decision, met.plan) == (name, "undecided", push.plan)
    assert (met.nbytes, met.pictures) == (push.signature.nbytes, 0)
    change(pushed, approve={"plan": name, "decision": "approved"})
    assert offer(pushed, push, "task-2")[1:] == ("queued", None)


def test_declining_gives_up_what_is_under_way(pushed):
    name, state, _ = offer(pushed, pushed.push())
    assert state == "queued"
    answer = change(pushed, approve={"plan": name, "decision": "declined"})
    assert answer.json["plans"][0]["decision"] == "declined"
    held = pushed.child.task_store.get("task-1")
    assert (held.state, held.failure.code) == ("delivering", "plan_declined")


def test_asking_gives_up_what_nobody_has_approved(pushed):
    offer(pushed, pushed.push())
    change(pushed, approval="ask")
    assert pushed.child.task_store.get("task-1").failure.code == "plan_undecided"


def test_limits_are_kept_and_replaced_as_a_whole(pushed):
    hours = {"opens": "22:00", "closes": "06:30"}
    answer = change(pushed, limits={"hours": hours, "threads": 3})
    assert answer.json["limits"] == {"hours": hours, "threads": 3}
    assert pushed.child._trainer._command[-4:-2] == ["--threads", "3"]
    assert change(pushed, limits={}).json["limits"] == {"hours": None, "threads": None}
    assert pushed.child._trainer._command[-4:-2] == ["--threads", "1"]
    assert not told(pushed).paused


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"paused": True, "pause": 1},
        {"paused": True, "limits": {"hours": {"opens": "24:00", "closes": "06:00"}}},
        {"paused": True, "limits": {"hours": {"opens": "06:00", "closes": "06:00"}}},
        {"paused": True, "limits": {"threads": 0}},
        {"paused": True, "limits": {"cores": 2}},
        {"paused": True, "approve": {"plan": "x", "decision": "approved"}},
    ],
)
def test_what_makes_no_sense_changes_nothing(pushed, body):
    answer = change(pushed, **body)
    assert (answer.status_code, answer.json["error"]) == (422, "invalid_input")
    assert not pushed.child.participation.paused()


def test_an_unknown_plan_changes_nothing(pushed):
    answer = change(pushed, paused=True, approve={"plan": "0" * 64, "decision": "declined"})
    assert (answer.status_code, answer.json["error"]) == (404, "unknown_plan")
    assert not pushed.child.participation.paused()
