"""The agent against a recording master; its steps are called by hand, no thread runs."""

import hashlib
import json
import random
import stat

import numpy as np
import pytest
from sqlalchemy.exc import OperationalError

from child.agent.answers import MasterAway, MasterRefused
from child.agent.backoff import Backoff
from child.agent.heartbeat import Heartbeats
from federated.errors import InvalidInput
from federated.messages import Failure, Progress
from federated.wire import UpdateDocument, encode_update, encode_weights
from tests.child.conftest import named, task_of

REFUSAL = {"error": "forged_count", "detail": "The count is higher than announced."}


@pytest.fixture
def owing(enrolling):
    """An enrolled child that holds an update of `task-1` for the master."""
    push = enrolling.push()
    enrolling.upload(*named(6))
    enrolling.child.heartbeats.beat()
    store = enrolling.child.task_store
    store.add(task_of(push))
    enrolling.child.pictures.deal("skin", "task-1", fraction=0.25, seed=0)
    store.begin("task-1")
    store.trained("task-1", enrolling.child.blobs.put(b"the update's bytes"))
    return enrolling


def test_the_first_heartbeat_enrols_with_what_the_master_may_use(enrolling, master):
    enrolling.child.heartbeats.beat()
    join, beat = master.calls
    assert master.paths() == ["/nodes", "/nodes/node-7/heartbeat"]
    assert join.json["join_token"] == "a-join-token"
    assert join.json["name"] == "site-1"
    assert join.json["url"] == beat.json["url"] == "http://child.example"
    assert enrolling.child.tokens.verify(join.json["push_token"]).role == "master"
    assert beat.headers["Authorization"] == "Bearer node-token"
    assert enrolling.child.contact.standing.node_state == "active"


def test_the_identity_is_kept_for_its_owner_alone(enrolling, make_child, master):
    enrolling.child.heartbeats.beat()
    secret = enrolling.child.state.secrets / "node.json"
    assert stat.S_IMODE(secret.stat().st_mode) == 0o600
    assert stat.S_IMODE(enrolling.child.state.root.stat().st_mode) == 0o700
    restarted = make_child(master=master.url, join_token=None)
    restarted.heartbeats.beat()
    assert master.paths().count("/nodes") == 1
    assert master.paths()[-1] == "/nodes/node-7/heartbeat"


def test_without_a_join_token_it_says_what_is_missing(make_child, master):
    with pytest.raises(InvalidInput, match="join token"):
        make_child(master=master.url, join_token=None).heartbeats.beat()


def test_a_master_that_forgot_the_node_takes_it_in_again(enrolling, master):
    enrolling.child.heartbeats.beat()
    master.answers["heartbeat"] = (401, {"error": "not_authenticated", "detail": "Unknown."})
    with pytest.raises(MasterRefused):
        enrolling.child.heartbeats.beat()
    assert master.paths()[2:] == ["/nodes/node-7/heartbeat", "/nodes", "/nodes/node-7/heartbeat"]


def test_tries_to_enrol_mint_one_push_token(enrolling, master):
    master.answers["nodes"] = (503, {})
    for _ in range(3):
        with pytest.raises(MasterAway):
            enrolling.child.heartbeats.beat()
    assert len({call.json["push_token"] for call in master.calls}) == 1


def test_a_heartbeat_tells_numbers_only(enrolling, master):
    push = enrolling.push()
    enrolling.upload(*named(6), ("PLANTED photo.png", named(7)[6][1]))
    enrolling.child.task_store.add(task_of(push))
    enrolling.child.heartbeats.beat()
    beat = master.wait_for("heartbeat").json
    assert beat["studies"] == {
        "skin": {
            "counts": {"benign": 4, "malignant": 2},
            "new_labelled": 6,
            "weights": push.weights,
            "frozen": None,
            "card": "",
        }
    }
    assert beat["tasks"] == ["task-1"]
    everything = b"".join(call.body for call in master.calls)
    assert b"PLANTED" not in everything
    assert not any(name.encode() in everything for name in enrolling.child.pictures.places("skin"))


def test_tasks_that_the_master_gave_up_are_dropped(enrolling, master):
    enrolling.child.task_store.add(task_of(enrolling.push()))
    master.answers["heartbeat"] = (200, {"state": "active", "cancelled": ["task-1", "other"]})
    enrolling.child.heartbeats.beat()
    assert enrolling.child.task_store.get("task-1").state == "cancelled"


