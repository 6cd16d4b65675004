"""Bad updates at the real master: a clear answer, and the round goes on without them."""

import base64
import socket
from urllib.parse import urlsplit

import numpy as np
import pytest
from safetensors.numpy import save

from tests.e2e.averaging import read_blob
from tests.e2e.hostile_node import CONTENT_TYPE, HostileNode, update
from tests.e2e.running import finished, new_study, plan

STUDY = "bad-updates"
COUNTS = {"blue": 7, "red": 6}


@pytest.fixture(scope="module")
def hostile(running):
    new_study(running, STUDY, {"site-1": {"blue": 5, "red": 4}})
    node = HostileNode(running.master, "hostile")
    yield node
    running.master.call("PATCH", f"/nodes/{node.id}", json={"state": "suspended"})
    node.close()


@pytest.fixture
def task(running, hostile):
    """A task of a fresh run that the hostile node and an honest child share."""
    hostile.announce(STUDY, COUNTS)
    run = running.master.start_run(STUDY, plan(training={"validation_fraction": 0.0}))
    task = hostile.next_task()
    assert task["run"] == run.id
    yield task
    # A test that failed half-way leaves nothing that the next one would wait for.
    if running.master.run(run.id).state not in ("completed", "failed"):
        running.master.call("POST", f"/runs/{run.id}/stop")


@pytest.fixture
def tensors(hostile, task):
    """What an honest update of the task might hold."""
    return {name: array + np.float32(0.5) for name, array in hostile.base(task).items()}


def without(tensors):
    return dict(list(tensors.items())[1:])


def changed(tensors, change):
    """The tensors with the first one that has several values changed."""
    name = next(name for name, array in tensors.items() if array.size > 1)
    return tensors | {name: change(tensors[name])}


def with_value(value):
    def change(array):
        array = array.copy()
        array.flat[1] = value
        return array

    return change


TENSOR_FAULTS = {
    "a missing tensor": without,
    "a tensor too many": lambda tensors: tensors | {"more": np.zeros(3, np.float32)},
    "a wrong shape": lambda tensors: changed(tensors, lambda array: array.reshape(-1)[:-1]),
    "a wrong dtype": lambda tensors: changed(tensors, lambda array: array.astype(np.float64)),
    "whole numbers": lambda tensors: changed(tensors, lambda array: array.astype(np.int32)),
    "NaN": lambda tensors: changed(tensors, with_value(np.nan)),
    "infinity": lambda tensors: changed(tensors, with_value(-np.inf)),
}
DOCUMENT_FAULTS = {
    "no examples": {"num_examples": 0},
    "fewer than no examples": {"num_examples": -5},
    "more examples than there are pictures in the world": {"num_examples": 10**12},
    "more examples than were announced": {"num_examples": 14},
    "examples as a text": {"num_examples": "12"},
    "half an example": {"num_examples": 0.5},
    "other weights to start from": {"base": "0" * 64},
    "a format of the future": {"format": 2},
    "another task": {"task": "some-other-task"},
}


def assert_refused(response, status):
    assert response.status_code == status, response.text
    answer = response.json()
    assert answer["error"]
    assert len(answer["detail"]) > 20
    return answer


def assert_round_goes_on_without(running, task, reason):
    """The round ends with the honest update alone, and says why it left the other out."""
    assert finished(running, task["run"]).state == "completed"
    (one,) = running.master.rounds(task["run"])
    states = {view.node_name: view for view in one.tasks}
    assert (states["site-1"].state, states["hostile"].state) == ("accepted", "rejected")
    assert states["hostile"].reason
    assert reason in states["hostile"].reason
    shares = {view.node_name: view.share for view in one.updates if view.share}
    assert shares == {"site-1": 1.0}
    (honest,) = (view for view in one.updates if view.node_name == "site-1")
    made, sent = (read_blob(running.state, sha) for sha in (one.weights_after, honest.sha256))
    assert all((made[name] == sent[name]).all() for name in made)


@pytest.mark.parametrize("fault", list(TENSOR_FAULTS))
def test_wrong_tensors_are_rejected(running, hostile, task, tensors, fault):
    body = update(task, TENSOR_FAULTS[fault](tensors))
    answer = assert_refused(hostile.send(task["id"], body), 422)
    assert_round_goes_on_without(running, task, answer["detail"].split(".")[0])


@pytest.mark.parametrize("fault", list(DOCUMENT_FAULTS))
def test_wrong_documents_are_rejected(running, hostile, task, tensors, fault):
    body = update(task, tensors, **DOCUMENT_FAULTS[fault])
    answer = assert_refused(hostile.send(task["id"], body), 422)
    assert_round_goes_on_without(running, task, answer["detail"].split(".")[0])


