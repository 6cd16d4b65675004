"""Polling, one step after the other, against a master that speaks the contract."""

from collections import deque

import numpy as np
import pytest
from sqlalchemy.exc import OperationalError

from child.global_models import largest_blob
from federated.messages import Failure
from federated.signature import signature_of
from federated.study import Study
from federated.wire import encode_weights
from tests.child.agent.conftest import take
from tests.child.conftest import named, study_push, task_of
from tests.child.pull_master import HANG_UP, Reply


def held(site, task="task-1"):
    """The state of a task at the child."""
    return site.child.task_store.get(task).state


def test_a_child_that_is_not_enrolled_waits(make_pulling, asked):
    site = make_pulling()
    assert site.child.pull.polling.step() is None
    assert asked.paths() == []


def test_a_child_that_the_master_can_call_does_not_ask(make_child, asked):
    child = make_child(master=asked.url, url="http://child.example")
    assert child.pull is None


def test_it_enrols_without_an_address(pulling, asked):
    join, beat = asked.calls
    assert (join.json["url"], join.json["push_token"], beat.json["url"]) == (None, None, None)


def test_an_address_given_after_enrolment_does_not_keep_it_from_asking(
    pulling, make_pulling, asked
):
    """The master has none, so it would wait for calls that never come."""
    restarted = make_pulling(url="auto")
    asked.hold = 0.01
    assert restarted.child.pull.polling.step() > 0
    assert restarted.client.get("/api/v1/status", headers=restarted.site).json["mode"] == "pull"


def test_an_address_taken_away_after_enrolment_makes_it_ask(make_child, asked):
    called = make_child(master=asked.url, url="http://child.example")
    called.url = "http://child.example"
    called.heartbeats.beat()
    assert make_child(master=asked.url, url="http://child.example").pull is None
    assert make_child(master=asked.url, url=None).pull is not None


def test_a_task_is_taken_with_its_study_and_weights(pulling, asked, model):
    push = model()
    asked.offer(task_of(push))
    step = pulling.child.pull.polling.step
    assert step() == 0
    assert asked.states["task-1"] == "queued"
    # However slow its line is, the master knows from now on that the site has it.
    assert step() == 0
    assert asked.states["task-1"] == "leased"
    assert step() == 0
    assert asked.paths()[2:] == [
        "GET /tasks/next?wait=25",
        "POST /tasks/task-1/progress",
        f"GET /weights/{push.weights}",
    ]
    progress = asked.calls[-2].json
    assert (progress["epoch"], progress["epochs"]) == (0, 1)
    study = pulling.child.studies.get("skin")
    assert study.current == push
    assert held(pulling) == "queued"
    # Other sites may have the next task while this one is not done.
    assert step() is None


def test_weights_that_are_here_are_not_fetched_again(pulling, asked, model):
    push = model()
    for name in ("task-1", "task-2"):
        asked.offer(task_of(push, name))
        take(pulling)
        pulling.child.task_store.end(name, "submitted")
    assert asked.paths("weights") == [f"GET /weights/{push.weights}"]
    assert asked.states["task-2"] == "leased"


def test_a_task_from_older_weights_leaves_the_current_model_alone(pulling, asked, model):
    newest = model(3.5, run="run-1", round=4)
    pulling.child.pull.hear([newest])
    pulling.child.pull.updates.fetch()
    old = model(1.25)
    asked.offer(task_of(old))
    take(pulling)
    assert held(pulling) == "queued"
    assert pulling.child.blobs.has(old.weights)
    assert pulling.child.studies.get("skin").current == newest


def test_what_is_asked_is_a_departure(pulling, asked, model):
    push = model()
    asked.offer(task_of(push))
    take(pulling)
    poll, _, weights = pulling.child.departures.latest(3)[::-1]
    assert (poll.method, poll.path) == ("GET", "/api/v1/tasks/next?wait=25")
    assert (weights.method, weights.path) == ("GET", f"/api/v1/weights/{push.weights}")
    for departure in (poll, weights):
        assert (departure.nbytes, departure.sha256, departure.status) == (0, None, 200)


