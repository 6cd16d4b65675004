"""A data set in class folders, read and dealt out to sites."""

from __future__ import annotations

import math
import re
import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path

import numpy as np
from pydantic import ValidationError

from engines.processes.client import Files
from engines.processes.columns import LABELS_FILE, column_values
from engines.processes.errors import WrongOption
from engines.processes.progress import Say, say
from federated.partition import partitioner
from federated.plan import Plan
from federated.study import Study
from imaging.folders import Found, read_class_folders
from imaging.source import OnSkip, Skipped

FILES_PER_CALL = 64
BYTES_PER_CALL = 48 << 20
"""Limits of one upload: with what frames the files, below the 64 MiB that a master takes."""


@dataclass(frozen=True, slots=True)
class Dataset:
    """Pictures by part.

    Attributes:
        train: For the children.
        test: For the master's test part; may be empty.
        audit: For the master's audit part; may be empty.
        classes: Class names, sorted; an index is a place in this tuple.
    """

    train: tuple[Found, ...]
    test: tuple[Found, ...]
    audit: tuple[Found, ...]
    classes: tuple[str, ...]


def read_dataset(folder: Path, tell: Say = say) -> Dataset:
    """The parts `train`, `test` and `audit` of a folder; only `train` must be there.

    Args:
        folder: The data set.
        tell: Tells how many files were left out, and why the first one was.

    Raises:
        NoPictures: There are none in a part.
        WrongOption: A class folder cannot be used, another part has a class that `train` has
            not, or there is one class only.
    """
    skipped: list[Skipped] = []
    train = _read_part(folder, "train", skipped.append)
    parts = {
        name: _read_part(folder, name, skipped.append) if (folder / name).is_dir() else ()
        for name in ("test", "audit")
    }
    classes = tuple(sorted({found.label for found in train}))
    _check_classes(folder / "train", classes, [*parts["test"], *parts["audit"]])
    if skipped:
        files = "1 file was" if len(skipped) == 1 else f"{len(skipped)} files were"
        tell(f"{files} left out; {skipped[0].name}: {skipped[0].reason}.")
    return Dataset(train, parts["test"], parts["audit"], classes)


def _read_part(folder: Path, part: str, on_skip: OnSkip) -> tuple[Found, ...]:
    """One part's pictures; a class folder must not go missing as a stray file may.

    Raises:
        WrongOption: A class folder cannot be used.
    """

    def note(skipped: Skipped) -> None:
        name = f"{part}/{skipped.name}"
        is_file = "/" in skipped.name or not (folder / name).is_dir()
        if not is_file and not skipped.name.startswith("."):
            raise WrongOption(
                f"The class folder {name} cannot be used: {skipped.reason}",
                expected="a folder of this data set, named by up to 64 letters, digits and "
                "spaces or . _ ( ) -",
                received=skipped.name,
            )
        on_skip(Skipped(name, skipped.reason))

    return tuple(read_class_folders(folder / part, note))


def _check_classes(train: Path, classes: Sequence[str], others: Sequence[Found]) -> None:
    paths = (path for path in train.iterdir() if path.is_dir() and path.name[0] != ".")
    # Labels are in composed form; a file system may hand out names with their accents apart.
    folders = {unicodedata.normalize("NFC", path.name) for path in paths}
    if empty := folders - set(classes):
        raise WrongOption(
            "A class folder has no pictures",
            expected=f"JPEG or PNG files in every class folder of {train}",
            received=sorted(empty),
        )
    if len(classes) < 2:
        raise WrongOption(
            "There is nothing to tell apart",
            expected=f"two or more class folders with pictures in {train}",
            received=f"only '{classes[0]}'",
        )
    if unknown := {found.label for found in others} - set(classes):
        raise WrongOption(
            "A class that is not trained cannot be tested",
            expected=f"only class folders of {train}",
            received=sorted(unknown),
        )


def study_of(folder: Path, dataset: Dataset, size: int) -> Study:
    """A study named after the data set's folder.

    Raises:
        WrongOption: The class folders make no study.
    """
    name = _text(folder.name)[:120] or "Study"
    slug = re.sub(r"[^a-z0-9_-]+", "-", name.lower()).strip("-_")[:64]
    try:
        return Study(id=slug or "study", name=name, classes=dataset.classes, size=size)
    except ValidationError as error:
        raise WrongOption(
            f"The class folders of {folder / 'train'} make no study",
            expected=error.errors()[0]["msg"].removeprefix("Value error, "),
            received=list(dataset.classes),
        ) from None


def deal_out(
    dataset: Dataset,
    sites: Sequence[str],
    partition: str,
    seed: int,
    least: int = 0,
    metadata: Path | None = None,
) -> dict[str, list[Found]]:
    """The training pictures of each site.

    Args:
        dataset: The pictures.
        sites: Names of the sites.
        partition: A text that `federated.partition.PARTITIONS` explains.
        seed: Decides who gets which picture.
        least: Pictures that every site must hold.
        metadata: Folder of the data set, in which a partition by a column finds `labels.csv`.

    Raises:
        InvalidInput: There is no such partition, or it leaves a site too few pictures.
    """
    deal = partitioner(partition)
    values = None
    if deal.column is not None and metadata is not None:
        values = column_values(metadata / LABELS_FILE, deal.column, dataset.train)
    labels = np.array([dataset.classes.index(found.label) for found in dataset.train])
    dealt = deal(labels, len(sites), np.random.default_rng(seed), values, least)
    return {
        site: [dataset.train[index] for index in indices]
        for site, indices in zip(sites, dealt, strict=True)
    }


def pictures_needed(plan: Plan, classes: int) -> int:
    """Pictures of a site, of any classes, that are enough for it to train under the plan.

    Args:
        plan: Says how many must train, and which share only judges.
        classes: Number of classes; each class's judging share is rounded on its own.
    """
    training = 1 - plan.training.validation_fraction
    rounding = classes / 2 if plan.training.validation_fraction else 0
    return math.ceil((plan.privacy.min_examples + rounding) / training)


def calls(pictures: Sequence[Found]) -> Iterator[tuple[str, Files]]:
    """Uploads for pictures: a label and files of that class, bounded in number and bytes.

    Files are read when their call's turn comes, so that memory does not grow with the data.
    """
    ordered = sorted(pictures, key=lambda found: found.label)
    for label, group in groupby(ordered, key=lambda found: found.label):
        files: list[tuple[str, bytes]] = []
        for found in group:
            data = found.read()
            if files and _is_full(files, len(data)):
                yield label, files
                files = []
            files.append((_text(found.path.name), data))
        yield label, files


def _is_full(files: Files, more: int) -> bool:
    size = sum(len(data) for _, data in files)
    return len(files) >= FILES_PER_CALL or size + more > BYTES_PER_CALL


def _text(name: str) -> str:
    """A file's name as text that can be sent; a file system takes any bytes for a name."""
    return name.encode(errors="replace").decode()
