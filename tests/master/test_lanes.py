"""Work in the background: one piece at a time a lane."""

from __future__ import annotations

import threading

import pytest

from master.lanes import Lanes


@pytest.fixture
def lanes() -> Lanes:
    lanes = Lanes(2, "test")
    yield lanes
    lanes.close()


def test_a_slow_lane_holds_up_no_other(lanes: Lanes) -> None:
    go_on, done = threading.Event(), threading.Event()
    lanes.submit("slow", "a", lambda: go_on.wait(10))
    lanes.submit("slow", "b", lambda: None)
    lanes.submit("quick", "c", done.set)
    assert done.wait(10)
    go_on.set()


def test_a_lane_does_one_thing_at_a_time_by_priority_and_each_key_once(lanes: Lanes) -> None:
    go_on, done, order = threading.Event(), threading.Event(), []
    lanes.submit("one", "first", lambda: go_on.wait(10))
    lanes.submit("one", "later", lambda: (order.append("later"), done.set()), priority=2)
    lanes.submit("one", "sooner", lambda: order.append("sooner"), priority=1)
    lanes.submit("one", "sooner", lambda: order.append("again"), priority=0)
    go_on.set()
    assert done.wait(10)
    assert order == ["sooner", "later"]


def test_an_error_ends_nothing_else(lanes: Lanes, caplog: pytest.LogCaptureFixture) -> None:
    done = threading.Event()
    lanes.submit("one", "bad", lambda: 1 / 0)
    lanes.submit("one", "good", done.set)
    assert done.wait(10)
    assert "bad" in caplog.text


def test_nothing_is_taken_after_closing(lanes: Lanes) -> None:
    lanes.close()
    ran = []
    lanes.submit("one", "a", lambda: ran.append(1))
    assert ran == []
