"""The threads that answer a server's calls: started when they are needed, the warmest first.

Waitress starts all its threads at once and uses them in turn. Of hundreds that are there for
calls that wait, each call would then meet one whose memory nobody has touched for minutes.
"""

from __future__ import annotations

import logging
import threading
from collections import deque
from queue import SimpleQueue
from typing import Protocol

log = logging.getLogger(__name__)

SHUTDOWN_SECONDS = 5.0


class Work(Protocol):
    """What waitress hands out: a connection with a call to be answered."""

    def service(self) -> None:
        """Answers the call."""

    def cancel(self) -> None:
        """Gives it up."""


class Dispatcher:
    """Hands calls to threads, at most `threads` at a time; the others wait in order.

    Args:
        threads: Calls that are answered at the same time.
    """

    def __init__(self, threads: int) -> None:
        self._threads = threads
        self._changed = threading.Condition()
        self._waiting: deque[Work] = deque()
        self._idle: list[SimpleQueue[Work | None]] = []
        self._alive = 0
        self._stopping = False

    def add_task(self, task: Work) -> None:
        """Lets a call be answered; the thread that was busy last is the first to take it."""
        with self._changed:
            if self._idle:
                self._idle.pop().put(task)
            elif self._alive < self._threads:
                self._alive += 1
                name = f"call-{self._alive}"
                threading.Thread(target=self._run, args=(task,), name=name, daemon=True).start()
            else:
                self._waiting.append(task)
                log.warning("All threads are busy, and %d calls wait", len(self._waiting))

    def shutdown(self, timeout: float = SHUTDOWN_SECONDS) -> None:
        """Ends the threads; what they do is waited for, what nobody has begun is given up."""
        with self._changed:
            self._stopping = True
            given_up, self._waiting = self._waiting, deque()
            while self._idle:
                self._idle.pop().put(None)
            if not self._changed.wait_for(lambda: not self._alive, timeout):
                log.warning("Calls that are still being answered: %d", self._alive)
        for task in given_up:
            task.cancel()

    def _run(self, first: Work) -> None:
        task: Work | None = first
        handed: SimpleQueue[Work | None] = SimpleQueue()
        while task is not None:
            try:
                task.service()
            except BaseException:
                # Whatever it was, the next call needs this thread.
                log.exception("A call could not be answered")
            task = self._next(handed)
        with self._changed:
            self._alive -= 1
            self._changed.notify_all()

    def _next(self, handed: SimpleQueue[Work | None]) -> Work | None:
        """The next call for a thread that is done with one; None when it is to end."""
        with self._changed:
            if self._waiting:
                return self._waiting.popleft()
            if self._stopping:
                return None
            self._idle.append(handed)
        return handed.get()
