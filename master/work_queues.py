"""Work in the background: one job at a time a queue, several queues at the same time.

Each child has a queue of its own, so that a slow one holds up nobody else, and never more
than one thread; the evaluation process has one, because it does one thing at a time.
"""

from __future__ import annotations

import heapq
import itertools
import logging
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Protocol

log = logging.getLogger(__name__)

Job = Callable[[], object]


class Submit(Protocol):
    """How work is handed out; tests hand in one that does it at once."""

    def __call__(self, queue: str, key: str, job: Job, priority: int = 0) -> None:
        """Queues `job` on `queue`, unless a job of the same key waits or is under way."""


class WorkQueues:
    """Named queues of jobs, worked off by a bounded pool of threads.

    Args:
        threads: Most jobs under way at the same time.
        name: Name of the threads.
    """

    def __init__(self, threads: int, name: str) -> None:
        self._pool = ThreadPoolExecutor(threads, thread_name_prefix=name)
        self._lock = threading.Lock()
        self._waiting: dict[str, list[tuple[int, int, str, Job]]] = {}
        self._keys: set[str] = set()
        self._busy: set[str] = set()
        self._numbers = itertools.count()
        self._closed = False

    def submit(self, queue: str, key: str, job: Job, priority: int = 0) -> None:
        """Queues `job` on `queue`, unless a job of the same key waits or is under way.

        Args:
            queue: Jobs of one queue never run at the same time.
            key: What the job is for.
            job: The work; its errors are logged and end nothing else.
            priority: Smaller goes first.
        """
        with self._lock:
            if self._closed or key in self._keys:
                return
            self._keys.add(key)
            waiting = self._waiting.setdefault(queue, [])
            heapq.heappush(waiting, (priority, next(self._numbers), key, job))
            if queue not in self._busy:
                self._busy.add(queue)
                self._pool.submit(self._run, queue)

    def close(self) -> None:
        """Takes no more work and forgets what waits; what is under way is not waited for."""
        with self._lock:
            self._closed = True
            self._waiting.clear()
        self._pool.shutdown(wait=False, cancel_futures=True)

    def _run(self, queue: str) -> None:
        with self._lock:
            waiting = self._waiting.get(queue)
            if not waiting:
                self._busy.discard(queue)
                return
            _, _, key, job = heapq.heappop(waiting)
            if not waiting:
                del self._waiting[queue]
        try:
            job()
        except Exception:
            log.exception("Work in the background failed: %s", key)
        finally:
            self._after(queue, key)

    def _after(self, queue: str, key: str) -> None:
        with self._lock:
            self._keys.discard(key)
            if self._closed or queue not in self._waiting:
                self._busy.discard(queue)
                return
            # Behind the other queues' jobs: one long queue starves nobody.
            self._pool.submit(self._run, queue)
