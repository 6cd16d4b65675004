"""Batches: packed shards of public pictures that can be assigned to a node.

A batch is one safetensors file, named by the SHA-256 of its bytes: the pictures' PNG
files one behind the other, where each begins, their labels, and which of them are for
training. Its metadata is one JSON document under one key, as in the wire format of
weights. An index beside the batches lists them (`imaging.batch_index`).
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
from pydantic import ValidationError
from safetensors import SafetensorError
from safetensors.numpy import load, save

from federated.messages import MAX_BATCH_BYTES
from federated.values import Value, canonical_json
from federated.wire import METADATA_KEY
from imaging.batch_index import BatchEntry, Classes, Count
from imaging.errors import BrokenBatch, OversizedPicture
from imaging.sanitise import DEFAULT_LIMITS, Limits, sanitise


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
    found = hashlib.sha256(data).hexdigest()
    if found != sha256:
        raise BrokenBatch("This is not the batch that was named", expected=sha256, received=found)
    try:
        tensors = load(data)
        document = _document(data)
        offsets, labels = tensors["offsets"], tensors["labels"]
        packed = tensors["pictures"].tobytes()
        _check(document, packed, offsets, labels)
    except (SafetensorError, ValidationError, ValueError, KeyError, TypeError) as error:
        raise BrokenBatch(
            "This batch makes no sense",
            expected="pictures, offsets and labels that fit together",
            received=str(error).splitlines()[0][:200] if str(error) else type(error).__name__,
        ) from error
    pictures = tuple(
        PackedPicture(packed[start:end], document.classes[label])
        for (start, end), label in zip(pairwise(offsets.tolist()), labels.tolist(), strict=True)
    )
    return Batch(document.classes, pictures[: document.train], pictures[document.train :])


def opened(
    pictures: Sequence[PackedPicture], limits: Limits = DEFAULT_LIMITS
) -> Iterator[tuple[npt.NDArray[np.uint8], str]]:
    """`(pixels, label)` of each picture; pixels are uint8 `(height, width, 3)`.

    Raises:
        RefusedPicture: One of them does not pass the border.
    """
    for picture in pictures:
        yield sanitise(picture.png, limits).pixels, picture.label


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


def _check(
    document: BatchDocument,
    packed: bytes,
    offsets: npt.NDArray[np.int64],
    labels: npt.NDArray[np.int32],
) -> None:
    count = document.train + document.validation
    if offsets.dtype != np.int64 or labels.dtype != np.int32:
        raise ValueError(f"offsets of {offsets.dtype} and labels of {labels.dtype}")
    if offsets.shape != (count + 1,) or labels.shape != (count,):
        raise ValueError(f"{count} pictures with {labels.shape} labels, {offsets.shape} offsets")
    if offsets[0] != 0 or offsets[-1] != len(packed) or (np.diff(offsets) < 0).any():
        raise ValueError("offsets that do not follow one another")
    if count and not 0 <= labels.min() <= labels.max() < len(document.classes):
        raise ValueError("a label that is not in the list of classes")
