"""A batch's bytes: whole, named by their hash, and never trusted further."""

from __future__ import annotations

import hashlib
import json
import struct
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from safetensors.numpy import load, save

from federated.messages import MAX_BATCH_BYTES
from imaging.batches import (
    Batch,
    OpenBatch,
    PackedPicture,
    check_batch_size,
    decode_batch,
    encode_batch,
    open_batch,
    opened,
)
from imaging.errors import BrokenBatch, OversizedPicture, RefusedPicture
from tests.imaging.files import file_of, picture

CLASSES = ("benign", "malignant")


def batch() -> Batch:
    packed = [
        PackedPicture(file_of(picture(8 + n, 9, seed=n)), CLASSES[n % 3 == 0]) for n in range(5)
    ]
    return Batch(CLASSES, tuple(packed[:3]), tuple(packed[3:]))


def refused(data: bytes, promised: str | None = None) -> str:
    """What both ways of reading a batch say of it."""
    name = promised or hashlib.sha256(data).hexdigest()
    with pytest.raises(BrokenBatch) as refusal:
        decode_batch(data, name)
    with pytest.raises(BrokenBatch) as other, in_a_file(data, name):
        pass
    assert other.value.problem == refusal.value.problem
    return refusal.value.detail


@contextmanager
def in_a_file(data: bytes, name: str) -> Iterator[OpenBatch]:
    with TemporaryDirectory() as folder:
        path = Path(folder, "batch")
        path.write_bytes(data)
        with open_batch(path, name) as batch:
            yield batch


def changed(**tensors: np.ndarray) -> bytes:
    """A batch with other tensors and the document that it had."""
    data, _ = encode_batch(batch())
    length = int.from_bytes(data[:8], "little")
    metadata = json.loads(data[8 : 8 + length])["__metadata__"]
    return save({**load(data), **tensors}, metadata=metadata)


def documented(**fields: Any) -> bytes:
    """A batch with another document and the tensors that it had."""
    document = {"format": 1, "classes": list(CLASSES), "train": 3, "validation": 2} | fields
    return save(load(encode_batch(batch())[0]), metadata={"commonsight": json.dumps(document)})


def test_what_is_packed_comes_back() -> None:
    data, entry = encode_batch(batch())
    assert decode_batch(data, entry.sha256) == batch()
    assert entry.bytes == len(data)
    assert entry.train == {"benign": 2, "malignant": 1}
    assert entry.validation == {"benign": 1, "malignant": 1}


def test_a_batch_in_a_file_gives_one_picture_at_a_time() -> None:
    data, entry = encode_batch(batch())
    with in_a_file(data, entry.sha256) as found:
        assert found.document.classes == CLASSES
        assert (found.document.train, found.document.validation) == (3, 2)
        whole = batch().train + batch().validation
        assert [found.picture(place) for place in (4, 0, 2)] == [whole[4], whole[0], whole[2]]


def test_the_same_batch_has_the_same_bytes() -> None:
    assert encode_batch(batch())[0] == encode_batch(batch())[0]


def test_opened_pictures_are_pixels_with_labels() -> None:
    pairs = list(opened(batch().validation))
    assert [label for _, label in pairs] == ["malignant", "benign"]
    assert np.array_equal(pairs[1][0], picture(12, 9, seed=4))


def test_a_picture_in_a_batch_is_a_stranger_too() -> None:
    with pytest.raises(RefusedPicture):
        list(opened([PackedPicture(b"not a picture", "benign")]))


def test_one_changed_byte_is_noticed() -> None:
    data, entry = encode_batch(batch())
    for at in (0, len(data) // 2, len(data) - 1):
        other = bytearray(data)
        other[at] ^= 1
        assert "not the batch" in refused(bytes(other), entry.sha256)
    assert "not the batch" in refused(data[:-1], entry.sha256)


@pytest.mark.parametrize(
    "data",
    [
        changed(offsets=np.array([0, 5, 3, 6, 7, 9], np.int64)),
        changed(offsets=np.array([0, 1, 2, 3, 4, 10**12], np.int64)),
        changed(offsets=np.zeros(5, np.int64)),
        changed(offsets=np.zeros(6, np.float64)),
        changed(labels=np.array([0, 1, 0, 1, 2], np.int32)),
        changed(labels=np.array([0, 1, 0, 1, -1], np.int32)),
        changed(labels=np.array([0, 1], np.int32)),
        changed(pictures=np.zeros(10**6, np.uint8)),
        changed(pictures=np.zeros(10**6, np.int8)),
        changed(pictures=np.zeros((1, 10**6), np.uint8)),
        documented(train=4),
        documented(train=-3, validation=8),
        documented(classes=[]),
        documented(format=2),
        documented(unknown=1),
        save({"pictures": np.zeros(1, np.uint8)}),
        save({"pictures": np.zeros(1, np.uint8)}, metadata={"commonsight": "[" * 10_000}),
        b"",
        b"\x80\x04pickle",
        struct.pack("<Q", 2**62) + b"{}",
    ],
)
def test_a_batch_that_makes_no_sense_is_refused(data: bytes) -> None:
    assert "makes no sense" in refused(data)


@settings(max_examples=200)
@given(at=st.integers(0, 10**6), value=st.integers(0, 255), cut=st.booleans())
def test_damage_under_a_right_hash_is_refused_or_harmless(at: int, value: int, cut: bool) -> None:
    data = bytearray(encode_batch(batch())[0])
    data[at % len(data)] = value
    if cut:
        del data[at % len(data) :]
    try:
        found = decode_batch(bytes(data), hashlib.sha256(data).hexdigest())
    except BrokenBatch:
        return
    assert len(found.train) + len(found.validation) == 5
    with in_a_file(bytes(data), hashlib.sha256(data).hexdigest()) as same:
        assert tuple(map(same.picture, range(5))) == found.train + found.validation


def test_a_batch_has_a_largest_size() -> None:
    check_batch_size(MAX_BATCH_BYTES)
    with pytest.raises(OversizedPicture):
        check_batch_size(MAX_BATCH_BYTES + 1)