def test_an_answer_that_is_lost_costs_nothing(pulling, asked, model):
    asked.offer(task_of(model()))
    asked.faults["poll"] = deque([HANG_UP, Reply(cut=200)])
    step = pulling.child.pull.polling.step
    assert 0 < step() < 1
    assert 0 < step() < 1
    assert pulling.child.task_store.latest() is None
    take(pulling)
    assert held(pulling) == "queued"


@pytest.mark.parametrize("fault", [HANG_UP, Reply(503), Reply(200, ["no receipt"])])
def test_an_acknowledgement_is_told_until_it_is_heard(pulling, asked, model, fault):
    asked.offer(task_of(model()))
    asked.faults["progress"] = deque([fault, fault])
    step = pulling.child.pull.polling.step
    step()
    assert step() > 0
    assert step() > 0
    assert step() == 0
    assert asked.states["task-1"] == "leased"
    assert len(asked.paths("progress")) == 3
    assert len(asked.paths("next")) == 1


def test_an_acknowledgement_need_not_be_told_of_a_task_that_is_over(pulling, asked, model):
    asked.offer(task_of(model()))
    pulling.child.pull.polling.step()
    pulling.child.task_store.end("task-1", "submitted")
    pulling.child.pull.polling.step()
    assert asked.paths("progress") == []


def test_a_task_that_the_master_gave_up_meanwhile_is_dropped(pulling, asked, model):
    asked.offer(task_of(model()))
    pulling.child.pull.polling.step()
    asked.states["task-1"] = "cancelled"
    pulling.child.pull.polling.step()
    assert held(pulling) == "cancelled"


def test_a_task_of_which_the_master_will_hear_nothing_is_not_told_again(pulling, asked, model):
    asked.offer(task_of(model()))
    asked.faults["progress"] = deque([Reply(404, {"error": "not_found", "detail": "None."})])
    step = pulling.child.pull.polling.step
    step()
    assert step() == 0
    assert step() == 0
    assert step() is None
    assert len(asked.paths("progress")) == 1


def test_the_pictures_of_another_study_are_not_trained_on(pulling, asked, model):
    pulling.child.pull.hear([model()])
    pulling.child.pull.updates.fetch()
    pulling.upload(*named(3))
    other = Study(id="skin", name="Skin", classes=("a", "b"), size=12)
    asked.offer(task_of(model(), study=other))
    assert take(pulling) > 0
    pulling.child.delivery.attempt("task-1")
    assert asked.failures["task-1"]["code"] == "study_changed"
    assert (held(pulling), asked.states["task-1"]) == ("failed", "failed")
    assert pulling.child.studies.get("skin").study.classes == ("benign", "malignant")


def test_a_study_that_is_made_anew_before_there_are_pictures_replaces_the_old_one(
    pulling, asked, model
):
    pulling.child.pull.hear([model()])
    pulling.child.pull.updates.fetch()
    other = Study(id="skin", name="Skin", classes=("a", "b"), size=12)
    asked.offer(task_of(model(), study=other))
    take(pulling)
    assert held(pulling) == "queued"
    assert pulling.child.studies.get("skin").study.classes == ("a", "b")


def test_weights_with_other_bytes_than_named_fail_the_task(pulling, asked, model):
    push = model()
    asked.blobs[push.weights] = b"other bytes than those"
    asked.offer(task_of(push))
    assert take(pulling) > 0
    pulling.child.delivery.attempt("task-1")
    assert asked.failures["task-1"]["code"] == "hash_mismatch"
    assert pulling.child.blobs.names() == []


def test_weights_that_do_not_fit_their_signature_fail_the_task(pulling, asked, model):
    narrow, wide = model(count=2), model(count=5)
    asked.offer(task_of(narrow, weights=wide.weights))
    take(pulling)
    pulling.child.delivery.attempt("task-1")
    assert asked.failures["task-1"]["code"] == "signature_mismatch"
    assert pulling.child.blobs.names() == []


def test_more_bytes_than_a_signature_allows_are_not_kept(pulling, asked, model):
    push = model()
    huge = asked.keep(bytes(largest_blob(push.signature) + 1))
    asked.offer(task_of(push, weights=huge))
    take(pulling)
    pulling.child.delivery.attempt("task-1")
    assert asked.failures["task-1"]["code"] == "too_large"
    assert list(pulling.child.blobs.root.iterdir()) == []


