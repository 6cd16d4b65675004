"""Polling: a child that nobody can call asks the master for work, one call at a time."""

from __future__ import annotations

import logging
import threading
import time
from collections import deque
from collections.abc import Callable

from child.agent.answers import MasterAway, MasterRefused
from child.agent.backoff import Backoff
from child.agent.enrolment import Enrolment
from child.agent.intake import Intake
from child.agent.master_client import MasterClient, Node, Offer
from child.store.tasks import TaskStore
from federated.messages import Failure

log = logging.getLogger(__name__)

WAIT_SECONDS = 25
"""How long the master may hold a poll: most proxies give a call thirty seconds at least."""
EARLY_SECONDS = 1.0
"""An empty answer that comes sooner tells that the master does not let polls wait now."""


class Polling:
    """Asks for work while there is none, in a thread of its own.

    Args:
        client: Calls to the master.
        enrolment: Who this child is.
        intake: Takes tasks in.
        tasks: The tasks held here; while one waits for training or is in it, other sites
            may have the next.
        told: Called when a heartbeat should go now: something has changed, or the master
            does not answer as it should, and a heartbeat finds out why.
        away: Delays while the master is away.
        backoff: Delays while it is there and lets no poll wait, or gives no work.
        clock: Seconds from any start.
    """

    def __init__(
        self,
        client: MasterClient,
        enrolment: Enrolment,
        intake: Intake,
        tasks: TaskStore,
        told: Callable[[], None],
        away: Backoff,
        backoff: Backoff,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._client = client
        self._enrolment = enrolment
        self._intake = intake
        self._tasks = tasks
        self._told = told
        self._away = away
        self._backoff = backoff
        self._clock = clock
        self._untold: deque[str] = deque()
        self._latest: str | None = None
        self._anew = True
        self._woken = threading.Event()
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._run, name="polling", daemon=True)

    def start(self) -> None:
        """Begins; first the master hears which of its tasks a restart found here."""
        self._untold.extend(self._tasks.in_states("fetching", "queued", "training"))
        self._thread.start()

    def stop(self) -> None:
        """Ends; a call under way is for others to break off."""
        self._stopped.set()
        self._woken.set()

    def join(self, seconds: float) -> None:
        """Waits for the end."""
        if self._thread.is_alive():
            self._thread.join(seconds)

    def wake(self) -> None:
        """There may be reason to poll now: a training has ended, or this child is enrolled."""
        self._woken.set()

    def step(self) -> float | None:
        """Does one thing: tells that a task was taken, fetches its weights, or asks for one.

        Returns:
            Seconds to let pass before the next; None if there is nothing to do until woken.
        """
        node = self._enrolment.node
        try:
            if node is None:
                return None
            pause = self._step(node)
            self._away.reset()
            return pause
        except MasterAway as error:
            log.info("No work can be asked for: %s", error.detail)
            self._told()
            return max(self._away.next(), error.retry_after)
        except MasterRefused as error:
            log.warning("The master gives this site no work: %s", error.detail)
            self._told()
        except Exception:
            log.exception("Asking for work met an error that it did not expect")
        return self._backoff.next()

    def _step(self, node: Node) -> float | None:
        if self._untold:
            return self._acknowledge(node)
        if fetching := self._tasks.in_states("fetching"):
            return self._bring(fetching[0])
        return None if self._tasks.may_train() else self._poll(node)

    def _acknowledge(self, node: Node) -> float:
        self._intake.acknowledge(node, self._untold[0])
        self._untold.popleft()
        self._told()
        return 0.0

    def _bring(self, task_id: str) -> float:
        brought = self._intake.bring(task_id)
        self._told()
        if not brought:
            return self._backoff.next()
        if self._anew:
            self._backoff.reset()
        return 0.0

    def _poll(self, node: Node) -> float:
        began = self._clock()
        offer = self._client.next_task(node, WAIT_SECONDS)
        name = offer.task.id if offer.task else offer.unreadable
        if name is None:
            return self._without(offer, self._clock() - began)
        if name == self._latest:
            # It was taken, and yet it is offered again: something is wrong, so do it slowly.
            self._stopped.wait(self._backoff.next())
        if not self._take(node, offer):
            return self._backoff.next()
        self._latest, self._anew = name, name != self._latest
        return 0.0

    def _without(self, offer: Offer, waited: float) -> float:
        """Seconds to let pass after a poll that brought no work."""
        if offer.retry_after or waited < EARLY_SECONDS:
            return offer.retry_after + self._backoff.next()
        self._backoff.reset()
        return 0.0

    def _take(self, node: Node, offer: Offer) -> bool:
        """Whether there is a task to do now."""
        if offer.task is not None:
            taken = self._intake.take(node, offer.task)
            self._untold.append(offer.task.id)
            return taken
        if offer.unreadable is not None:
            detail = "This site's software does not understand the task; it may be too old."
            failure = Failure(code="task_not_understood", detail=detail)
            self._client.failure(node, offer.unreadable, failure)
        return False

    def _run(self) -> None:
        while not self._stopped.is_set():
            self._woken.clear()
            pause = self.step()
            if pause is not None:
                self._stopped.wait(pause)
            elif not self._stopped.is_set():
                self._woken.wait()
