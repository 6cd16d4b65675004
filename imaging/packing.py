"""Packing a data set into batches, and the folder that batches lie in."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import islice
from pathlib import Path

import numpy as np

from imaging.batch_index import INDEX, BatchEntry, BatchIndex, file_name
from imaging.batches import Batch, PackedPicture, check_batch_size, decode_batch, encode_batch
from imaging.errors import NoPictures, RefusedPicture
from imaging.new_folder import new_folder
from imaging.readers.splitting import split_groups
from imaging.sanitise import sanitise
from imaging.source import OnSkip, Skipped, SourcePicture, ignore


def pack_batches(
    pictures: Iterable[SourcePicture],
    count: int,
    train: int,
    validation: int,
    rng: np.random.Generator,
    on_skip: OnSkip = ignore,
) -> Iterator[Batch]:
    """`count` batches of `train` and `validation` pictures, each with the whole set's mix.

    No picture comes twice, be it in another file: neither in two batches nor on both
    sides of one. Pictures of one group (a patient's, fragments of one) are all for training
    or all for validation. One batch is in memory at a time.

    Args:
        pictures: The data set, in an order that is always the same.
        count: Batches.
        train: Training pictures of each.
        validation: Validation pictures of each.
        rng: Decides which pictures go where.
        on_skip: Told of pictures that are refused, or there already.

    Raises:
        NoPictures: There are not enough different ones.
    """
    found = list(pictures)
    classes = tuple(sorted({picture.label for picture in found}))
    seen = set[str]()
    if validation and len({picture.group for picture in found}) < len(found):
        share = validation / (train + validation)
        sides = split_groups(found, share, int(rng.integers(2**31)))
        learn, judge = (_packed(_deck(side, classes, rng), seen, on_skip) for side in sides)
    else:
        # One deck: every batch then has the mix of the whole, not only every side of it.
        learn = judge = _packed(_deck(found, classes, rng), seen, on_skip)
    for number in range(count):
        hand = [*islice(learn, train), *islice(judge, validation)]
        if len(hand) < train + validation:
            raise NoPictures(
                "There are not enough pictures",
                expected=f"{count} × ({train} + {validation}) that differ and can be read, "
                "groups kept together",
                received=number * (train + validation) + len(hand),
            )
        yield Batch(classes, tuple(hand[:train]), tuple(hand[train:]))


def write_batches(
    folder: Path, batches: Iterable[Batch], on_batch: Callable[[BatchEntry], None] = lambda _: None
) -> BatchIndex:
    """Writes `folder/SHA256.safetensors` for each batch and the index, all or nothing.

    Raises:
        StorageFailure: `folder` holds something, or the disk refused.
        NoPictures: `batches` is empty.
    """
    entries, classes = [], tuple[str, ...]()
    with new_folder(folder) as unfinished:
        for batch in batches:
            data, entry = encode_batch(batch)
            (unfinished / file_name(entry.sha256)).write_bytes(data)
            entries.append(entry)
            classes = batch.classes
            on_batch(entry)
        if not entries:
            raise NoPictures("There is no batch to write", expected="at least one", received=0)
        index = BatchIndex(classes=classes, batches=tuple(entries))
        (unfinished / INDEX).write_text(index.model_dump_json(indent=1) + "\n")
    return index


def read_batch(folder: Path, sha256: str) -> Batch:
    """The batch of that name in `folder`, its hash verified.

    Raises:
        NoPictures: There is none.
        BrokenBatch: It is not what its name promises.
    """
    path = folder / file_name(sha256)
    try:
        check_batch_size(path.stat().st_size)
        return decode_batch(path.read_bytes(), sha256)
    except FileNotFoundError:
        raise NoPictures("There is no such batch", expected=sha256, received=folder) from None


def _deck(
    pictures: Sequence[SourcePicture], classes: Sequence[str], rng: np.random.Generator
) -> list[SourcePicture]:
    """`pictures`, shuffled and dealt so that any run of them has the whole set's mix.

    The classes are laid out evenly between 0 and 1 and read from left to right.
    """
    placed = []
    for number, name in enumerate(classes):
        own = [picture for picture in pictures if picture.label == name]
        order = rng.permutation(len(own))
        placed += [((n + 0.5) / len(own), number, own[at]) for n, at in enumerate(order)]
    return [picture for _, _, picture in sorted(placed, key=lambda place: place[:2])]


def _packed(
    deck: Sequence[SourcePicture], seen: set[str], on_skip: OnSkip
) -> Iterator[PackedPicture]:
    """The deck's pictures that can be kept and are not in `seen`, which they are added to."""
    for picture in deck:
        try:
            kept = sanitise(picture.read())
        except RefusedPicture as refusal:
            on_skip(Skipped(picture.name, refusal.detail))
            continue
        if kept.sha256 in seen:
            on_skip(Skipped(picture.name, "the same picture is there already"))
            continue
        seen.add(kept.sha256)
        yield PackedPicture(kept.png, picture.label)
