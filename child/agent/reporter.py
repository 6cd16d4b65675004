"""Progress: the latest figures go to the master now and then, and never hold up a training."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable

from child.agent.enrolment import Enrolment
from child.agent.master_client import MasterClient
from federated.errors import FederationError
from federated.messages import Progress

log = logging.getLogger(__name__)

INTERVAL_SECONDS = 0.5
"""Least time between two reports; and a task that is over sooner sends none."""
OVER = frozenset({"expired", "failed", "cancelled", "late"})
"""States in which the master no longer waits for the task's update."""


class ProgressReporter:
    """Sends the latest progress, and only the latest, from a thread of its own.

    Args:
        client: Calls to the master.
        enrolment: Who this child is.
        drop: Called with a task of which the master says that it is over.
    """

    def __init__(
        self, client: MasterClient, enrolment: Enrolment, drop: Callable[[str], None]
    ) -> None:
        self._client = client
        self._enrolment = enrolment
        self._drop = drop
        self._condition = threading.Condition()
        self._latest: tuple[str, Progress] | None = None
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._run, name="progress", daemon=True)

    def start(self) -> None:
        """Begins."""
        self._thread.start()

    def stop(self) -> None:
        """Ends."""
        with self._condition:
            self._stopped.set()
            self._condition.notify()

    def report(self, task_id: str, progress: Progress) -> None:
        """Notes how far a task is; returns at once."""
        with self._condition:
            self._latest = (task_id, progress)
            self._condition.notify()

    def forget(self, task_id: str) -> None:
        """The task is over: what was not sent of it is no longer news."""
        with self._condition:
            if self._latest is not None and self._latest[0] == task_id:
                self._latest = None

    def send(self) -> None:
        """Sends what is latest, if anything is."""
        with self._condition:
            latest, self._latest = self._latest, None
        node = self._enrolment.node
        if latest is None or node is None:
            return
        try:
            if self._client.progress(node, *latest) in OVER:
                self._drop(latest[0])
        except FederationError as error:
            # The next report says more than this one did.
            log.info("Progress was not told: %s", error.detail)
        except Exception:
            log.exception("Telling progress met an error that it did not expect")

    def _run(self) -> None:
        while not self._stopped.is_set():
            with self._condition:
                self._condition.wait_for(lambda: self._latest or self._stopped.is_set())
            if not self._stopped.wait(INTERVAL_SECONDS):
                self.send()
