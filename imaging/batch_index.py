"""The index of a data set's batches, and what is drawn from it. Imports no picture code.

The index is read by those who give out work, the batches by those who do it: a server
that knows this module needs no decoder of pictures.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Annotated, Literal, Self

import numpy as np
from pydantic import Field, ValidationError, model_validator

from federated.messages import MAX_BATCH_BYTES
from federated.values import LONGEST_LABEL, Label, Sha256, Value
from imaging.errors import BrokenBatch, NoPictures, NoSuchBatch

INDEX = "index.json"
"""Name of the index, beside the batches."""

MAX_INDEX_BYTES = 32 * 2**20
"""The largest index that is read."""

MAX_PICTURES = 20_000_000
"""Pictures of one data set, so that drawing from an index stays a matter of seconds."""

Count = Annotated[int, Field(ge=0, le=1_000_000)]
Classes = Annotated[tuple[Label, ...], Field(min_length=1, max_length=1000)]
Counts = dict[Annotated[str, Field(max_length=LONGEST_LABEL)], Count]
"""Pictures by class; the index checks that the classes are its own."""

Positions = dict[str, tuple[int, ...]]
"""Places in one part of each batch, ascending, by the batch's SHA-256."""


def file_name(sha256: str) -> str:
    """Name of a batch's file, beside the index."""
    return f"{sha256}.safetensors"


class BatchEntry(Value):
    """One batch in an index.

    Attributes:
        sha256: The batch's name.
        bytes: Its size.
        train: Training pictures by class.
        validation: Validation pictures by class.
    """

    sha256: Sha256
    bytes: Annotated[int, Field(ge=1, le=MAX_BATCH_BYTES)]
    train: Counts
    validation: Counts

    @property
    def train_total(self) -> int:
        """Training pictures of all classes."""
        return sum(self.train.values())

    @property
    def validation_total(self) -> int:
        """Validation pictures of all classes."""
        return sum(self.validation.values())


class BatchIndex(Value):
    """The batches of one data set."""

    format: Literal[1] = 1
    classes: Classes
    batches: Annotated[tuple[BatchEntry, ...], Field(max_length=100_000)]

    @model_validator(mode="after")
    def _check(self) -> Self:
        classes = set(self.classes)
        if len(classes) != len(self.classes):
            raise ValueError("a class stands there twice")
        if len({entry.sha256 for entry in self.batches}) != len(self.batches):
            raise ValueError("a batch stands there twice")
        if any(
            not entry.train.keys() | entry.validation.keys() <= classes for entry in self.batches
        ):
            raise ValueError("a batch has pictures of a class that the index does not name")
        if self.train_total + self.validation_total > MAX_PICTURES:
            raise ValueError(f"more than {MAX_PICTURES} pictures")
        return self

    @property
    def train_total(self) -> int:
        """Training pictures of all batches."""
        return sum(entry.train_total for entry in self.batches)

    @property
    def validation_total(self) -> int:
        """Validation pictures of all batches."""
        return sum(entry.validation_total for entry in self.batches)

    @property
    def train_counts(self) -> dict[str, int]:
        """Training pictures of all batches by class, in the order of the classes."""
        return _added(self.classes, (entry.train for entry in self.batches))

    @property
    def validation_counts(self) -> dict[str, int]:
        """Validation pictures of all batches by class, in the order of the classes."""
        return _added(self.classes, (entry.validation for entry in self.batches))

    def entry(self, sha256: str) -> BatchEntry:
        """The line of the batch of that name.

        Raises:
            NoSuchBatch: There is none.
        """
        for entry in self.batches:
            if entry.sha256 == sha256:
                return entry
        raise NoSuchBatch("The index names no such batch", expected=sha256)


def parse_index(data: bytes | str) -> BatchIndex:
    """The index that `data` is, a JSON document of any origin.

    Raises:
        BrokenBatch: It makes no sense.
    """
    try:
        return BatchIndex.model_validate_json(data)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        raise BrokenBatch(
            "The index of batches makes no sense",
            expected="a list of batches with their hashes",
            received=f"{'.'.join(str(part) for part in first['loc'])}: {first['msg']}".lstrip(": "),
        ) from error


def draw_training(index: BatchIndex, images: int, seed: int) -> Positions:
    """`images` different training pictures, drawn uniformly from all batches together.

    The same index, number and seed give the same draw on every machine. Batches that
    nothing was drawn from are left out.

    Args:
        index: What there is to draw from.
        images: How many, at least 0.
        seed: At least 0.

    Raises:
        NoPictures: There are fewer.
    """
    if images > index.train_total:
        raise NoPictures(
            "The batches hold fewer training pictures than were asked for",
            expected=f"at most {index.train_total}",
            received=images,
        )
    return _draw(index, [entry.train_total for entry in index.batches], images, seed)


def draw_validation(index: BatchIndex, images: int, seed: int) -> Positions:
    """As `draw_training`, from the validation parts; at most as many as there are."""
    return _draw(index, [entry.validation_total for entry in index.batches], images, seed)


def _draw(index: BatchIndex, sizes: list[int], images: int, seed: int) -> Positions:
    ends = np.cumsum(sizes, dtype=np.int64)
    # Raw output of the generator is the same in every version of numpy; that of its
    # methods, `choice` among them, need not be. The pictures with the smallest of as
    # many independent numbers are a uniform choice of them.
    lots = np.random.PCG64(seed).random_raw(int(ends[-1])) if sizes else np.empty(0, np.uint64)
    chosen = np.sort(np.argsort(lots, kind="stable")[: max(0, images)])
    owners = np.searchsorted(ends, chosen, side="right")
    places = chosen - (ends - sizes)[owners]
    numbers, starts = np.unique(owners, return_index=True)
    parts = np.split(places, starts[1:])
    return {
        index.batches[number].sha256: tuple(part.tolist())
        for number, part in zip(numbers.tolist(), parts, strict=False)
    }


def _added(classes: tuple[str, ...], counts: Iterable[Counts]) -> dict[str, int]:
    total = dict.fromkeys(classes, 0)
    for one in counts:
        for name, count in one.items():
            total[name] += count
    return total
