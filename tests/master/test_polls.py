"""The board of open polls, with real threads; whoever waits here is always woken by the test."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor

import pytest

from master.polls import PollBoard, TurnedAway

LONG = 60.0
"""Seconds that no test comes near to: it fails by its own timeout first."""


class Work:
    """What there is for a node, and how often somebody looked."""

    def __init__(self) -> None:
        self.found: str | None = None
        self.looks = 0
        self.looked = threading.Semaphore(0)

    def __call__(self) -> str | None:
        self.looks += 1
        self.looked.release()
        return self.found

    def await_look(self) -> None:
        assert self.looked.acquire(timeout=LONG)


@pytest.fixture
def board() -> PollBoard:
    return PollBoard(most=3)


Poll = Callable[..., "Future[str | None]"]


@pytest.fixture
def poll(board: PollBoard) -> Iterator[Poll]:
    """Opens a poll in a thread, and returns once it has looked, if it will."""
    with ThreadPoolExecutor() as threads:

        def begin(node: str, work: Work, looks: bool = True) -> Future[str | None]:
            future = threads.submit(board.wait, node, LONG, work)
            if looks:
                work.await_look()
            return future

        yield begin
        board.close()


def test_work_that_is_there_is_taken_at_once(board: PollBoard) -> None:
    assert board.wait("a", LONG, lambda: "task") == "task"
    assert board.waiting == frozenset()


def test_a_poll_ends_with_nothing_when_its_time_is_over(board: PollBoard) -> None:
    work = Work()
    assert board.wait("a", 0.0, work) is None
    assert (work.looks, board.waiting) == (1, frozenset())


def test_news_for_one_node_wake_no_other(board: PollBoard, poll: Poll) -> None:
    for_a, for_b = Work(), Work()
    a, b = poll("a", for_a), poll("b", for_b)
    assert board.waiting == {"a", "b"}
    for_a.found = for_b.found = "task"
    board.notify("a", "nobody")
    assert a.result(LONG) == "task"
    assert (b.done(), for_b.looks, board.waiting) == (False, 1, {"b"})
    board.notify("b")
    assert b.result(LONG) == "task"


def test_news_without_work_let_it_wait_on(board: PollBoard, poll: Poll) -> None:
    work = Work()
    future = poll("a", work)
    board.notify("a")
    work.await_look()
    assert not future.done()
    work.found = "task"
    board.notify("a")
    assert future.result(LONG) == "task"


def test_work_that_comes_while_somebody_looks_is_not_missed(board: PollBoard) -> None:
    """The look sees nothing, the work and its notification come, and only then does it end."""
    work: list[str] = []

    def look() -> str | None:
        if work:
            return work[0]
        work.append("task")
        board.notify("a")
        return None

    assert board.wait("a", LONG, look) == "task"


def test_a_node_that_polls_again_is_not_looked_for_without_news(board: PollBoard) -> None:
    work = Work()
    for _ in range(3):
        assert board.wait("a", 0.0, work) is None
    assert work.looks == 1


def test_everybody_looks_again_where_another_master_may_have_put_up_work(
    board: PollBoard,
) -> None:
    assert board.wait("a", 0, lambda: None) is None
    board.stir()
    assert board.wait("a", 0, lambda: "work") == "work"


def test_news_for_a_node_that_is_away_wait_for_its_next_poll(board: PollBoard) -> None:
    work = Work()
    assert board.wait("a", 0.0, work) is None
    work.found = "task"
    board.notify("a")
    assert board.wait("a", 0.0, work) == "task"


def test_work_that_was_not_taken_is_found_again(board: PollBoard) -> None:
    """The answer may have been lost on its way."""
    for _ in range(2):
        assert board.wait("a", 0.0, lambda: "task") == "task"


def test_news_for_a_node_that_a_full_board_turned_away_are_kept() -> None:
    crowded, work = PollBoard(most=0), Work()
    for _ in range(2):
        with pytest.raises(TurnedAway):
            crowded.wait("a", LONG, work)
    work.found = "task"
    crowded.notify("a")
    assert crowded.wait("a", LONG, work) == "task"


def test_a_second_poll_of_a_node_ends_the_first(board: PollBoard, poll: Poll) -> None:
    first, second = Work(), Work()
    older = poll("a", first)
    newer = poll("a", second, looks=False)
    with pytest.raises(TurnedAway):
        older.result(LONG)
    assert (first.looks, board.waiting) == (1, {"a"})
    second.found = "task"
    board.notify("a")
    assert newer.result(LONG) == "task"


def test_a_full_board_lets_a_node_look_but_not_wait(board: PollBoard, poll: Poll) -> None:
    for node in ("a", "b", "c"):
        poll(node, Work())
    work = Work()
    with pytest.raises(TurnedAway):
        board.wait("d", LONG, work)
    assert work.looks == 1
    assert board.wait("d", LONG, lambda: "task") == "task"
    assert board.waiting == {"a", "b", "c"}


def test_a_full_board_takes_a_node_that_polls_again(board: PollBoard, poll: Poll) -> None:
    polls = {node: poll(node, Work()) for node in ("a", "b", "c")}
    again = poll("b", Work(), looks=False)
    with pytest.raises(TurnedAway):
        polls["b"].result(LONG)
    assert not again.done()


def test_closing_ends_all_polls_at_once_and_lets_nobody_look(board: PollBoard, poll: Poll) -> None:
    works = [Work(), Work()]
    polls = [poll("a", works[0]), poll("b", works[1])]
    board.close()
    for future in polls:
        with pytest.raises(TurnedAway):
            future.result(LONG)
    later = Work()
    with pytest.raises(TurnedAway):
        board.wait("c", LONG, later)
    assert [work.looks for work in (*works, later)] == [1, 1, 0]


def test_a_look_that_fails_leaves_no_poll_behind(board: PollBoard) -> None:
    def look() -> str | None:
        raise OSError("the disk is full")

    with pytest.raises(OSError, match="full"):
        board.wait("a", LONG, look)
    assert board.waiting == frozenset()
