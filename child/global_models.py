"""Global models: what the master pushes, checked before it counts as current."""

from __future__ import annotations

import functools
import logging
import threading
from collections.abc import Callable

from child.store.studies import StudyStore
from child.store.tasks import TaskStore
from federated.errors import Conflict, FederationError
from federated.messages import StudyPush, Task
from federated.signature import Signature
from federated.statistics import WeightStatistics, weight_statistics
from federated.wire_checks import check_finite, check_weights
from serving.blobs import BlobStore, Readable, open_blob

log = logging.getLogger(__name__)

SPARE_BLOBS = 4
"""Blobs kept although nothing names them: a task may be on its way to start from one."""

KEPT_BASES = 4
"""Frozen parts that are kept between the tasks of their runs."""

MOST_EXPECTED = 8
"""Tasks at a time that could not be taken yet, and whose blobs may therefore come."""


class GlobalModels:
    """The models that this child holds for the master.

    Args:
        studies: The pushes.
        tasks: Open tasks, whose blobs are kept.
        blobs: The weights.
        arrived: Called with each push that became current.
    """

    def __init__(
        self,
        studies: StudyStore,
        tasks: TaskStore,
        blobs: BlobStore,
        arrived: Callable[[StudyPush], None],
    ) -> None:
        self._studies = studies
        self._tasks = tasks
        self._blobs = blobs
        self._arrived = arrived
        self._tidying = threading.Lock()
        self._expected: dict[str, Task] = {}
        self._bases: dict[str, None] = {}
        # A name says what is in a blob: what has been read once need not be read each round.
        self._check = functools.lru_cache(maxsize=16)(self._check_now)
        self._statistics = functools.lru_cache(maxsize=16)(self._compute_statistics)

    def push(self, push: StudyPush) -> tuple[str, ...]:
        """Notes what the master wants held here; returns the blobs of it that are missing.

        Raises:
            Conflict: The study's pictures would not fit.
            InvalidInput: A blob is here, and does not fit the push's signature.
        """
        self._studies.want(push)
        return self._adopt(push)

    def expect(self, task: Task) -> None:
        """Lets the blobs of a task come that was refused for want of them.

        They are the task's alone: what the site's people use stays as it is.
        """
        with self._tidying:
            self._expected.pop(task.id, None)
            self._expected[task.id] = task
            for forgotten in list(self._expected)[:-MOST_EXPECTED]:
                del self._expected[forgotten]

    def took(self, task: Task) -> None:
        """A task is here with all that it needs; nothing more is expected for it."""
        with self._tidying:
            self._expected.pop(task.id, None)
            if task.frozen is not None:
                self._bases.pop(task.frozen, None)
                self._bases[task.frozen] = None
                for forgotten in list(self._bases)[:-KEPT_BASES]:
                    del self._bases[forgotten]

    def receive(self, sha256: str, stream: Readable) -> None:
        """Keeps weights that a push, or a task, asked for.

        Raises:
            Conflict: Nothing asked for them.
            TooLarge: They are larger than their signature allows.
            InvalidInput: They have another hash, or do not fit the signature.
        """
        pushes = self._studies.wanting(sha256)
        asked = [task.blobs[sha256] for task in self._waiting() if sha256 in task.blobs]
        signatures = [push.blobs[sha256] for push in pushes] + asked
        if not signatures:
            raise Conflict(
                "No study asks for these weights",
                expected="weights that a PUT of a study, or a POST of a task, has named before",
                received=sha256,
                code="unexpected_blob",
            )
        limit = max(map(largest_blob, signatures))
        self._blobs.receive(stream, limit=limit, expected=sha256)
        for signature in signatures:
            self._check(sha256, signature)
        for push in pushes:
            self._adopt(push)
        self.tidy()

    def keep(self, sha256: str, signature: Signature, stream: Readable) -> None:
        """Keeps weights that are not here and that a task or a push names.

        Raises:
            TooLarge: They are larger than their signature allows.
            InvalidInput: They have another hash, or do not fit the signature.
        """
        self._blobs.receive(stream, limit=largest_blob(signature), expected=sha256)
        self._check(sha256, signature)

    def tidy(self) -> None:
        """Deletes blobs that neither a study nor an open task needs, but for the latest."""
        with self._tidying:
            used = self._studies.blobs_in_use() | self._tasks.blobs_in_use()
            # The next round of its run wants only the rest.
            used.update(self._bases, *(task.blobs for task in self._expected.values()))
            spare = [name for name in self._blobs.names() if name not in used]
            spare.sort(key=lambda name: (self._blobs.root / name).stat().st_mtime)
            for name in spare[:-SPARE_BLOBS]:
                self._blobs.delete(name)

    def statistics(self, push: StudyPush) -> WeightStatistics | None:
        """Statistics of held weights; None where they cannot be read."""
        try:
            return self._statistics(push.weights, push.signature)
        except FederationError as error:
            log.warning("No statistics of the weights: %s", error.detail)
            return None

    def _waiting(self) -> list[Task]:
        """The tasks whose blobs may come."""
        with self._tidying:
            return list(self._expected.values())

    def _adopt(self, push: StudyPush) -> tuple[str, ...]:
        """Makes a push current once all its blobs are here; returns those that are not."""
        missing = tuple(sha256 for sha256 in push.blobs if not self._blobs.has(sha256))
        if not missing:
            for sha256, signature in push.blobs.items():
                self._check(sha256, signature)
            self._studies.adopt(push)
            self._arrived(push)
        return missing

    def _check_now(self, sha256: str, signature: Signature) -> None:
        try:
            with open_blob(self._blobs.path(sha256)) as blob:
                check_weights(blob, signature)
                check_finite(blob)
        except FederationError:
            self._blobs.delete(sha256)
            raise

    def _compute_statistics(self, sha256: str, signature: Signature) -> WeightStatistics:
        with open_blob(self._blobs.path(sha256)) as blob:
            return weight_statistics(blob, signature)


def largest_blob(signature: Signature) -> int:
    """Bytes that no honest blob of weights under this signature exceeds: tensors and header."""
    return signature.nbytes + 1024 * (len(signature.tensors) + 1024)
