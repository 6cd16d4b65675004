"""Public pictures for one task: its batches are fetched and unpacked, one after the other.

So a task needs no more room than one batch and the pictures that it wants, however many
batches these are drawn from. The site's own pictures have no part in this.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from child.agent.batch_fetching import BatchFetcher
from child.worker_messages import Examples, Unpacked, UnpackRequest
from federated.errors import InvalidInput
from federated.messages import AssignedBatch, Task
from federated.plan import AssignedBatches, RandomSets
from federated.study import Study
from imaging.batch_index import BatchIndex, draw_training, draw_validation
from serving.worker import WorkerFailed

Unpack = Callable[[UnpackRequest, Callable[[dict[str, Any]], None]], Unpacked]
"""Has the trainer unpack a batch; its second argument hears `{"pictures": n}` on the way."""


class GivenUp(Exception):
    """The task under way is no longer wanted, or the child ends."""


@dataclass(frozen=True, slots=True)
class Share:
    """What a task wants of one batch.

    Attributes:
        train: Places in its training part; None for the whole part.
        validation: Places in its validation part; None for the whole part.
    """

    batch: AssignedBatch
    train: tuple[int, ...] | None = None
    validation: tuple[int, ...] | None = None


@dataclass(frozen=True, slots=True)
class PublicPictures:
    """Gathers the pictures of tasks.

    Attributes:
        fetcher: Gets batches.
        unpack: Decodes them, in another process.
    """

    fetcher: BatchFetcher
    unpack: Unpack

    def gather(
        self, task: Task, pixels: Path, tell: Callable[[str], None], given_up: threading.Event
    ) -> tuple[Examples, Examples]:
        """Makes an array file of the pictures that a task is to be done on.

        Args:
            task: Its plan's data are public.
            pixels: The array file to make.
            tell: Hears what is being done, in words.
            given_up: Ends this, once set.

        Returns:
            The pictures that train and those that judge, in an order that the task alone decides.

        Raises:
            GivenUp: `given_up` was set.
            FederationError: The pictures cannot be had; the code and the sentence say why.
        """
        watch = _Watch(tell, given_up)
        url, shares = self._shares(task, watch)
        # Those that are here come first: what is fetched for the others may take their room.
        order = sorted(shares, key=lambda share: not self.fetcher.holds(share.batch))
        parts: dict[str, Unpacked] = {}
        for number, share in enumerate(order, 1):
            watch.subject = f"batch {number} of {len(order)}"
            watch.say(f"fetching {watch.subject}")
            path = self.fetcher.fetch(url, share.batch, watch.on_bytes(share.batch), watch.sleep)
            watch.say(f"reading {watch.subject}")
            parts[share.batch.sha256] = self._unpacked(task.study, share, path, pixels, watch)
        found = [parts[share.batch.sha256] for share in shares]
        return _joined(part.train for part in found), _joined(part.validation for part in found)

    def _shares(self, task: Task, watch: _Watch) -> tuple[str, tuple[Share, ...]]:
        match task.plan.data:
            case AssignedBatches(url=url) if task.batch is not None:
                return url, (Share(task.batch),)
            case RandomSets(url=url, images=images) if task.index is not None:
                watch.say("fetching the index of the batches")
                return url, drawn(
                    self.fetcher.index(url, task.index, watch.sleep), images, task.seed
                )
        raise InvalidInput("The task does not say which batches to train on", code="no_batch")

    def _unpacked(
        self, study: Study, share: Share, path: Path, pixels: Path, watch: _Watch
    ) -> Unpacked:
        request = UnpackRequest(
            study=study,
            batch=path,
            sha256=share.batch.sha256,
            train=share.train,
            validation=share.validation,
            pixels=pixels,
        )
        try:
            unpacked = self.unpack(request, watch.on_pictures)
        except WorkerFailed as error:
            if error.code == "broken_batch":
                # What spoiled on this disk must not fail the next task too.
                self.fetcher.discard(share.batch)
            raise
        if unpacked.cancelled:
            raise GivenUp
        return unpacked


@dataclass(slots=True)
class _Watch:
    """Tells how far the gathering is, and ends it once the task is given up."""

    tell: Callable[[str], None]
    given_up: threading.Event
    subject: str = ""

    def say(self, note: str) -> None:
        if self.given_up.is_set():
            raise GivenUp
        self.tell(note)

    def on_bytes(self, batch: AssignedBatch) -> Callable[[int], None]:
        whole = f"of {batch.bytes / 1e6:.1f} MB"
        return lambda here: self.say(f"fetching {self.subject}, {here / 1e6:.1f} {whole}")

    def on_pictures(self, event: dict[str, Any]) -> None:
        # The worker is asked to stop by whoever gives up; its answer must still be waited for.
        self.tell(f"reading {self.subject}, {event['pictures']} pictures so far")

    def sleep(self, seconds: float) -> None:
        if self.given_up.wait(seconds):
            raise GivenUp


def drawn(index: BatchIndex, images: int, seed: int) -> tuple[Share, ...]:
    """A random set as shares of the batches, in the order of the index.

    The same index, number and seed give the same shares everywhere.

    Args:
        index: The index to draw from.
        images: Training pictures; judging pictures are as many as the same share of theirs.
        seed: The task's.

    Raises:
        NoPictures: There are fewer training pictures.
    """
    train = draw_training(index, images, seed)
    judging = round(images * index.validation_total / max(1, index.train_total))
    validation = draw_validation(index, judging, seed)
    return tuple(
        Share(
            AssignedBatch(sha256=entry.sha256, bytes=entry.bytes),
            train.get(entry.sha256, ()),
            validation.get(entry.sha256, ()),
        )
        for entry in index.batches
        if entry.sha256 in train or entry.sha256 in validation
    )


def _joined(parts: Iterable[Examples]) -> Examples:
    found = tuple(parts)
    return Examples(
        rows=tuple(row for part in found for row in part.rows),
        labels=tuple(label for part in found for label in part.labels),
    )