def test_weights_that_the_master_does_not_give_fail_the_task(pulling, asked, model):
    push = model()
    del asked.blobs[push.weights]
    asked.offer(task_of(push))
    take(pulling)
    pulling.child.delivery.attempt("task-1")
    assert asked.failures["task-1"] == {
        "code": "weights_refused",
        "detail": "This is missing_blob.",
    }


def test_a_full_disk_fails_the_task(pulling, asked, model, monkeypatch):
    def refuse(*_):
        raise OSError(28, "No space left on device", "/secret/place")

    monkeypatch.setattr(pulling.child.blobs, "keep", refuse)
    asked.offer(task_of(model()))
    take(pulling)
    pulling.child.delivery.attempt("task-1")
    assert asked.failures["task-1"]["code"] == "storage_failure"
    assert "secret" not in asked.failures["task-1"]["detail"]


def test_a_database_that_is_away_for_now_is_asked_again(pulling, asked, model, monkeypatch):
    def refuse(*_):
        raise OperationalError("SELECT", {}, Exception("the connection is closed"))

    with monkeypatch.context() as away:
        away.setattr(pulling.child.task_store, "in_states", refuse)
        assert pulling.child.pull.polling.step() > 0
    asked.offer(task_of(model()))
    take(pulling)
    assert held(pulling) == "queued"


def test_a_failure_that_the_master_does_not_hear_is_told_after_a_restart(
    pulling, asked, model, make_pulling
):
    push = model()
    del asked.blobs[push.weights]
    asked.offer(task_of(push))
    take(pulling)
    restarted = make_pulling()
    assert restarted.child.task_store.in_states("delivering") == ["task-1"]
    restarted.child.delivery.attempt("task-1")
    assert asked.states["task-1"] == "failed"


def test_a_task_that_this_software_does_not_understand_is_told(pulling, asked, model):
    asked.offer(task_of(model()))
    newer = asked.tasks["task-1"].model_dump(mode="json")
    newer["plan"]["training"]["optimizer"] = "invented-tomorrow"
    asked.faults["poll"] = deque([Reply(200, newer)])
    assert pulling.child.pull.polling.step() > 0
    assert asked.failures["task-1"]["code"] == "task_not_understood"
    assert asked.states["task-1"] == "failed"


@pytest.mark.parametrize("answer", [{}, [], "text", 7, {"id": "../../etc"}, {"id": 5}])
def test_an_offer_that_makes_no_sense_is_as_good_as_none(pulling, asked, answer):
    asked.faults["poll"] = deque([Reply(200, answer)])
    assert 0 < pulling.child.pull.polling.step() < 1
    assert pulling.child.pull.polling.step() > 0


def test_a_master_that_offers_what_cannot_be_done_is_asked_ever_more_slowly(pulling, asked, model):
    push = model()
    del asked.blobs[push.weights]
    pauses = []
    for number in range(6):
        asked.offer(task_of(push, f"task-{number}"))
        pauses.append(take(pulling))
        pulling.child.delivery.attempt(f"task-{number}")
    assert pauses[-1] > 2 > 0.2 >= pauses[0] > 0


def test_a_master_that_does_not_let_polls_wait_is_asked_ever_more_slowly(pulling, asked):
    pauses = [pulling.child.pull.polling.step() for _ in range(10)]
    assert 0 < pauses[0] <= 0.2
    assert sum(pauses) > 20
    assert max(pauses) <= 15


def test_a_master_that_asks_to_be_left_alone_is(pulling, asked):
    asked.faults["poll"] = deque(
        [Reply(204, headers={"Retry-After": "5"}), Reply(503, headers={"Retry-After": "7"})]
    )
    assert 5 < pulling.child.pull.polling.step() < 6
    assert 7 <= pulling.child.pull.polling.step() < 8


def test_after_a_poll_that_waited_the_next_begins_at_once(pulling, asked):
    polling = pulling.child.pull.polling
    times = iter([0.0, 0.1, 10.0, 35.0, 40.0, 40.1])
    polling._clock = lambda: next(times)
    assert [polling.step() > 0, polling.step(), polling.step() > 0] == [True, 0, True]


