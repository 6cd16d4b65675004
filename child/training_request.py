"""What the trainer is asked for a task: which pictures, where they lie; or why not."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from child.admission import Admission
from child.agent.batch_fetching import BatchFetcher
from child.local_controls import LocalControls
from child.local_statistics import LocalStatistics
from child.pictures import PictureFolder
from child.store.picture_rows import Example
from child.store.pictures import PictureStore
from child.store.round_figures import RoundFiguresStore
from child.store.tasks import TaskStore
from child.worker_messages import Examples, TrainingRequest
from federated.messages import Task
from federated.study import Study
from federated.values import sha256_of
from serving.blobs import BlobStore


@dataclass(frozen=True, slots=True)
class Site:
    """What training needs of the site, and what the site insists on.

    Attributes:
        admission: Decides on each task once more as it begins.
        min_examples: Pictures to train on without which this site does not train, and
            pictures that judge without which it tells no figure of them, whatever a plan says.
        drafts: Folder for updates under construction, and for pixels of public pictures.
        batches: Gets batches of public pictures.
        statistics: BatchNorm's statistics that this site keeps to itself.
        controls: Control variates that it keeps to itself.
        figures: How models did here, which it keeps to itself too.
    """

    pictures: PictureStore
    folder: PictureFolder
    tasks: TaskStore
    admission: Admission
    blobs: BlobStore
    min_examples: int
    drafts: Path
    batches: BatchFetcher
    statistics: LocalStatistics
    controls: LocalControls
    figures: RoundFiguresStore


BESIDE_FEATURES = frozenset({"head", "dropout", "norm_momentum", "last_blocks"})
"""Settings that change nothing in what a frozen network makes of a picture."""

Gather = Callable[[Path], tuple[Examples, Examples]]
"""Makes an array file of public pictures; returns those that train and those that judge."""


def training_request(task: Task, site: Site, gather: Gather) -> TrainingRequest:
    """A task with its pictures, or the reason why the site does not train.

    Args:
        task: The task.
        site: Its pictures and limits; no limit holds for public pictures, which hide nobody.
        gather: Called where the plan's data are public.

    Raises:
        Conflict: The site does not take part in it now, or has too few pictures to train on.
        NotFound: The weights are not here.
    """
    site.admission.check(task)
    weights = site.blobs.path(task.weights)
    drafts = drafts_of(task, site)
    pixels, features = drafts.pixels, drafts.features
    if task.plan.data.kind == "own":
        pixels = site.folder.array(task.study).path
        features = site.folder.features(task.study, feature_key(task))
        train, validation = _own_pictures(task, site)
        least = least_examples(task, site)
    else:
        train, validation = gather(pixels)
        least = 1
    keeps_own = task.plan.strategy.batch_norm == "local"
    return TrainingRequest(
        task=task,
        weights=weights,
        frozen=site.blobs.path(task.frozen) if task.frozen else None,
        own_statistics=site.statistics.of_run(task.run) if keeps_own else None,
        pixels=pixels,
        features=features if task.model.trained == "features" else None,
        train=train,
        validation=validation,
        least=least,
        update=drafts.update,
        statistics=drafts.statistics,
        control=site.blobs.path(task.control) if task.control else None,
        own_control=site.controls.of_task(task.run, task.counted),
        new_control=site.controls.place(task.run, task.id),
    )


@dataclass(frozen=True, slots=True)
class Drafts:
    """Files that a task may make, none of which outlasts it under this name.

    Attributes:
        update: The update.
        statistics: BatchNorm's statistics.
        pixels: Public pictures' pixels.
        features: What the frozen part of a model makes of public pictures: they are another
            batch or set in most rounds, so these are computed for each task.
        evaluation: What models have been measured to be.
    """

    update: Path
    statistics: Path
    pixels: Path
    features: Path
    evaluation: Path

    def remove(self) -> None:
        """Deletes those that there are."""
        made = (self.update, self.statistics, self.pixels, self.features, self.evaluation)
        for path in made:
            path.unlink(missing_ok=True)


def drafts_of(task: Task, site: Site) -> Drafts:
    """The drafts of a task."""
    return Drafts(
        update=site.drafts / f"{task.id}.safetensors",
        statistics=site.drafts / f"{task.id}.statistics",
        pixels=site.drafts / f"{task.id}.u8",
        features=site.drafts / f"{task.id}.f32",
        evaluation=site.drafts / f"{task.id}.json",
    )


def least_examples(task: Task, site: Site) -> int:
    """Pictures of this site's own without which it neither trains for a task nor tells figures."""
    return max(site.min_examples, task.plan.privacy.min_examples)


def feature_key(task: Task) -> str:
    """Equal for tasks whose models make the same features of the same pictures."""
    model = task.model
    settings = {n: value for n, value in model.settings.items() if n not in BESIDE_FEATURES}
    parts = [model.name, settings, model.config, task.training.precision]
    return sha256_of([*parts, task.study.picture_shape, task.frozen])


def _own_pictures(task: Task, site: Site) -> tuple[Examples, Examples]:
    """This site's pictures for a task: those that train, and those that judge.

    They are in the order of their hashes, so that the same pictures make the same batches,
    whenever and in whatever order they were uploaded.
    """
    training = task.training
    examples = site.pictures.deal(
        task.study.id,
        task.id if task.plan.publish else None,
        fraction=training.validation_fraction,
        seed=task.plan.seed,
        least=least_examples(task, site),
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
