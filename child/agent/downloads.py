"""What a child that nobody can call fetches from the master: weights, by their hash."""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Callable
from contextlib import closing

from child.agent.answers import Arrival, MasterAway
from child.agent.backoff import Backoff
from child.agent.download import Download
from child.agent.enrolment import Enrolment
from child.agent.master_client import MasterClient
from child.global_models import GlobalModels
from federated.messages import StudyPush
from federated.signature import Signature
from serving.blobs import BlobStore

LONGEST_PAUSE = 5.0
"""Seconds between two tries of a transfer under way, at most."""
SIGN_SECONDS = 5.0
"""How often a transfer under way lets the master hear that this site lives: it asks for no
work meanwhile, and may hold no task yet whose lease would ask for frequent heartbeats."""


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
        self._signed = 0.0
        self._one = threading.Lock()
        self._stopped = threading.Event()

    def stop(self) -> None:
        """Gives up what is being fetched."""
        self._stopped.set()

    def model(self, push: StudyPush) -> None:
        """Makes a study's model current, after its weights are here.

        Raises:
            MasterAway: The master does not answer.
            MasterRefused: The master does not give the weights.
            Conflict: The study's pictures would not fit.
            InvalidInput: The weights are not what the push says.
        """
        if self._models.push(push):
            self.weights(push.weights, push.signature)
            self._models.push(push)
            self._models.tidy()

    def weights(self, sha256: str, signature: Signature) -> None:
        """Has weights here.

        Raises:
            MasterAway: The master does not answer.
            MasterRefused: The master does not give the weights.
            TooLarge: They are larger than their signature allows.
            InvalidInput: They have another hash, or do not fit the signature.
        """
        with self._one:
            if not self._blobs.has(sha256):
                with closing(self._download(sha256)) as stream:
                    self._models.keep(sha256, signature, stream)

    def _download(self, sha256: str) -> Download:
        self._signed = self._clock()
        return Download(
            lambda start: self._open(sha256, start),
            self._stopped.wait,
            Backoff(self._rng, longest=LONGEST_PAUSE),
            self._arrived,
        )

    def _arrived(self) -> None:
        if self._clock() - self._signed >= SIGN_SECONDS:
            self._signed = self._clock()
            self._told()

    def _open(self, sha256: str, start: int) -> Arrival:
        node = self._enrolment.node
        if node is None:
            raise MasterAway("This site is not enrolled yet")
        return self._client.weights(node, sha256, start)
