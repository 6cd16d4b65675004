"""The global models of a child that nobody can call: named in heartbeats, then fetched."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterable

from child.agent.answers import MasterAway, MasterRefused
from child.agent.downloads import Downloads
from child.store.studies import StudyStore
from federated.errors import Conflict, InvalidInput
from federated.messages import StudyPush

log = logging.getLogger(__name__)


class ModelUpdates:
    """Fetches models in a thread of its own: a slow transfer must hold up no heartbeat.

    What cannot be fetched now is named again by the next heartbeat's answer.

    Args:
        downloads: Fetches weights.
        studies: The models held here.
        adopted: Called when a study has another model than before.
    """

    def __init__(
        self, downloads: Downloads, studies: StudyStore, adopted: Callable[[], None]
    ) -> None:
        self._downloads = downloads
        self._studies = studies
        self._adopted = adopted
        self._condition = threading.Condition()
        self._wanted: dict[str, StudyPush] = {}
        self._broken: dict[str, set[str]] = {}
        self._stopped = False
        self._thread = threading.Thread(target=self._run, name="models", daemon=True)

    def start(self) -> None:
        """Begins."""
        self._thread.start()

    def stop(self) -> None:
        """Ends, as soon as the transfer under way does."""
        with self._condition:
            self._stopped = True
            self._condition.notify()

    def join(self, seconds: float) -> None:
        """Waits for the end."""
        if self._thread.is_alive():
            self._thread.join(seconds)

    def hear(self, models: Iterable[StudyPush]) -> None:
        """The master wants these models held; returns at once."""
        with self._condition:
            self._wanted.update({push.study.id: push for push in models})
            self._condition.notify()

    def fetch(self) -> None:
        """Fetches one of the models that are wanted, if any is."""
        with self._condition:
            if not self._wanted:
                return
            push = self._wanted.pop(next(iter(self._wanted)))
        if self._is_held(push) or self._broken.get(push.study.id) == set(push.blobs):
            return
        try:
            self._downloads.model(push)
        except MasterAway as error:
            log.info("The model of %s is not here yet: %s", push.study.id, error.detail)
        except (MasterRefused, Conflict) as error:
            log.warning("The model of %s is not here: %s", push.study.id, error.detail)
        except InvalidInput as error:
            # Named again with every heartbeat, it would cost a transfer each time.
            self._broken[push.study.id] = set(push.blobs)
            log.warning("The model of %s cannot be used: %s", push.study.id, error.detail)
        else:
            self._adopted()

    def _is_held(self, push: StudyPush) -> bool:
        held = self._studies.find(push.study.id)
        return (
            held is not None
            and held.current is not None
            and held.current.blobs.keys() == push.blobs.keys()
        )

    def _run(self) -> None:
        while not self._stopped:
            with self._condition:
                self._condition.wait_for(lambda: self._wanted or self._stopped)
            if not self._stopped:
                self._try()

    def _try(self) -> None:
        try:
            self.fetch()
        except Exception:
            log.exception("A model met an error that it did not expect")