def test_a_master_that_forgot_this_site_takes_it_in_again(pulling, asked, model):
    asked.offer(task_of(model()))
    asked.forget()
    step = pulling.child.pull.polling.step
    assert step() > 0
    # The heartbeat hears of it, and enrols anew.
    assert pulling.child.heartbeats._changed.is_set()
    pulling.child.heartbeats.beat()
    assert asked.enrolled == 2
    take(pulling)
    assert held(pulling) == "queued"


def test_a_master_that_forgot_this_site_while_weights_came_loses_no_task(pulling, asked, model):
    asked.offer(task_of(model()))
    asked.faults["weights"] = deque([Reply(401, {"error": "not_authenticated", "detail": "No."})])
    assert take(pulling) > 0
    assert held(pulling) == "fetching"
    pulling.child.pull.polling.step()
    assert held(pulling) == "queued"


@pytest.mark.parametrize("status", [403, 404])
def test_a_master_that_refuses_polls_is_asked_calmly(pulling, asked, status):
    asked.faults["poll"] = deque([Reply(status)] * 9)
    pauses = [pulling.child.pull.polling.step() for _ in range(9)]
    assert sum(pauses) > 15
    assert max(pauses) <= 15


@pytest.mark.parametrize("fault", [HANG_UP, Reply(500)])
def test_a_master_that_was_away_for_long_is_asked_soon_after(pulling, asked, fault):
    asked.faults["poll"] = deque([fault] * 20)
    pauses = [pulling.child.pull.polling.step() for _ in range(20)]
    assert pauses[0] < 0.2 < 2 < max(pauses) <= 5
    pulling.child.pull.polling.step()
    asked.faults["poll"] = deque([fault])
    assert pulling.child.pull.polling.step() < 0.2


def test_a_task_that_is_offered_again_after_it_was_lost_here_is_done_again(pulling, asked, model):
    push = model()
    asked.offer(task_of(push))
    step, store = pulling.child.pull.polling.step, pulling.child.task_store
    step()
    store.fail("task-1", Failure(code="too_few_examples", detail="Too few."))
    store.end("task-1", "failed", "The update's file is missing.")
    step()
    asked.states["task-1"] = "queued"
    take(pulling)
    again = store.get("task-1")
    assert (again.state, again.failure, again.detail) == ("queued", None, None)
    assert asked.states["task-1"] == "leased"


def test_an_offer_that_crossed_with_the_update_is_not_done_again(pulling, asked, model):
    asked.offer(task_of(model()))
    step, store = pulling.child.pull.polling.step, pulling.child.task_store
    step()
    store.end("task-1", "submitted")
    # The poll was answered before the update came, and read after it.
    late = Reply(200, asked.tasks["task-1"].model_dump(mode="json"))
    asked.states["task-1"] = "submitted"
    asked.faults["poll"] = deque([late])
    step()
    step()
    assert held(pulling) == "submitted"


def test_a_paused_site_gives_its_task_back(pulling, asked, model):
    asked.offer(task_of(model()))
    pulling.child.pull.polling.step()
    pulling.child.pull.polling.step()
    pulling.client.put("/api/v1/participation", json={"paused": True}, headers=pulling.site)
    pulling.child.delivery.attempt("task-1")
    assert asked.failures["task-1"]["code"] == "paused"
    assert pulling.child.pull.polling._woken.is_set()


def test_a_model_of_thousands_of_tensors_arrives(pulling, asked):
    weights = {f"block{n}/kernel": np.full(1, n, np.float32) for n in range(15_000)}
    blob = encode_weights(weights)
    push = study_push(blob, signature_of(weights))
    asked.keep(blob)
    asked.offer(task_of(push))
    assert len(asked.tasks["task-1"].model_dump_json()) > 2**20
    # The header alone is that large.
    assert len(blob) > push.signature.nbytes + 2**20
    take(pulling)
    assert held(pulling) == "queued"


def test_the_status_says_that_it_pulls(pulling):
    status = pulling.client.get("/api/v1/status", headers=pulling.site).json
    assert (status["mode"], status["node_state"]) == ("pull", "active")
