"""The text form of an update: what is told beside the file ends in its metadata."""

from __future__ import annotations

import base64
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from safetensors import safe_open
from safetensors.numpy import save

from federated.errors import BrokenTransport, InvalidInput
from federated.text_update import JsonUpdate, update_blob
from federated.wire import UpdateDocument, encode_update, read_update_document

WEIGHTS = {"w": np.arange(3, dtype=np.float32), "b": np.full((), 0.5, np.float32)}
BASE = "ab" * 32


def sent(data: bytes, **told: Any) -> bytes:
    message = JsonUpdate(model=base64.b64encode(data).decode(), **told)
    return update_blob(message, "task-1", BASE, announced=90)


def read(blob: bytes, tmp_path: Path) -> UpdateDocument:
    path = tmp_path / "blob"
    path.write_bytes(blob)
    with safe_open(path, "np") as reader:
        for name, array in WEIGHTS.items():
            np.testing.assert_array_equal(reader.get_tensor(name), array)
        return read_update_document(reader)


def test_a_file_that_any_library_has_saved_is_an_update(tmp_path: Path) -> None:
    found = read(sent(save(WEIGHTS), accuracy=0.75, parameters={"batch_size": 8}), tmp_path)
    assert (found.task, found.base) == ("task-1", BASE)
    assert (found.num_examples, found.num_steps) == (90, 0)
    assert found.metrics == {"val_accuracy": 0.75}
    assert found.hyperparameters == {"batch_size": 8}


def test_what_is_told_goes_before_the_files_metadata(tmp_path: Path) -> None:
    document = UpdateDocument(
        task="task-1", base=BASE, num_examples=70, num_steps=5, metrics={"loss": 0.5}
    )
    data = encode_update(WEIGHTS, document)
    assert sent(data) == data
    found = read(sent(data, num_examples=60), tmp_path)
    assert (found.num_examples, found.num_steps, found.metrics) == (60, 5, {"loss": 0.5})


def test_the_same_text_gives_the_same_bytes() -> None:
    assert sent(save(WEIGHTS), accuracy=0.5) == sent(save(WEIGHTS), accuracy=0.5)


@pytest.mark.parametrize(
    "data",
    [
        b"x" * 20,
        b"\xff" * 20,
        (99).to_bytes(8, "little") + b"{}",
        (4).to_bytes(8, "little") + b"[{}]" + b"0" * 8,
        (9).to_bytes(8, "little") + b'{"a":NaN}',
        (60_000).to_bytes(8, "little") + b"[" * 60_000,
    ],
)
def test_what_is_no_safetensors_file_has_been_damaged_on_its_way(data: bytes) -> None:
    with pytest.raises(BrokenTransport):
        sent(data, accuracy=0.5)


def test_metadata_that_are_no_document_are_left_to_who_reads_them(tmp_path: Path) -> None:
    for text in ("{", "[]", json.dumps({"num_examples": True})):
        blob = sent(save(WEIGHTS, metadata={"commonsight": text}), num_examples=3)
        assert read(blob, tmp_path).num_examples == 3


def test_a_text_that_is_not_base64_is_refused() -> None:
    with pytest.raises(InvalidInput, match="cannot be decoded"):
        update_blob(JsonUpdate(model="!" * 20), "task-1", BASE, 90)
