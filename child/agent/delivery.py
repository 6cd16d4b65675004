"""Delivery: updates and failures go to the master, again and again until it has answered."""

from __future__ import annotations

import logging
import queue
import threading
from collections.abc import Callable
from pathlib import Path

from child.agent.answers import MasterAway, MasterRefused
from child.agent.backoff import Backoff
from child.agent.enrolment import Enrolment
from child.agent.heartbeat import Heartbeats
from child.agent.master_client import MasterClient, Node
from child.store.tasks import HeldTask, TaskStore
from child.update_norm import update_norm
from federated.errors import FederationError, NotFound
from serving.blobs import BlobStore

log = logging.getLogger(__name__)

OVER = frozenset({403, 404, 409, 410, 413, 422})
"""Statuses after which the same delivery would meet the same answer."""


class Delivery:
    """The outbox of tasks, emptied in a thread of its own; it survives a restart.

    Args:
        client: Calls to the master.
        enrolment: Who this child is.
        heartbeats: Announce the counts before an update claims some.
        tasks: The tasks, with what is to be delivered.
        blobs: Where updates lie.
        confirmed: Called with each task whose update the master has received.
        closed: Called with each task that is over.
        backoff: Delays while the master is away.
    """

    def __init__(
        self,
        client: MasterClient,
        enrolment: Enrolment,
        heartbeats: Heartbeats,
        tasks: TaskStore,
        blobs: BlobStore,
        confirmed: Callable[[str], None],
        closed: Callable[[str], None],
        backoff: Backoff,
    ) -> None:
        self._client = client
        self._enrolment = enrolment
        self._heartbeats = heartbeats
        self._tasks = tasks
        self._blobs = blobs
        self._confirmed = confirmed
        self._closed = closed
        self._backoff = backoff
        self._outbox: queue.SimpleQueue[str | None] = queue.SimpleQueue()
        self._again = threading.Event()
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._run, name="delivery", daemon=True)

    def start(self) -> None:
        """Begins, with what a restart left undelivered."""
        for task_id in self._tasks.in_states("delivering"):
            self._outbox.put(task_id)
        self._thread.start()

    def stop(self) -> None:
        """Ends; what is not delivered stays to be delivered after the next start."""
        self._stopped.set()
        self._outbox.put(None)
        self._again.set()

    def submit(self, task_id: str) -> None:
        """A task has something to deliver."""
        self._outbox.put(task_id)

    def retry(self) -> None:
        """The master is there again: do not wait any longer."""
        self._again.set()

    def attempt(self, task_id: str) -> None:
        """One try to deliver what a task owes.

        Raises:
            MasterAway: The master did not answer; try again.
            MasterRefused: The master does not know this child; try again later.
        """
        held = self._tasks.get(task_id)
        node = self._enrolment.node
        if held is None or held.state != "delivering":
            return
        if node is None:
            raise MasterAway("This site is not enrolled yet")
        try:
            self._heartbeats.announce(node)
            self._deliver(node, held)
        except MasterRefused as error:
            if error.status not in OVER:
                raise
            self._refused(task_id, error)
        except NotFound:
            self._tasks.end(task_id, "failed", "The update's file is missing.")
        self._closed(task_id)

    def _deliver(self, node: Node, held: HeldTask) -> None:
        task_id = held.task.id
        if held.failure is not None:
            self._client.failure(node, task_id, held.failure)
            self._tasks.end(task_id, "failed")
        elif held.update_sha256 is not None and held.task.kind == "evaluate":
            data = self._blobs.path(held.update_sha256).read_bytes()
            receipt = self._client.evaluation(node, task_id, data)
            self._tasks.end(task_id, receipt.state)
        elif held.update_sha256 is not None:
            path = self._blobs.path(held.update_sha256)
            norm = self._norm(held, path)
            receipt = self._client.update(node, task_id, path, held.update_sha256, norm)
            self._confirmed(task_id)
            self._tasks.end(task_id, receipt.state)

    def _norm(self, held: HeldTask, update: Path) -> float | None:
        """For the site's own record: an update leaves with it or without."""
        try:
            return update_norm(self._blobs.path(held.task.weights), update)
        except Exception:
            log.exception("The norm of the update of task %s is not known", held.task.id)
            return None

    def _refused(self, task_id: str, error: MasterRefused) -> None:
        log.warning("The master refused what task %s delivered: %s", task_id, error.detail)
        self._tasks.end(task_id, _state_after(error), error.detail)

    def _run(self) -> None:
        while (task_id := self._outbox.get()) is not None and not self._stopped.is_set():
            while not self._stopped.is_set() and not self._try(task_id):
                self._again.wait(self._backoff.next())
                self._again.clear()

    def _try(self, task_id: str) -> bool:
        """Whether the task is through with."""
        try:
            self.attempt(task_id)
            self._backoff.reset()
            return True
        except FederationError as error:
            log.info("Task %s is not delivered yet: %s", task_id, error.detail)
        except Exception:
            log.exception("A delivery met an error that it did not expect")
        return False


def _state_after(refusal: MasterRefused) -> str:
    if refusal.code == "duplicate":
        # Nothing was wrong with it: another site did the same work sooner.
        return "cancelled"
    return "rejected" if refusal.status == 422 else "failed"
