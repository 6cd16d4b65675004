"""A data set in class folders, read and dealt out to sites."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path

import numpy as np

from engines.processes.client import Files
from engines.processes.errors import WrongOption
from federated.partition import partitioner
from federated.study import Study
from imaging.folders import Found, read_class_folders

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


def read_dataset(folder: Path) -> Dataset:
    """The parts `train`, `test` and `audit` of a folder; only `train` must be there.

    Raises:
        NoPictures: There are none in `train`.
        WrongOption: Another part has a class that `train` has not, or there is one class only.
    """
    train = tuple(read_class_folders(folder / "train"))
    parts = {
        name: tuple(read_class_folders(folder / name)) if (folder / name).is_dir() else ()
        for name in ("test", "audit")
    }
    classes = tuple(sorted({found.label for found in train}))
    if len(classes) < 2:
        raise WrongOption(
            "There is nothing to tell apart",
            expected=f"two or more class folders with pictures in {folder / 'train'}",
            received=f"only '{classes[0]}'",
        )
    unknown = {found.label for part in parts.values() for found in part} - set(classes)
    if unknown:
        raise WrongOption(
            "A class that is not trained cannot be tested",
            expected=f"only class folders of {folder / 'train'}",
            received=sorted(unknown),
        )
    return Dataset(train, parts["test"], parts["audit"], classes)


def study_of(folder: Path, dataset: Dataset, size: int) -> Study:
    """A study named after the data set's folder."""
    slug = re.sub(r"[^a-z0-9_-]+", "-", folder.name.lower()).strip("-_")[:64]
    return Study(
        id=slug or "study", name=folder.name[:120] or "Study", classes=dataset.classes, size=size
    )


def deal_out(
    dataset: Dataset, sites: Sequence[str], partition: str, seed: int
) -> dict[str, list[Found]]:
    """The training pictures of each site.

    Args:
        dataset: The pictures.
        sites: Names of the sites.
        partition: `iid`, `dirichlet:A` or `label-skew`.
        seed: Decides who gets which picture.

    Raises:
        InvalidInput: There is no such partition.
    """
    labels = np.array([dataset.classes.index(found.label) for found in dataset.train])
    dealt = partitioner(partition)(labels, len(sites), np.random.default_rng(seed))
    return {
        site: [dataset.train[index] for index in indices]
        for site, indices in zip(sites, dealt, strict=True)
    }


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
            files.append((found.path.name, data))
        yield label, files


def _is_full(files: Files, more: int) -> bool:
    size = sum(len(data) for _, data in files)
    return len(files) >= FILES_PER_CALL or size + more > BYTES_PER_CALL
