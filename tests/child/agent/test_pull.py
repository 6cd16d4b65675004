"""The threads of a child that pulls, and what becomes of a task when it is killed.

A child that is abandoned here has been killed: what another one finds in its state folder is
all that it leaves. Training alone is done by hand.
"""

import time
from collections import deque

import pytest

from tests.child.agent.conftest import take
from tests.child.conftest import named, task_of
from tests.child.pull_master import HANG_UP, Reply


def train(site, task="task-1", update=b"the update's bytes"):
    """What the training thread does with a task."""
    child = site.child
    child.pictures.deal("skin", task, fraction=0.25, seed=0)
    eventually(lambda: child.task_store.begin(task))
    assert child.task_store.trained(task, child.blobs.put(update))
    child._finished(task)


def eventually(condition, patience=60):
    """Waits for what shows in the child only."""
    deadline = time.monotonic() + patience
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def start(site):
    """Starts all but the server and the training."""
    site.child.delivery.start()
    site.child.pull.start()
    site.child.heartbeats.start()


@pytest.fixture
def at_work(make_pulling, asked, model):
    """A child that has its study, some pictures, and an open poll."""
    asked.hold = 60
    asked.models = {"skin": model()}
    site = make_pulling()
    start(site)
    asked.wait_for(lambda: asked.polling == 1)
    asked.wait_for(lambda: len(asked.paths("heartbeat")) == 2)
    site.upload(*named(6))
    return site


def test_a_child_enrols_gets_its_model_and_asks_for_work(at_work, asked):
    assert asked.enrolled == 1
    assert at_work.child.studies.get("skin").current == asked.models["skin"]


def test_an_idle_child_makes_one_request_at_a_time(at_work, asked):
    for _ in range(5):
        at_work.child.pull.wake()
        at_work.child.heartbeats.changed()
    asked.wait_for(lambda: len(asked.paths("heartbeat")) >= 3)
    assert (asked.polling, asked.most_polling) == (1, 1)
    assert len(asked.paths("next")) == 1


def test_a_task_is_taken_at_once_and_the_next_when_it_is_trained(at_work, asked):
    push = asked.models["skin"]
    for name, before in (("task-1", 1), ("task-2", 2)):
        asked.offer(task_of(push, name))
        asked.wait_for(lambda name=name: asked.states[name] == "leased")
        assert len(asked.paths("next")) == before
        train(at_work, name)
        asked.wait_for(lambda name=name: asked.states[name] == "submitted")
        asked.wait_for(lambda before=before: len(asked.paths("next")) == before + 1)
    assert asked.most_polling == 1


def test_a_heartbeat_names_the_task_at_once(at_work, asked):
    asked.offer(task_of(asked.models["skin"]))
    asked.wait_for(
        lambda: any(call.json["tasks"] for call in asked.calls if "heartbeat" in call.path)
    )


def test_a_stop_does_not_wait_for_the_master(at_work, asked):
    threads = [at_work.child.pull.polling._thread, at_work.child.pull.updates._thread]
    at_work.child.close()
    assert not any(thread.is_alive() for thread in threads)
    assert asked.polling == 1


def test_a_training_that_is_dropped_makes_room_for_the_next(at_work, asked):
    push = asked.models["skin"]
    asked.offer(task_of(push))
    asked.wait_for(lambda: asked.states["task-1"] == "leased")
    asked.states["task-1"] = "cancelled"
    asked.offer(task_of(push, "task-2"))
    at_work.child.heartbeats.changed()
    asked.wait_for(lambda: asked.states["task-2"] == "leased")
    assert at_work.child.task_store.get("task-1").state == "cancelled"


def test_a_master_that_forgot_it_takes_it_in_and_gives_it_work(at_work, asked):
    asked.forget()
    asked.faults["poll"] = deque([HANG_UP])
    asked.offer(task_of(asked.models["skin"]))
    asked.wait_for(lambda: asked.states["task-1"] == "leased")
    assert asked.enrolled == 2


@pytest.mark.parametrize("moment", ["kept", "told", "fetching", "fetched", "taken", "training"])
def test_a_child_that_is_killed_before_its_update_does_the_task(
    pulling, asked, model, make_pulling, moment
):
    push = model()
    asked.offer(task_of(push))
    step = pulling.child.pull.polling.step
    if moment in ("taken", "training"):
        take(pulling)
        pulling.child.task_store.begin("task-1") if moment == "training" else None
    else:
        step()
        step() if moment != "kept" else None
    if moment == "fetching":
        asked.faults["weights"] = deque([Reply(cut=40)])
        pulling.child.pull.stop()
        step()
    elif moment == "fetched":
        pulling.child.pull.updates._downloads.weights(push.weights, push.signature)
    told = moment != "kept"
    assert asked.states["task-1"] == ("leased" if told else "queued")

    restarted = make_pulling()
    asked.hold = 60
    start(restarted)
    asked.wait_for(lambda: len(asked.paths("progress")) == (2 if told else 1))
    asked.wait_for(lambda: asked.states["task-1"] == "leased")
    # The training thread finds it here, and the interrupted transfer was begun anew.
    eventually(lambda: restarted.child.task_store.in_states("queued", "training") == ["task-1"])
    assert len(asked.paths("GET /weights")) == (2 if moment == "fetching" else 1)
    restarted.upload(*named(6))
    train(restarted)
    asked.wait_for(lambda: asked.states["task-1"] == "submitted")
    assert list(asked.updates) == ["task-1"]


@pytest.mark.parametrize("moment", ["written", "receipt lost"])
def test_a_child_that_is_killed_with_an_update_delivers_it_once(
    pulling, asked, model, make_pulling, moment
):
    asked.offer(task_of(model()))
    take(pulling)
    pulling.upload(*named(6))
    train(pulling, update=b"the same bytes")
    if moment == "receipt lost":
        asked.faults["update"] = deque([HANG_UP])
        with pytest.raises(Exception, match="did not answer"):
            pulling.child.delivery.attempt("task-1")
        assert asked.states["task-1"] == "submitted"

    restarted = make_pulling()
    asked.hold = 60
    start(restarted)
    asked.wait_for(lambda: len(asked.paths("update")) == (2 if moment == "receipt lost" else 1))
    eventually(lambda: restarted.child.task_store.get("task-1").state == "submitted")
    assert asked.updates == {"task-1": b"the same bytes"}
    assert restarted.child.pictures.tally("skin").new_labelled == 0


def test_an_update_waits_for_a_master_that_is_away(at_work, asked):
    """However long that is: the state folder keeps it, and each try costs little."""
    asked.offer(task_of(asked.models["skin"]))
    asked.wait_for(lambda: asked.states["task-1"] == "leased")
    asked.faults |= {
        name: deque([HANG_UP] * 4) for name in ("heartbeat", "update", "poll", "progress")
    }
    train(at_work)
    asked.wait_for(lambda: asked.states["task-1"] == "submitted")
    asked.wait_for(lambda: asked.polling == 1)
    assert list(asked.updates) == ["task-1"]


def test_a_task_that_was_cancelled_while_the_master_was_away_is_dropped(
    pulling, asked, model, make_pulling
):
    asked.offer(task_of(model()))
    take(pulling)
    pulling.upload(*named(6))
    train(pulling)
    asked.states["task-1"] = "cancelled"
    restarted = make_pulling()
    start(restarted)
    # Either the heartbeat's answer says that it is over, or the update's receipt does.
    eventually(lambda: restarted.child.task_store.get("task-1").state == "cancelled")
    assert asked.states["task-1"] == "cancelled"
