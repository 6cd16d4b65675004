import pytest

from federated.messages import Failure
from tests.child.conftest import task_of

FAILURE = Failure(code="paused", detail="The site has paused.")


@pytest.fixture
def store(pushed):
    store = pushed.child.task_store
    push = pushed.push()
    for number in (1, 2, 3):
        store.add(task_of(push, f"task-{number}"))
    return store


def test_a_task_goes_from_the_queue_to_its_receipt(store):
    assert store.begin("task-1")
    assert store.trained("task-1", "ab" * 32)
    held = store.get("task-1")
    assert (held.state, held.update_sha256) == ("delivering", "ab" * 32)
    assert store.end("task-1", "submitted")
    assert store.in_states("queued") == ["task-2", "task-3"]
    assert store.latest().task.id == "task-1"


def test_a_task_in_training_is_begun_again_after_a_restart(store):
    assert store.begin("task-1")
    assert store.begin("task-1")


def test_a_task_that_is_over_stays_so(store):
    store.end("task-1", "cancelled", "Not wanted.")
    assert not store.begin("task-1")
    assert not store.trained("task-1", "ab" * 32)
    assert not store.fail("task-1", FAILURE)
    assert not store.end("task-1", "failed")
    assert store.get("task-1").detail == "Not wanted."


def test_a_trained_task_no_longer_fails(store):
    store.begin("task-1")
    store.trained("task-1", "ab" * 32)
    assert not store.fail("task-1", FAILURE)


def test_a_failure_waits_to_be_delivered(store):
    assert store.fail("task-2", FAILURE)
    assert store.get("task-2").failure == FAILURE


def test_blobs_of_open_tasks_are_in_use(store):
    weights = store.get("task-1").task.weights
    store.begin("task-1")
    store.trained("task-1", "ab" * 32)
    assert store.blobs_in_use() == {weights, "ab" * 32}


def test_old_tasks_are_forgotten_and_open_ones_are_not(store):
    store.end("task-2", "submitted")
    store.end("task-3", "submitted")
    store.forget_old(keep=1)
    assert store.get("task-1") is not None
    assert store.get("task-2") is None
    assert store.get("task-3") is not None
