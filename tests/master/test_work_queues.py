"""Work in the background: one piece at a time a queue."""

from __future__ import annotations

import threading

import pytest

from master.work_queues import WorkQueues


@pytest.fixture
def queues() -> WorkQueues:
    queues = WorkQueues(2, "test")
    yield queues
    queues.close()


def test_a_slow_lane_holds_up_no_other(queues: WorkQueues) -> None:
    go_on, done = threading.Event(), threading.Event()
    queues.submit("slow", "a", lambda: go_on.wait(10))
    queues.submit("slow", "b", lambda: None)
    queues.submit("quick", "c", done.set)
    assert done.wait(10)
    go_on.set()


def test_a_lane_does_one_thing_at_a_time_by_priority_and_each_key_once(queues: WorkQueues) -> None:
    go_on, done, order = threading.Event(), threading.Event(), []
    queues.submit("one", "first", lambda: go_on.wait(10))
    queues.submit("one", "later", lambda: (order.append("later"), done.set()), priority=2)
    queues.submit("one", "sooner", lambda: order.append("sooner"), priority=1)
    queues.submit("one", "sooner", lambda: order.append("again"), priority=0)
    go_on.set()
    assert done.wait(10)
    assert order == ["sooner", "later"]


def test_an_error_ends_nothing_else(queues: WorkQueues, caplog: pytest.LogCaptureFixture) -> None:
    done = threading.Event()
    queues.submit("one", "bad", lambda: 1 / 0)
    queues.submit("one", "good", done.set)
    assert done.wait(10)
    assert "bad" in caplog.text


def test_nothing_is_taken_after_closing(queues: WorkQueues) -> None:
    queues.close()
    ran = []
    queues.submit("one", "a", lambda: ran.append(1))
    assert ran == []