def test_an_update_is_delivered_and_its_pictures_are_no_longer_new(owing, master):
    owing.child.delivery.attempt("task-1")
    call = master.wait_for("/tasks/task-1/update")
    assert (call.method, call.body) == ("PUT", b"the update's bytes")
    assert call.headers["Content-Type"] == "application/x-safetensors"
    assert owing.child.task_store.get("task-1").state == "submitted"
    assert owing.child.pictures.tally("skin").new_labelled == 0


def test_the_record_says_how_far_the_update_is_from_what_it_began_with(owing, master):
    before = encode_weights({"w": np.ones((1, 2), np.float32)})
    document = UpdateDocument(task="task-2", base="0" * 64, num_examples=5, num_steps=1)
    moved = {"w": np.array([[4.0, 5.0]], np.float32)}
    child = owing.child
    task = child.task_store.get("task-1").task
    own = {"id": "task-2", "weights": child.blobs.put(before)}
    child.task_store.add(task.model_copy(update=own))
    child.task_store.begin("task-2")
    child.task_store.trained("task-2", child.blobs.put(encode_update(moved, document)))
    child.delivery.attempt("task-2")
    (sent,) = [one for one in child.departures.latest(9) if one.path.endswith("task-2/update")]
    assert (sent.norm, sent.status) == (5.0, 200)


def test_the_credits_are_kept_for_when_the_master_is_away(enrolling, master):
    child = enrolling.child
    assert child.participation.credits() is None
    master.answers["heartbeat"] = (200, {"state": "active", "credits": 12.5})
    child.heartbeats.beat()
    master.answers["heartbeat"] = (200, {"state": "active"})
    child.heartbeats.beat()
    assert child.participation.credits() == 12.5


def test_the_counts_are_announced_before_an_update_claims_them(owing, master):
    owing.upload(*named(3, start=50))
    owing.child.delivery.attempt("task-1")
    assert master.paths()[-2:] == ["/nodes/node-7/heartbeat", "/tasks/task-1/update"]
    assert master.calls[-2].json["studies"]["skin"]["counts"] == {"benign": 6, "malignant": 3}


def test_counts_that_the_master_knows_are_not_told_again(owing, master):
    owing.child.delivery.attempt("task-1")
    assert master.paths().count("/nodes/node-7/heartbeat") == 1


@pytest.mark.parametrize("status", [408, 429, 500, 503, 401])
def test_an_update_that_was_not_taken_stays_to_be_delivered(owing, master, status):
    master.answers["update"] = (status, REFUSAL)
    with pytest.raises((MasterAway, MasterRefused)):
        owing.child.delivery.attempt("task-1")
    assert owing.child.task_store.get("task-1").state == "delivering"
    del master.answers["update"]
    owing.child.delivery.attempt("task-1")
    assert owing.child.task_store.get("task-1").state == "submitted"


@pytest.mark.parametrize(("status", "state"), [(422, "rejected"), (409, "failed"), (404, "failed")])
def test_an_update_that_was_refused_is_over_with_the_reason(owing, master, status, state):
    master.answers |= {"update": (status, REFUSAL), "failure": (200, {"state": state})}
    owing.child.delivery.attempt("task-1")
    held = owing.child.task_store.get("task-1")
    told = f"The site's update of 18 bytes was refused with status {status}. {REFUSAL['detail']}"
    assert (held.state, held.detail) == (state, told)
    assert master.wait_for("/failure").json == {"code": "delivery_refused", "detail": told}
    assert owing.child.pictures.tally("skin").new_labelled == 6


def test_an_update_that_another_site_sent_sooner_is_no_failure(owing, master):
    master.answers["update"] = (409, {"error": "duplicate", "detail": "Another site was first."})
    owing.child.delivery.attempt("task-1")
    held = owing.child.task_store.get("task-1")
    assert (held.state, held.detail) == ("cancelled", "Another site was first.")


def test_an_answer_that_makes_no_sense_counts_as_none(owing, master):
    master.answers["update"] = (200, {"unexpected": True})
    with pytest.raises(MasterAway, match="no sense"):
        owing.child.delivery.attempt("task-1")
    assert owing.child.task_store.get("task-1").state == "delivering"


def test_a_failure_is_delivered(enrolling, master):
    enrolling.child.task_store.add(task_of(enrolling.push()))
    enrolling.child.heartbeats.beat()
    failure = Failure(code="too_few_examples", detail="Too few.")
    enrolling.child.task_store.fail("task-1", failure)
    enrolling.child.delivery.attempt("task-1")
    assert Failure(**master.wait_for("/tasks/task-1/failure").json) == failure
    assert enrolling.child.task_store.get("task-1").state == "failed"


