"""The pixels of batches, as training maps them into memory."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import TypeVar

import numpy as np
import numpy.typing as npt

from federated.errors import StorageFailure, TooLarge
from federated.study import Study
from imaging.array_file import PixelArray
from imaging.batches import OpenBatch, PackedPicture, check_batch_size, open_batch, opened
from imaging.errors import BrokenBatch, RefusedPicture
from imaging.resize import to_model_pixels

GROUP = 64
"""Pictures that are written together: one sync of the array file for all."""

MAX_PICTURES = 100_000

Item = TypeVar("Item")


@dataclass(frozen=True, slots=True)
class WantedBatch:
    """Pictures of one batch.

    Attributes:
        path: The batch's file.
        sha256: Its name, which its bytes must bear out.
        train: Places in its training part; None for all.
        validation: Places in its validation part; None for all.
    """

    path: Path
    sha256: str
    train: tuple[int, ...] | None = None
    validation: tuple[int, ...] | None = None


@dataclass(frozen=True, slots=True)
class Rows:
    """Pictures in an array file.

    Attributes:
        rows: Their rows.
        labels: Their classes, as indices of the study's.
    """

    rows: tuple[int, ...]
    labels: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class WrittenBatches:
    """What became of wanted pictures, in the order in which they were wanted."""

    train: Rows
    validation: Rows


def _ignore(pictures: int) -> None:
    """The `on_pictures` of someone who does not want to know."""


def write_batch_pixels(
    wanted: Sequence[WantedBatch],
    study: Study,
    array: PixelArray,
    *,
    limit: int = MAX_PICTURES,
    on_pictures: Callable[[int], None] = _ignore,
) -> WrittenBatches:
    """Writes the wanted pictures behind the last row of `array`, as the study's model sees them.

    Each goes through the border and the scaling that a site's own pictures go through.
    A group of pictures is in memory at a time.

    Args:
        wanted: Batches whose files are here.
        study: Says which size, channels and classes.
        array: A file of rows of the study's shape.
        limit: Pictures above which nothing more is written: a batch of very small files
            would fill the disk.
        on_pictures: Told how many pictures are written; what it raises ends the call.

    Raises:
        BrokenBatch: A file is not the batch that was named, lacks a picture that is
            wanted, or has one that does not pass the border.
        InvalidInput: The study lacks a class of a batch; code `unknown_label`.
        TooLarge: More than `limit` pictures are wanted.
        StorageFailure: A file cannot be read, or the disk refused.
    """
    train, validation = list[tuple[int, int]](), list[tuple[int, int]]()
    for one in wanted:
        with _opened(one) as batch:
            classes = batch.document.classes
            indices = {name: study.classes.index(study.known_label(name)) for name in classes}
            for written, places in zip((train, validation), _places(batch, one), strict=True):
                _check_room(len(train) + len(validation) + len(places), limit)
                for pixels, labels in _scaled(map(batch.picture, places), study):
                    rows = array.append(pixels)
                    written += zip(rows, (indices[label] for label in labels), strict=True)
                    on_pictures(len(train) + len(validation))
    return WrittenBatches(_rows(train), _rows(validation))


@contextmanager
def _opened(wanted: WantedBatch) -> Iterator[OpenBatch]:
    with ExitStack() as stack:
        try:
            check_batch_size(wanted.path.stat().st_size)
            batch = stack.enter_context(open_batch(wanted.path, wanted.sha256))
        except OSError as error:
            raise StorageFailure(
                "A batch cannot be read", expected="its file", received=error.strerror
            ) from error
        yield batch


def _places(batch: OpenBatch, wanted: WantedBatch) -> tuple[Sequence[int], Sequence[int]]:
    """Places of the wanted pictures among all: those that train, and those that judge."""
    train, validation = batch.document.train, batch.document.validation
    judging = _chosen(validation, wanted.validation)
    return _chosen(train, wanted.train), [train + place for place in judging]


def _chosen(count: int, places: tuple[int, ...] | None) -> Sequence[int]:
    if places is None:
        return range(count)
    if places and not 0 <= min(places) <= max(places) < count:
        raise BrokenBatch(
            "The batch lacks a picture that is wanted",
            expected=f"places 0 to {count - 1}",
            received=f"{min(places)} to {max(places)}",
        )
    return places


def _check_room(count: int, limit: int) -> None:
    if count > limit:
        raise TooLarge(
            "The batches have too many pictures", expected=f"at most {limit}", received=count
        )


def _scaled(
    pictures: Iterable[PackedPicture], study: Study
) -> Iterator[tuple[npt.NDArray[np.uint8], list[str]]]:
    """Groups of pictures, uint8 (n, size, size, channels), with their labels."""
    for group in _groups(_passed(pictures)):
        scaled = [to_model_pixels(pixels, study.size, study.channels) for pixels, _ in group]
        yield np.stack(scaled), [label for _, label in group]


def _passed(pictures: Iterable[PackedPicture]) -> Iterator[tuple[npt.NDArray[np.uint8], str]]:
    try:
        yield from opened(pictures)
    except RefusedPicture as refusal:
        raise BrokenBatch(
            "A picture of the batch cannot be used",
            expected="pictures that were sanitised when the batch was made",
            received=refusal.detail,
        ) from refusal


def _groups(items: Iterable[Item]) -> Iterator[list[Item]]:
    remaining = iter(items)
    while group := list(islice(remaining, GROUP)):
        yield group


def _rows(written: Sequence[tuple[int, int]]) -> Rows:
    return Rows(tuple(row for row, _ in written), tuple(label for _, label in written))
