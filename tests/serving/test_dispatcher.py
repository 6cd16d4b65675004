"""Threads for calls: no more than are needed, none lost, all ended."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Iterator

import pytest

from serving.dispatcher import Dispatcher

LONG = 60.0


class Call:
    """A call that is answered when the test says so."""

    def __init__(self, failure: BaseException | None = None) -> None:
        self.begun, self.released, self.over = (threading.Event() for _ in range(3))
        self.failure = failure
        self.cancelled = False
        self.thread = ""

    def service(self) -> None:
        self.thread = threading.current_thread().name
        self.begun.set()
        assert self.released.wait(LONG)
        self.over.set()
        if self.failure:
            raise self.failure

    def cancel(self) -> None:
        self.cancelled = True


Begin = Callable[..., Call]


@pytest.fixture
def dispatcher() -> Iterator[Dispatcher]:
    dispatcher = Dispatcher(threads=3)
    yield dispatcher
    dispatcher.shutdown()
    assert not [thread for thread in threading.enumerate() if thread.name.startswith("call-")]


@pytest.fixture
def begin(dispatcher: Dispatcher) -> Iterator[Begin]:
    calls: list[Call] = []

    def begin(failure: BaseException | None = None, waits: bool = False) -> Call:
        call = Call(failure)
        calls.append(call)
        dispatcher.add_task(call)
        assert waits or call.begun.wait(LONG)
        return call

    yield begin
    for call in calls:
        call.released.set()


def rest(dispatcher: Dispatcher, number: int) -> None:
    """Waits until so many threads rest."""
    end = time.monotonic() + LONG
    while len(dispatcher._idle) < number:
        assert time.monotonic() < end
        time.sleep(0.001)


def test_threads_are_started_when_they_are_needed(dispatcher: Dispatcher, begin: Begin) -> None:
    assert dispatcher._alive == 0
    first = begin()
    first.released.set()
    rest(dispatcher, 1)
    second = begin()
    assert (second.thread, dispatcher._alive) == (first.thread, 1)
    begin()
    assert dispatcher._alive == 2


def test_the_thread_that_was_busy_last_is_the_first_to_be_used(
    dispatcher: Dispatcher, begin: Begin
) -> None:
    calls = [begin(), begin(), begin()]
    for number, index in enumerate((2, 0, 1), start=1):
        calls[index].released.set()
        rest(dispatcher, number)
    assert [begin().thread, begin().thread] == [calls[1].thread, calls[0].thread]


def test_calls_beyond_the_threads_wait_in_order(
    dispatcher: Dispatcher, begin: Begin, caplog: pytest.LogCaptureFixture
) -> None:
    busy = [begin(), begin(), begin()]
    with caplog.at_level(logging.WARNING):
        fourth, fifth = begin(waits=True), begin(waits=True)
    assert "2 calls wait" in caplog.messages[-1]
    busy[1].released.set()
    assert fourth.begun.wait(LONG)
    assert fourth.thread == busy[1].thread
    assert not fifth.begun.is_set()
    busy[0].released.set()
    assert fifth.begun.wait(LONG)


@pytest.mark.parametrize("failure", [ValueError("no"), SystemExit(1)])
def test_a_call_that_fails_costs_no_thread(
    dispatcher: Dispatcher, begin: Begin, failure: BaseException
) -> None:
    failing = begin(failure)
    failing.released.set()
    rest(dispatcher, 1)
    assert begin().thread == failing.thread


def test_the_end_waits_for_what_is_under_way_and_gives_up_the_rest(
    dispatcher: Dispatcher, begin: Begin
) -> None:
    busy = [begin(), begin(), begin()]
    waiting = begin(waits=True)
    ending = threading.Thread(target=dispatcher.shutdown, args=(LONG,))
    ending.start()
    for call in busy:
        assert ending.is_alive()
        call.released.set()
    ending.join(LONG)
    assert not ending.is_alive()
    assert all(call.over.is_set() for call in busy)
    assert (waiting.cancelled, waiting.begun.is_set()) == (True, False)


def test_the_end_does_not_wait_for_ever(
    dispatcher: Dispatcher, begin: Begin, caplog: pytest.LogCaptureFixture
) -> None:
    call = begin()
    with caplog.at_level(logging.WARNING):
        dispatcher.shutdown(timeout=0.01)
    assert caplog.messages[-1] == "Calls that are still being answered: 1"
    assert not call.over.is_set()