def test_an_update_without_a_document_is_rejected(running, hostile, task, tensors):
    answer = assert_refused(hostile.send(task["id"], save(tensors)), 422)
    assert_round_goes_on_without(running, task, answer["detail"].split(".")[0])


def test_transport_faults_leave_the_task_as_it_is(running, hostile, task, tensors):
    good = update(task, tensors)
    faults = {
        "cut short": good[: len(good) // 2],
        "not safetensors": b"PK\x03\x04 this is something else" * 20,
        "empty": b"",
        "a header of the size of the moon": (2**60).to_bytes(8, "little") + b"{}",
        "a pickle": b"\x80\x04\x95\x0b\x00\x00\x00\x00\x00\x00\x00\x8c\x07builtin",
    }
    for what, body in faults.items():
        response = hostile.send(task["id"], body)
        assert 400 <= response.status_code < 500, what
        assert response.json()["detail"], what
        assert _state(running, task) in ("queued", "leased", "training"), what
    assert_refused(hostile.send(task["id"], good + bytes(64 << 20)), 413)
    _send_half_and_hang_up(hostile, task, good)
    assert hostile.send(task["id"], good).ok
    assert finished(running, task["run"]).state == "completed"
    (one,) = running.master.rounds(task["run"])
    shares = {view.node_name: view.share for view in one.updates}
    # 12 of 21 examples: the hostile node claims 12 and the honest child has 9.
    assert shares == {"hostile": pytest.approx(12 / 21), "site-1": pytest.approx(9 / 21)}


def test_the_same_update_again_is_the_same_and_another_is_a_conflict(
    running, hostile, task, tensors
):
    body = update(task, tensors)
    first = hostile.send(task["id"], body)
    again = hostile.send(task["id"], body)
    assert first.ok
    assert again.ok
    assert again.json()["sha256"] == first.json()["sha256"]
    assert_refused(hostile.send(task["id"], update(task, tensors, num_examples=3)), 409)
    assert finished(running, task["run"]).state == "completed"
    (one,) = running.master.rounds(task["run"])
    assert [view.num_examples for view in one.updates if view.node_name == "hostile"] == [12]


def test_an_update_as_text_is_the_same_update(running, hostile, task, tensors):
    body = update(task, tensors)
    text = base64.b64encode(body).decode()
    response = hostile.session.put(
        f"{hostile.api}/tasks/{task['id']}/update", json={"model": text}, timeout=60
    )
    assert response.ok, response.text
    assert hostile.send(task["id"], body).json()["sha256"] == response.json()["sha256"]
    assert finished(running, task["run"]).state == "completed"


def test_nobody_answers_for_another(running, hostile, task, tensors):
    """Neither under another's address nor without a token; then the honest way works."""
    (one,) = running.master.rounds(task["run"])
    (honest,) = (view.id for view in one.tasks if view.node_name == "site-1")
    theft = hostile.send(honest, update(task | {"id": honest}, tensors))
    assert theft.status_code in (403, 404)
    assert hostile.send("no-such-task", update(task, tensors)).status_code in (403, 404)
    for token in ("Bearer wrong", "", "Basic YTpi"):
        response = hostile.send(task["id"], update(task, tensors), Authorization=token)
        assert response.status_code == 401
    assert hostile.send(task["id"], update(task, tensors)).ok
    assert finished(running, task["run"]).state == "completed"


def test_a_node_gets_only_the_weights_that_its_tasks_name(running, hostile, task, tensors):
    other = hostile.session.get(f"{hostile.api}/weights/{'0' * 64}", timeout=30)
    assert other.status_code in (403, 404)
    hostile.send(task["id"], update(task, tensors))
    finished(running, task["run"])
    (one,) = running.master.rounds(task["run"])
    (honest,) = (view.sha256 for view in one.updates if view.node_name == "site-1")
    private = hostile.session.get(f"{hostile.api}/weights/{honest}", timeout=30)
    assert private.status_code in (403, 404)


def _state(running, task):
    (one,) = running.master.rounds(task["run"])
    (view,) = (view for view in one.tasks if view.id == task["id"])
    return view.state


def _send_half_and_hang_up(hostile, task, body):
    """A connection that breaks: the body is shorter than its announced length."""
    parts = urlsplit(hostile.api)
    head = (
        f"PUT {parts.path}/tasks/{task['id']}/update HTTP/1.1\r\nHost: {parts.netloc}\r\n"
        f"Authorization: {hostile.session.headers['Authorization']}\r\n"
        f"Content-Type: {CONTENT_TYPE}\r\nContent-Length: {len(body)}\r\n\r\n"
    )
    with socket.create_connection((parts.hostname, parts.port)) as connection:
        connection.sendall(head.encode() + body[: len(body) // 2])
