"""What the trainer is asked for a task: which pictures, where they lie; or why not."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from child.agent.batch_fetching import BatchFetcher
from child.pictures import PictureFolder
from child.store.participation import ParticipationStore
from child.store.picture_rows import Example
from child.store.pictures import PictureStore
from child.store.tasks import TaskStore
from child.worker_messages import Examples, TrainingRequest
from federated.errors import Conflict
from federated.messages import Task
from federated.study import Study
from serving.blobs import BlobStore


@dataclass(frozen=True, slots=True)
class Site:
    """What training needs of the site, and what the site insists on.

    Attributes:
        min_examples: Pictures to train on without which this site does not train, whatever
            a plan says.
        drafts: Folder for updates under construction, and for pixels of public pictures.
        batches: Gets batches of public pictures.
    """

    pictures: PictureStore
    folder: PictureFolder
    tasks: TaskStore
    participation: ParticipationStore
    blobs: BlobStore
    min_examples: int
    drafts: Path
    batches: BatchFetcher


Gather = Callable[[Path], tuple[Examples, Examples]]
"""Makes an array file of public pictures; returns those that train and those that judge."""


def training_request(task: Task, site: Site, gather: Gather) -> TrainingRequest:
    """A task with its pictures, or the reason why the site does not train.

    Args:
        task: The task.
        site: Its pictures and limits; no limit holds for public pictures, which hide nobody.
        gather: Called where the plan's data are public.

    Raises:
        Conflict: The site has paused, or has too few pictures to train on.
        NotFound: The weights are not here.
    """
    if site.participation.paused():
        raise Conflict("This site has paused its participation", code="paused")
    weights = site.blobs.path(task.weights)
    update, pixels = drafts_of(task, site)
    if task.plan.data.kind == "own":
        pixels = site.folder.array(task.study).path
        train, validation = _own_pictures(task, site)
    else:
        train, validation = gather(pixels)
    return TrainingRequest(
        task=task,
        weights=weights,
        pixels=pixels,
        train=train,
        validation=validation,
        update=update,
    )


def drafts_of(task: Task, site: Site) -> tuple[Path, Path]:
    """Files that a task may make, both gone after it: the update, and public pictures' pixels."""
    return site.drafts / f"{task.id}.safetensors", site.drafts / f"{task.id}.u8"


def _own_pictures(task: Task, site: Site) -> tuple[Examples, Examples]:
    """This site's pictures for a task: those that train, and those that judge.

    They are in the order of their hashes, so that the same pictures make the same batches,
    whenever and in whatever order they were uploaded.
    """
    training = task.plan.training
    examples = site.pictures.deal(
        task.study.id,
        task.id if task.plan.publish else None,
        fraction=training.validation_fraction,
        seed=task.plan.seed,
        least=max(site.min_examples, task.plan.privacy.min_examples),
    )
    train = [example for example in examples if example.part == "train"]
    judging = [example for example in examples if example.part != "train"]
    return _chosen(task.study, train), _chosen(task.study, judging)


def _chosen(study: Study, examples: list[Example]) -> Examples:
    index = {name: place for place, name in enumerate(study.classes)}
    return Examples(
        rows=tuple(example.row for example in examples),
        labels=tuple(index[example.label] for example in examples),
    )
