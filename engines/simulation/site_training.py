"""One task of a simulated site: done as a child would, and read as the master would."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from child.worker_messages import TrainingRequest
from engines.simulation.laboratory import Laboratory
from engines.simulation.site import SimulatedSite
from federated.messages import Progress, Task
from federated.strategies import Contribution
from federated.wire import ExtraReader, UpdateDocument, UpdateReader, read_update_document
from serving.blobs import BlobStore, StoredTensors, open_blob
from serving.worker import Json, WorkerFailed

DIVERGED = "training_diverged"
"""Code of a training whose loss is no longer a number."""

OnSeen = Callable[[int], object]
"""Hears how many pictures were trained on since it was last called."""


@dataclass(frozen=True, slots=True)
class Trained:
    """An update that is in: where it came from, what it says, its blob, and its accuracy."""

    node: str
    task: Task
    document: UpdateDocument
    sha256: str
    score: float | None = None


def train_at(
    laboratory: Laboratory, site: SimulatedSite, task: Task, on_seen: OnSeen
) -> Trained | None:
    """The update of a site; None where what a search proposed has led nowhere.

    Args:
        laboratory: Where; the update comes to lie among its blobs.
        site: Who trains.
        task: What is done.
        on_seen: Hears of pictures as they are trained on.

    Raises:
        WorkerFailed: The training failed.
    """
    plan, training, blobs = task.plan, task.training, laboratory.blobs
    train, validation = site.split(laboratory.study, training.validation_fraction, plan.seed)
    place = laboratory.site_folder(site.name)
    kept, update = laboratory.statistics_of(site.name), place / "update"
    controls = laboratory.controls_of(site.name)
    keeps_own = plan.strategy.batch_norm == "local"
    computes = plan.model.trained == "features"
    request = TrainingRequest(
        task=task,
        weights=blobs.path(task.weights),
        frozen=blobs.path(task.frozen) if task.frozen else None,
        own_statistics=kept.of_run(task.run) if keeps_own else None,
        pixels=laboratory.pixels,
        features=place / "features.f32" if computes else None,
        train=train,
        validation=validation,
        least=plan.privacy.min_examples,
        update=update,
        statistics=place / "statistics",
        control=blobs.path(task.control) if task.control else None,
        own_control=controls.of_task(task.run, task.counted),
        new_control=controls.place(task.run, task.id),
    )
    seen = Seen(len(train.rows), training.epochs, on_seen)
    try:
        laboratory.workers.call("train", request.model_dump(mode="json"), seen.hear)
    except WorkerFailed as error:
        if task.hyperparameters is None or error.code != DIVERGED:
            raise
        return None
    finally:
        seen.finish()
    kept.keep(task.run, request.statistics)
    with open_blob(update) as blob:
        document = read_update_document(blob)
    return Trained(site.name, task, document, blobs.adopt(update).sha256)


def contribution_of(trained: Trained, blobs: BlobStore) -> Contribution:
    """An update as a strategy takes it."""
    document = trained.document
    tensors = StoredTensors(blobs.path(trained.sha256))
    return Contribution(
        node=trained.node,
        num_examples=document.num_examples,
        num_steps=document.num_steps,
        weights=UpdateReader(tensors, document, StoredTensors(blobs.path(trained.task.weights))),
        extra=ExtraReader(tensors),
        score=trained.score,
        training=trained.task.training,
    )


class Seen:
    """Turns a trainer's progress into pictures seen.

    Args:
        num_examples: Pictures of one epoch.
        epochs: Epochs of the task.
        on_seen: Hears of the difference.
    """

    def __init__(self, num_examples: int, epochs: int, on_seen: OnSeen) -> None:
        self._num_examples = num_examples
        self._total = num_examples * epochs
        self._on_seen = on_seen
        self._told = 0

    def hear(self, event: Json) -> None:
        """Takes one report of the trainer."""
        progress = Progress.model_validate(event)
        part = progress.step / progress.steps if progress.steps else 0.0
        self._tell(int((max(progress.epoch, 1) - 1 + part) * self._num_examples))

    def finish(self) -> None:
        """The task is done, even where it ended early."""
        self._tell(self._total)

    def _tell(self, seen: int) -> None:
        self._on_seen(seen - self._told)
        self._told = seen
