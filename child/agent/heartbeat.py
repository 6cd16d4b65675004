"""Heartbeats: this child lives, holds so many pictures, and still owes these tasks."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Sequence

from child.agent.answers import MasterAway, MasterRefused
from child.agent.backoff import Backoff
from child.agent.contact import Contact
from child.agent.enrolment import Enrolment
from child.agent.master_client import MasterClient, Node
from federated.errors import FederationError
from federated.messages import Counts, Heartbeat, StudyPush
from federated.model_card import ModelCard

log = logging.getLogger(__name__)

DEBOUNCE_SECONDS = 0.3
"""Changes that come together are told together."""


class Heartbeats:
    """Enrols, then calls the master now and then, and at once when something changes.

    Args:
        client: Calls to the master.
        contact: Hears the node's state.
        enrolment: Who this child is, and how it becomes somebody.
        compose: Makes the heartbeat of this moment; numbers only.
        drop: Called with each task that is over for the master.
        models: Called with the models that the master wants this child to fetch; must not
            block.
        cards: Called with what the master tells of the models that this child holds.
        credited: Called with what the site has earned, where the master tells.
        reached: Called when the master has answered; who waits for it may try again.
        backoff: Delays while the master is away.
    """

    def __init__(
        self,
        client: MasterClient,
        contact: Contact,
        enrolment: Enrolment,
        compose: Callable[[], Heartbeat],
        drop: Callable[[str], None],
        models: Callable[[Sequence[StudyPush]], None],
        cards: Callable[[Sequence[ModelCard]], None],
        credited: Callable[[float], None],
        reached: Callable[[], None],
        backoff: Backoff,
    ) -> None:
        self._client = client
        self._contact = contact
        self._enrolment = enrolment
        self._compose = compose
        self._drop = drop
        self._models = models
        self._cards = cards
        self._credited = credited
        self._reached = reached
        self._backoff = backoff
        self._changed = threading.Event()
        self._stopped = threading.Event()
        self._beating = threading.Lock()
        self._announced: dict[str, Counts] | None = None
        self._thread = threading.Thread(target=self._run, name="heartbeat", daemon=True)

    def start(self) -> None:
        """Begins."""
        self._thread.start()

    def stop(self) -> None:
        """Ends; a call under way is not waited for."""
        self._stopped.set()
        self._changed.set()

    def changed(self) -> None:
        """Something that a heartbeat tells has changed."""
        self._changed.set()

    def announce(self, node: Node) -> None:
        """Makes sure that the master knows the counts as they are now.

        An update is believed up to the pictures that its node has announced, so this comes
        before each delivery.

        Raises:
            MasterAway: The master did not answer.
            MasterRefused: The master does not know this node.
        """
        with self._beating:
            heartbeat = self._compose()
            if _counts(heartbeat) != self._announced:
                self._send(node, heartbeat)

    def beat(self) -> float:
        """One heartbeat, after enrolment if need be; returns seconds until the next.

        Raises:
            MasterAway: The master did not answer.
            MasterRefused: The master does not accept this child.
        """
        node = self._enrolment.node or self._enrolment.enrol()
        try:
            with self._beating:
                return self._send(node, self._compose())
        except MasterRefused as error:
            # A master that lost its memory of this node takes it in again with a join token.
            if error.status not in (401, 404):
                raise
            with self._beating:
                return self._send(self._enrolment.enrol(), self._compose())

    def _send(self, node: Node, heartbeat: Heartbeat) -> float:
        answer = self._client.heartbeat(node, heartbeat)
        self._announced = _counts(heartbeat)
        self._contact.learned(answer.state)
        if answer.credits is not None:
            self._credited(answer.credits)
        for task in answer.cancelled:
            self._drop(task)
        if answer.models:
            self._models(answer.models)
        if answer.cards:
            self._cards(answer.cards)
        self._reached()
        return answer.interval_seconds

    def _run(self) -> None:
        while not self._stopped.is_set():
            delay = self._try()
            if self._changed.wait(delay) and not self._stopped.wait(DEBOUNCE_SECONDS):
                self._changed.clear()

    def _try(self) -> float:
        try:
            interval = self.beat()
            self._backoff.reset()
            return interval
        except MasterAway as error:
            log.info("%s", error.detail)
        except FederationError as error:
            log.warning("The master does not take part with this site: %s", error.detail)
        except Exception:
            log.exception("The heartbeat met an error that it did not expect")
        return self._backoff.next()


def _counts(heartbeat: Heartbeat) -> dict[str, Counts]:
    return {study: held.counts for study, held in heartbeat.studies.items()}
