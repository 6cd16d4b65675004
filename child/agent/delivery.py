"""Delivery: updates and failures go to the master, again and again until it has answered."""

from __future__ import annotations

import logging
import queue
import threading
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from child.agent.answers import MasterAway, MasterRefused
from child.agent.backoff import Backoff
from child.agent.enrolment import Enrolment
from child.agent.heartbeat import Heartbeats
from child.agent.master_client import MasterClient, Node
from child.store.tasks import HeldTask, TaskStore
from child.update_norm import update_norm
from federated.errors import FederationError, NotFound, cut
from federated.messages import Failure
from serving.blobs import BlobStore

log = logging.getLogger(__name__)

OVER = frozenset({403, 404, 409, 410, 413, 422})
"""Statuses after which the same delivery would meet the same answer."""

LONGEST_ANSWER = 250
"""Characters of the master's answer that are told again."""


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
        """One try to deliver what a task owes; what is refused is told as a failure at once.

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
        if held.failure is None and (failure := self._deliver(node, held)) is not None:
            # Kept before it is told: a restart must not send again what was refused.
            self._tasks.refused(task_id, failure)
            held = replace(held, failure=failure)
        if held.failure is not None:
            self._report(node, held, held.failure)
        self._closed(task_id)

    def _deliver(self, node: Node, held: HeldTask) -> Failure | None:
        """Delivers a task's result; what is to be told instead where that is refused."""
        try:
            self._heartbeats.announce(node)
            self._send(node, held)
        except MasterRefused as error:
            if error.status not in OVER:
                raise
            log.warning("The result of task %s was refused: %s", held.task.id, error.detail)
            if error.code != "duplicate":
                return refusal_of(error, self._departed(held))
            # Nothing was wrong with it: another site did the same work sooner.
            self._tasks.end(held.task.id, "cancelled", error.detail)
        except NotFound:
            log.error("The result of task %s is missing", held.task.id)
            return Failure(code="result_missing", detail="The site has lost the task's result.")
        return None

    def _send(self, node: Node, held: HeldTask) -> None:
        task_id = held.task.id
        if held.update_sha256 is None:
            return
        path = self._blobs.path(held.update_sha256)
        if held.task.kind == "evaluate":
            receipt = self._client.evaluation(node, task_id, path.read_bytes())
        else:
            norm = self._norm(held, path)
            receipt = self._client.update(node, task_id, path, held.update_sha256, norm)
            self._confirmed(task_id)
        self._tasks.end(task_id, receipt.state)

    def _report(self, node: Node, held: HeldTask, failure: Failure) -> None:
        """Tells the master of a failure; where it does not want to know, nobody is told."""
        task_id = held.task.id
        try:
            state = self._client.failure(node, task_id, failure)
        except MasterRefused as error:
            if error.status not in OVER:
                raise
            log.warning("The master does not hear why task %s failed: %s", task_id, error.detail)
            state = "failed"
        # The master may have refused the content for good before it was told of the refusal.
        self._tasks.end(task_id, "rejected" if state == "rejected" else "failed")

    def _departed(self, held: HeldTask) -> str:
        """What was sent, in words."""
        what = "update" if held.task.kind == "train" else "evaluation"
        size = self._blobs.path(held.update_sha256 or "").stat().st_size
        return f"{what} of {size} bytes"

    def _norm(self, held: HeldTask, update: Path) -> float | None:
        """For the site's own record: an update leaves with it or without."""
        try:
            return update_norm(self._blobs.path(held.task.weights), update)
        except Exception:
            log.exception("The norm of the update of task %s is not known", held.task.id)
            return None

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


def refusal_of(refusal: MasterRefused, departed: str) -> Failure:
    """What the master, and whoever reads of the round, is told of a delivery that was refused.

    Args:
        refusal: The answer to it.
        departed: What was sent, and its size, in words.
    """
    said = cut(refusal.detail, LONGEST_ANSWER)
    detail = f"The site's {departed} was refused with status {refusal.status}. {said}"
    if refusal.code == MasterRefused.code:
        detail += (
            " That is not how a master answers: a proxy before it may have a limit of its own, "
            "which has to let such a body pass."
        )
    return Failure(code="delivery_refused", detail=detail)
