"""The worker processes that sites take turns with."""

from __future__ import annotations

import os
import queue
from collections.abc import Callable
from pathlib import Path
from typing import Self

from serving.worker import Json, Worker, worker_environment


class Workers:
    """Worker processes; each does one request at a time, whoever asks first is served first.

    A context manager: the processes end with the block, and so does what they were doing.

    Args:
        count: How many.
        threads: Threads of each; the bytes of a training depend on it.
        folder: For what they print.
    """

    def __init__(self, count: int, threads: int, folder: Path) -> None:
        arguments = ["--threads", str(threads)]
        environment = worker_environment(os.environ)
        self._workers = [
            Worker("engines.simulation.worker", arguments, environment, folder / f"worker-{k}.log")
            for k in range(1, count + 1)
        ]
        self._idle: queue.Queue[Worker] = queue.Queue()

    @property
    def count(self) -> int:
        """How many can work at the same time."""
        return len(self._workers)

    def __enter__(self) -> Self:
        for worker in self._workers:
            worker.start()
            self._idle.put(worker)
        return self

    def __exit__(self, *_: object) -> None:
        for worker in self._workers:
            worker.stop()

    def call(
        self,
        name: str,
        arguments: Json,
        on_event: Callable[[Json], None] = lambda event: None,
    ) -> Json:
        """Has the next idle worker do a request; several threads may ask at the same time.

        Raises:
            WorkerDied: The process ended before it answered.
            WorkerFailed: The worker answered with an error.
        """
        worker = self._idle.get()
        try:
            return worker.call(name, arguments, on_event)
        finally:
            self._idle.put(worker)