def test_a_restart_delivers_what_was_left(owing, make_child, master):
    restarted = make_child(master=master.url)
    restarted.delivery.start()
    master.wait_for("/tasks/task-1/update")


def test_a_redirect_is_not_followed(owing, master):
    master.answers["update"] = (307, {"error": "moved", "detail": "Elsewhere."})
    with pytest.raises(MasterRefused):
        owing.child.delivery.attempt("task-1")


def test_a_master_that_is_away(make_child):
    child = make_child()
    with pytest.raises(MasterAway):
        child.heartbeats.beat()
    assert not child.contact.standing.reachable
    (departure,) = child.departures.latest(5)
    assert (departure.path, departure.status) == ("/api/v1/nodes", None)


def test_every_call_is_a_departure_with_its_bytes_and_hash(owing, master):
    owing.child.delivery.attempt("task-1")
    departures = owing.child.departures.latest(10)[::-1]
    assert [d.path for d in departures] == [call.path for call in master.calls]
    assert [d.nbytes for d in departures] == [len(call.body) for call in master.calls]
    assert [d.sha256 for d in departures] == [
        hashlib.sha256(call.body).hexdigest() for call in master.calls
    ]
    assert [d.status for d in departures] == [201, 200, 200]


def test_progress_sends_the_latest_only(owing, master):
    for step in (1, 2, 3):
        owing.child.reporter.report("task-1", Progress(epoch=1, step=step))
    owing.child.reporter.send()
    owing.child.reporter.send()
    (call,) = [call for call in master.calls if call.path.endswith("/progress")]
    assert json.loads(call.body)["step"] == 3


def test_progress_of_a_task_that_is_over_is_no_news(owing, master):
    owing.child.reporter.report("task-1", Progress(epoch=1))
    owing.child.reporter.forget("task-1")
    owing.child.reporter.send()
    assert not any(path.endswith("/progress") for path in master.paths())


def test_a_task_that_is_over_for_the_master_is_given_up(enrolling, master):
    enrolling.child.task_store.add(task_of(enrolling.push()))
    enrolling.child.heartbeats.beat()
    for state, after in (("training", "queued"), ("expired", "cancelled")):
        master.answers["progress"] = (200, {"state": state})
        enrolling.child.reporter.report("task-1", Progress(epoch=1))
        enrolling.child.reporter.send()
        assert enrolling.child.task_store.get("task-1").state == after


def test_progress_that_is_not_taken_does_no_harm(owing, master):
    master.answers["progress"] = (500, {})
    owing.child.reporter.report("task-1", Progress(epoch=1))
    owing.child.reporter.send()
    assert owing.child.task_store.get("task-1").state == "delivering"


def test_progress_that_the_database_cannot_note_does_no_harm(owing, master, monkeypatch):
    def refuse(*_):
        raise OperationalError("INSERT", {}, Exception("the connection is closed"))

    with monkeypatch.context() as away:
        away.setattr(owing.child.departures, "leave", refuse)
        owing.child.reporter.report("task-1", Progress(epoch=1))
        owing.child.reporter.send()
    owing.child.reporter.report("task-1", Progress(epoch=2))
    owing.child.reporter.send()
    (call,) = [call for call in master.calls if call.path.endswith("/progress")]
    assert json.loads(call.body)["epoch"] == 2


def test_delays_double_up_to_a_limit_and_differ_by_site():
    delays = Backoff(random.Random(4), first=1, longest=10)
    other = Backoff(random.Random(5), first=1, longest=10)
    seen = [delays.next() for _ in range(6)]
    for delay, ceiling in zip(seen, (1, 2, 4, 8, 10, 10), strict=True):
        assert ceiling / 2 <= delay <= ceiling
    assert seen != [other.next() for _ in range(6)]
    delays.reset()
    assert delays.next() <= 1
    assert all(delays.next() <= 10 for _ in range(2000))


def test_a_change_is_told_at_once(enrolling, master):
    enrolling.push()
    heartbeats: Heartbeats = enrolling.child.heartbeats
    heartbeats.start()
    master.wait_for("heartbeat")
    enrolling.upload(*named(2))
    # The master asked for one call a minute; this one does not wait for it.
    beat = master.wait_for("heartbeat", count=2, timeout=20)
    assert beat.json["studies"]["skin"]["counts"] == {"benign": 2}
