"""What a child that nobody can call fetches from the master: weights, by their hash."""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, contextmanager
from functools import partial

from child.agent.answers import Arrival, MasterAway
from child.agent.backoff import Backoff
from child.agent.download import Download
from child.agent.enrolment import Enrolment
from child.agent.master_client import MasterClient
from child.global_models import GlobalModels
from federated.messages import StudyPush
from federated.signature import Signature
from serving.blobs import BlobStore

Watch = Callable[[int], None]
"""Hears now and then how many bytes of a file are here; what it raises ends the wait for it."""

LONGEST_PAUSE = 5.0
"""Seconds between two tries of a transfer under way, at most."""
SIGN_SECONDS = 5.0
"""How often a transfer under way lets the master hear that this site lives, for it asks for
no work meanwhile; and whoever waits for the file, how much of it is here."""


def _ignore(nbytes: int) -> None:
    """The `watch` of someone who does not want to know."""


def _add(watch: Watch, before: int, nbytes: int) -> None:
    """Lets someone hear of a file, and of others that have come before it."""
    watch(before + nbytes)


class Downloads:
    """Fetches one file at a time, so that nothing is fetched twice.

    Args:
        client: Calls to the master.
        enrolment: Who this child is.
        models: Where weights go, and the studies that they belong to.
        blobs: The weights that are here.
        told: Called when a heartbeat should go now.
        rng: Source of chance for delays.
        clock: Seconds from any start.
    """

    def __init__(
        self,
        client: MasterClient,
        enrolment: Enrolment,
        models: GlobalModels,
        blobs: BlobStore,
        told: Callable[[], None],
        rng: random.Random,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._client = client
        self._enrolment = enrolment
        self._models = models
        self._blobs = blobs
        self._told = told
        self._rng = rng
        self._clock = clock
        self._one = threading.Lock()
        self._stopped = threading.Event()

    def stop(self) -> None:
        """Gives up what is being fetched."""
        self._stopped.set()

    def model(self, push: StudyPush, watch: Watch = _ignore) -> None:
        """Makes a study's model current, after its weights are here.

        Raises:
            MasterAway: The master does not answer.
            MasterRefused: The master does not give the weights.
            Conflict: The study's pictures would not fit.
            InvalidInput: The weights are not what the push says.
        """
        if self._models.push(push):
            self.blobs(push.blobs, watch)
            self._models.push(push)
            self._models.tidy()

    def blobs(self, blobs: Mapping[str, Signature], watch: Watch = _ignore) -> None:
        """Has all blobs of a model here, one after the other; `watch` hears of them together.

        Raises:
            MasterAway: The master does not answer.
            MasterRefused: The master does not give one of them.
            TooLarge: One is larger than its signature allows.
            InvalidInput: One has another hash, or does not fit its signature.
        """
        before = 0
        for sha256, signature in blobs.items():
            self.weights(sha256, signature, partial(_add, watch, before))
            before += signature.nbytes

    def weights(self, sha256: str, signature: Signature, watch: Watch = _ignore) -> None:
        """Has weights here, after what others fetch.

        Args:
            sha256: Which.
            signature: Their tensors.
            watch: Hears of the transfer every few seconds, also before it can begin and when
                it has broken off. What it raises is raised here, and ends it.

        Raises:
            MasterAway: The master does not answer.
            MasterRefused: The master does not give the weights.
            TooLarge: They are larger than their signature allows.
            InvalidInput: They have another hash, or do not fit the signature.
        """
        with self._alone(watch):
            if not self._blobs.has(sha256):
                with closing(self._download(sha256, watch)) as stream:
                    self._models.keep(sha256, signature, stream)

    @contextmanager
    def _alone(self, watch: Watch) -> Iterator[None]:
        while not self._one.acquire(timeout=SIGN_SECONDS):
            watch(0)
        try:
            yield
        finally:
            self._one.release()

    def _download(self, sha256: str, watch: Watch) -> Download:
        here, signed = 0, self._clock()

        def arrived(nbytes: int) -> None:
            nonlocal here, signed
            here = nbytes
            if self._clock() - signed >= SIGN_SECONDS:
                signed = self._clock()
                self._told()
                watch(nbytes)

        def pause(seconds: float) -> bool:
            watch(here)
            return self._stopped.wait(seconds)

        backoff = Backoff(self._rng, longest=LONGEST_PAUSE)
        return Download(lambda start: self._open(sha256, start), pause, backoff, arrived)

    def _open(self, sha256: str, start: int) -> Arrival:
        node = self._enrolment.node
        if node is None:
            raise MasterAway("This site is not enrolled yet")
        return self._client.weights(node, sha256, start)
