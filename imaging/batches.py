"""Batches: packed shards of public pictures that can be assigned to a node.

A batch is one safetensors file, named by the SHA-256 of its bytes: the pictures' PNG
files one behind the other, where each begins, their labels, and which of them are for
training. Its metadata is one JSON document under one key, as in the wire format of
weights. An index beside the batches lists them (`imaging.batch_index`).
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
from pydantic import ValidationError
from safetensors import SafetensorError, safe_open
from safetensors.numpy import load, save

from federated.messages import MAX_BATCH_BYTES
from federated.values import Value, canonical_json
from federated.wire import METADATA_KEY
from imaging.batch_index import BatchEntry, Classes, Count
from imaging.errors import BrokenBatch, OversizedPicture
from imaging.sanitise import DEFAULT_LIMITS, Limits, read_pixels


@dataclass(frozen=True, slots=True)
class PackedPicture:
    """One picture of a batch.

    Attributes:
        png: Its file; a stranger's, until `opened` has seen it.
        label: Its class.
    """

    png: bytes
    label: str


@dataclass(frozen=True, slots=True)
class Batch:
    """Pictures of one batch.

    Attributes:
        classes: All class names of the data set, also those that this batch lacks.
        train: For training.
        validation: For the node's own figures.
    """

    classes: tuple[str, ...]
    train: tuple[PackedPicture, ...]
    validation: tuple[PackedPicture, ...]


class BatchDocument(Value):
    """What the metadata of a batch says."""

    format: Literal[1] = 1
    classes: Classes
    train: Count
    validation: Count


@dataclass(frozen=True, slots=True)
class OpenBatch:
    """A batch whose pictures are read one at a time, when they are asked for.

    Attributes:
        document: How many there are, of which classes.
        packed: The pictures' files one behind the other, uint8; a slice of it is an array.
        offsets: Where each begins, and where the last ends, int64 (pictures + 1,).
        labels: Their classes as indices, int32 (pictures,); those for training come first.
    """

    document: BatchDocument
    packed: Any
    offsets: npt.NDArray[np.int64]
    labels: npt.NDArray[np.int32]

    def picture(self, place: int) -> PackedPicture:
        """One picture, by its place among all."""
        start, end = self.offsets[place : place + 2].tolist()
        label = self.document.classes[self.labels[place]]
        return PackedPicture(self.packed[start:end].tobytes(), label)


def encode_batch(batch: Batch) -> tuple[bytes, BatchEntry]:
    """A batch's bytes, the same for the same batch, and its line in an index.

    Raises:
        OversizedPicture: It has more than `MAX_BATCH_BYTES`.
    """
    pictures = batch.train + batch.validation
    index = {name: number for number, name in enumerate(batch.classes)}
    tensors: dict[str, npt.NDArray[Any]] = {
        "pictures": np.frombuffer(b"".join(one.png for one in pictures), np.uint8),
        "offsets": np.cumsum([0, *(len(one.png) for one in pictures)], dtype=np.int64),
        "labels": np.array([index[one.label] for one in pictures], np.int32),
    }
    document = BatchDocument(
        classes=batch.classes, train=len(batch.train), validation=len(batch.validation)
    )
    text = canonical_json(document.model_dump(mode="json"))
    data = save(tensors, metadata={METADATA_KEY: text})
    check_batch_size(len(data))
    return data, BatchEntry(
        sha256=hashlib.sha256(data).hexdigest(),
        bytes=len(data),
        train=_count(batch.train, batch.classes),
        validation=_count(batch.validation, batch.classes),
    )


def decode_batch(data: bytes, sha256: str) -> Batch:
    """The batch in `data`, once its hash is the one that was promised.

    Raises:
        BrokenBatch: The hash or the structure is wrong.
    """
    _check_name(hashlib.sha256(data).hexdigest(), sha256)
    with _sense():
        tensors = load(data)
        packed = tensors["pictures"]
        batch = OpenBatch(_document(data), packed, tensors["offsets"], tensors["labels"])
        _check(batch, packed.dtype == np.uint8, packed.shape)
    pictures = tuple(map(batch.picture, range(len(batch.labels))))
    train = batch.document.train
    return Batch(batch.document.classes, pictures[:train], pictures[train:])


@contextmanager
def open_batch(path: Path, sha256: str) -> Iterator[OpenBatch]:
    """The batch in a file, once its hash is the one that was promised.

    Raises:
        BrokenBatch: The hash or the structure is wrong.
        OSError: The file cannot be read.
    """
    with path.open("rb") as file:
        _check_name(hashlib.file_digest(file, "sha256").hexdigest(), sha256)
    with ExitStack() as stack:
        with _sense():
            tensors = stack.enter_context(safe_open(path, framework="np"))
            document = BatchDocument.model_validate_json(tensors.metadata()[METADATA_KEY])
            packed = tensors.get_slice("pictures")
            offsets, labels = tensors.get_tensor("offsets"), tensors.get_tensor("labels")
            batch = OpenBatch(document, packed, offsets, labels)
            _check(batch, packed.get_dtype() == "U8", packed.get_shape())
        yield batch


def opened(
    pictures: Iterable[PackedPicture], limits: Limits = DEFAULT_LIMITS
) -> Iterator[tuple[npt.NDArray[np.uint8], str]]:
    """`(pixels, label)` of each picture; pixels are uint8 `(height, width, 3)`.

    Raises:
        RefusedPicture: One of them does not pass the border.
    """
    for picture in pictures:
        yield read_pixels(picture.png, limits), picture.label


def check_batch_size(size: int) -> None:
    """Refuses a batch that is too large to be read at all.

    Raises:
        OversizedPicture: It has more than `MAX_BATCH_BYTES`.
    """
    if size > MAX_BATCH_BYTES:
        raise OversizedPicture(
            "This batch is too large", expected=f"at most {MAX_BATCH_BYTES} bytes", received=size
        )


def _count(pictures: Sequence[PackedPicture], classes: Sequence[str]) -> dict[str, int]:
    labels = [picture.label for picture in pictures]
    return {name: labels.count(name) for name in classes}


def _document(data: bytes) -> BatchDocument:
    header = json.loads(data[8 : 8 + int.from_bytes(data[:8], "little")])
    return BatchDocument.model_validate_json(header["__metadata__"][METADATA_KEY])


def _check_name(found: str, promised: str) -> None:
    if found != promised:
        raise BrokenBatch("This is not the batch that was named", expected=promised, received=found)


@contextmanager
def _sense() -> Iterator[None]:
    """Raises what is wrong with a batch's structure as one of our errors."""
    try:
        yield
    except (SafetensorError, ValidationError, ValueError, KeyError, TypeError) as error:
        raise BrokenBatch(
            "This batch makes no sense",
            expected="pictures, offsets and labels that fit together",
            received=str(error).splitlines()[0][:200] if str(error) else type(error).__name__,
        ) from error


def _check(batch: OpenBatch, is_bytes: bool, shape: Sequence[int]) -> None:
    document, offsets, labels = batch.document, batch.offsets, batch.labels
    if not is_bytes or len(shape) != 1:
        raise ValueError(f"pictures that are no row of bytes, but {tuple(shape)}")
    count = document.train + document.validation
    if offsets.dtype != np.int64 or labels.dtype != np.int32:
        raise ValueError(f"offsets of {offsets.dtype} and labels of {labels.dtype}")
    if offsets.shape != (count + 1,) or labels.shape != (count,):
        raise ValueError(f"{count} pictures with {labels.shape} labels, {offsets.shape} offsets")
    if offsets[0] != 0 or offsets[-1] != shape[0] or (np.diff(offsets) < 0).any():
        raise ValueError("offsets that do not follow one another")
    if count and not 0 <= labels.min() <= labels.max() < len(document.classes):
        raise ValueError("a label that is not in the list of classes")
