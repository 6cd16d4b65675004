"""Lanes: work in the background, one piece at a time a lane, several lanes at the same time.

Each child has a lane of its own, so that a slow one holds up nobody else, and never more
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

    def __call__(self, lane: str, key: str, job: Job, priority: int = 0) -> None:
        """Queues `job` on `lane`, unless a job of the same key waits or is under way."""


class Lanes:
    """A bounded pool of threads with a lifetime.

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

    def submit(self, lane: str, key: str, job: Job, priority: int = 0) -> None:
        """Queues `job` on `lane`, unless a job of the same key waits or is under way.

        Args:
            lane: Jobs of one lane never run at the same time.
            key: What the job is for.
            job: The work; its errors are logged and end nothing else.
            priority: Smaller goes first.
        """
        with self._lock:
            if self._closed or key in self._keys:
                return
            self._keys.add(key)
            queue = self._waiting.setdefault(lane, [])
            heapq.heappush(queue, (priority, next(self._numbers), key, job))
            if lane not in self._busy:
                self._busy.add(lane)
                self._pool.submit(self._run, lane)

    def close(self) -> None:
        """Takes no more work and forgets what waits; what is under way is not waited for."""
        with self._lock:
            self._closed = True
            self._waiting.clear()
        self._pool.shutdown(wait=False, cancel_futures=True)

    def _run(self, lane: str) -> None:
        with self._lock:
            queue = self._waiting.get(lane)
            if not queue:
                self._busy.discard(lane)
                return
            _, _, key, job = heapq.heappop(queue)
            if not queue:
                del self._waiting[lane]
        try:
            job()
        except Exception:
            log.exception("Work in the background failed: %s", key)
        finally:
            self._after(lane, key)

    def _after(self, lane: str, key: str) -> None:
        with self._lock:
            self._keys.discard(key)
            if self._closed or lane not in self._waiting:
                self._busy.discard(lane)
                return
            # Behind the other lanes' jobs: one long queue starves nobody.
            self._pool.submit(self._run, lane)
