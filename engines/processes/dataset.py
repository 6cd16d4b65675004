"""A data set, read and dealt out to sites."""

from __future__ import annotations

import hashlib
import math
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path

import numpy as np
from pydantic import ValidationError

from engines.processes.class_checks import check_classes, check_no_folder_empty, watching_folders
from engines.processes.client import Files
from engines.processes.columns import LABELS_FILE, column_values
from engines.processes.errors import WrongOption
from engines.processes.progress import Say, say
from federated.errors import plain
from federated.partition import partitioner
from federated.plan import Plan
from federated.study import Study
from imaging.errors import RefusedPicture
from imaging.readers.choice import RECOGNISED, Choice
from imaging.readers.dataset import open_dataset
from imaging.readers.found import Found
from imaging.readers.splitting import split_groups
from imaging.source import Skipped

TEST_FRACTION = 0.2
"""Share of each class that tests, where a data set has no parts of its own."""

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


def read_dataset(
    place: Path, tell: Say = say, choice: Choice = RECOGNISED, seed: int = 0
) -> Dataset:
    """A data set's pictures by part, in whatever way it is laid out.

    Its own parts count: `train`, `test`, and `audit` or else `validation`; where there is a
    validation part and no test part, that is the test. Where there is no `train`, a share of
    each class is kept for the test, a patient's pictures (or a picture's fragments) on one side.

    Args:
        place: A folder, an archive or a file of arrays; see `imaging.readers.dataset`.
        tell: Tells how many files were left out, and why the first one was.
        choice: What is known of its layout.
        seed: Decides which pictures test, where the data set does not. Not the training's seed:
            trainings of several seeds are to be judged by the same pictures.

    Raises:
        NoPictures: There are none.
        UnknownLayout: Nothing says which picture is of which class.
        WrongOption: A class folder cannot be used, another part has a class that `train` has
            not, or there is one class only.
    """
    opened = open_dataset(place, choice)
    skipped: list[Skipped] = []
    train = place / "train"
    in_folders = opened.kind == "class-folders" and train.is_dir()
    note = watching_folders(place, skipped.append) if in_folders else skipped.append
    dataset = _by_part(tuple(opened.pictures(note)), tell, seed)
    if in_folders:
        check_no_folder_empty(train, dataset.classes)
    others = (*dataset.test, *dataset.audit)
    check_classes(train if in_folders else place, dataset.classes, others)
    if skipped:
        files = "1 file was" if len(skipped) == 1 else f"{len(skipped)} files were"
        tell(plain(f"{files} left out; {skipped[0].name}: {skipped[0].reason}."))
    return dataset


def _by_part(found: Sequence[Found], tell: Say, seed: int) -> Dataset:
    parts = {
        part: tuple(picture for picture in found if picture.part == part)
        for part in ("train", "validation", "test", "audit")
    }
    train, test, audit = parts["train"], parts["test"], parts["audit"]
    if train:
        audit = audit or (parts["validation"] if test else ())
        test = test or parts["validation"]
    else:
        learn, judge = split_groups(found, TEST_FRACTION, seed)
        train, test, audit = tuple(learn), tuple(judge), ()
        tell(f"{len(test)} of {len(found)} pictures are kept for the test; the set has no parts.")
    return Dataset(train, test, audit, tuple(sorted({picture.label for picture in train})))


def study_of(folder: Path, dataset: Dataset, size: int) -> Study:
    """A study named after the data set's folder or file.

    Raises:
        WrongOption: The classes make no study.
    """
    own = folder.name.partition(".")[0] if folder.is_file() else folder.name
    name = _text(own)[:120] or "Study"
    slug = re.sub(r"[^a-z0-9_-]+", "-", name.lower()).strip("-_")[:64]
    try:
        return Study(id=slug or "study", name=name, classes=dataset.classes, size=size)
    except ValidationError as error:
        raise WrongOption(
            f"The classes of {folder} make no study",
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
    """The training pictures of each site; those of one group are at one site.

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
    groups = [group_of(found) for found in dataset.train]
    dealt = deal(labels, len(sites), np.random.default_rng(seed), values, least, groups)
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


@dataclass(frozen=True, slots=True)
class Call:
    """One upload.

    Attributes:
        label: The class of all its files.
        files: Their names and bytes.
        groups: What each was taken from; empty where every picture is alone.
    """

    label: str
    files: Files
    groups: Sequence[str] = ()


def calls(pictures: Sequence[Found], tell: Say = say) -> Iterator[Call]:
    """Uploads for pictures: files of one class each, bounded in number and bytes.

    Files are read when their call's turn comes, so that memory does not grow with the data.

    Args:
        pictures: What is to be sent to one place. Where some were taken from the same, all are
            sent with the names of their groups.
        tell: Told of pictures that cannot be read after all.
    """
    grouped = len({group_of(found) for found in pictures}) < len(pictures)
    ordered = sorted(pictures, key=lambda found: found.label)
    for label, alike in groupby(ordered, key=lambda found: found.label):
        for some in _bounded(alike, tell):
            files = [(_text(found.path.name), data) for found, data in some]
            yield Call(label, files, [_word(found) for found, _ in some] if grouped else ())


def group_of(found: Found) -> str:
    """What a picture was taken from; its own name where that is not known."""
    return found.group or found.name


def _bounded(pictures: Iterable[Found], tell: Say) -> Iterator[list[tuple[Found, bytes]]]:
    """Pictures with their bytes, as many at a time as one upload takes."""
    held: list[tuple[Found, bytes]] = []
    size = 0
    for found in pictures:
        try:
            data = found.read()
        except RefusedPicture as refusal:
            tell(plain(f"{found.name} was left out: {refusal.detail}"))
            continue
        if held and (len(held) >= FILES_PER_CALL or size + len(data) > BYTES_PER_CALL):
            yield held
            held, size = [], 0
        held.append((found, data))
        size += len(data)
    if held:
        yield held


def _word(found: Found) -> str:
    """A word for a picture's group, of a length that can be sent, whatever it is called."""
    return hashlib.sha256(group_of(found).encode(errors="surrogatepass")).hexdigest()


def _text(name: str) -> str:
    """A file's name as text that can be sent; a file system takes any bytes for a name."""
    return name.encode(errors="replace").decode()
