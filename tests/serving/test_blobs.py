import hashlib
import io
import os
from pathlib import Path

import numpy as np
import pytest

from federated.errors import InvalidInput, NotFound, TooLarge
from federated.wire import encode_weights
from serving.blobs import BlobStore, StoredTensors, open_blob

DATA = b"weights of a model"
NAME = hashlib.sha256(DATA).hexdigest()


@pytest.fixture
def store(tmp_path: Path) -> BlobStore:
    return BlobStore(tmp_path / "blobs")


def files(store: BlobStore) -> list[str]:
    return sorted(os.listdir(store.root))


def test_a_blob_is_named_by_its_hash(store: BlobStore) -> None:
    assert store.put(DATA) == NAME
    assert store.path(NAME).read_bytes() == DATA
    assert store.put(DATA) == NAME
    assert store.names() == [NAME]


def test_a_body_over_the_limit_leaves_nothing(store: BlobStore) -> None:
    with pytest.raises(TooLarge, match="at most 10 bytes"):
        store.receive(io.BytesIO(DATA), limit=10)
    assert files(store) == []


def test_a_body_with_another_hash_leaves_nothing(store: BlobStore) -> None:
    with pytest.raises(InvalidInput) as caught:
        store.receive(io.BytesIO(DATA), limit=100, expected="0" * 64)
    assert caught.value.code == "hash_mismatch"
    assert files(store) == []


def test_a_draft_is_a_blob_only_once_it_is_kept(store: BlobStore) -> None:
    with store.drafted(io.BytesIO(DATA), limit=100) as draft:
        assert (draft.received.sha256, draft.received.nbytes) == (NAME, len(DATA))
        assert draft.path.read_bytes() == DATA
        assert not store.has(NAME)
    assert files(store) == []
    with store.drafted(io.BytesIO(DATA), limit=100) as draft:
        store.keep(draft)
    assert store.path(NAME).read_bytes() == DATA


def test_a_sender_that_breaks_off_leaves_nothing(store: BlobStore) -> None:
    class Broken(io.BytesIO):
        def read(self, size: int | None = -1) -> bytes:
            raise ConnectionResetError

    with pytest.raises(ConnectionResetError):
        store.receive(Broken(), limit=100)
    assert files(store) == []


def test_a_full_disk_leaves_nothing_and_keeps_what_was_there(
    store: BlobStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    store.put(DATA)

    def full(_descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="No space left"):
        store.put(b"another")
    assert files(store) == [NAME]


def test_a_finished_file_is_adopted(store: BlobStore, tmp_path: Path) -> None:
    made = tmp_path / "made"
    made.write_bytes(DATA)
    received = store.adopt(made)
    assert (received.sha256, received.nbytes) == (NAME, len(DATA))
    assert not made.exists()


def test_a_missing_blob_is_named(store: BlobStore) -> None:
    with pytest.raises(NotFound, match=NAME):
        store.path(NAME)


def test_a_remote_store_gives_back_what_the_folder_lost(tmp_path: Path) -> None:
    remote = tmp_path / "bucket"
    remote.mkdir()
    store = BlobStore(tmp_path / "blobs", remote=f"file://{remote}")
    store.put(DATA)
    (store.root / NAME).unlink()
    assert store.has(NAME)
    assert store.path(NAME).read_bytes() == DATA
    store.delete(NAME)
    assert not store.has(NAME)
    assert list(remote.iterdir()) == []


def test_a_remote_store_that_was_tampered_with_is_noticed(tmp_path: Path) -> None:
    remote = tmp_path / "bucket"
    remote.mkdir()
    store = BlobStore(tmp_path / "blobs", remote=f"file://{remote}")
    (remote / NAME).write_bytes(b"something else")
    with pytest.raises(InvalidInput):
        store.path(NAME)
    assert files(store) == []


@pytest.mark.parametrize(
    "spoil",
    [
        lambda data: data[:-1],
        lambda data: data[:20],
        lambda data: b"",
        lambda data: data + b"x",
        lambda data: b"\xff" * 8 + data[8:],
        lambda data: b"PK\x03\x04" + data,
    ],
    ids=["one byte short", "cut off", "empty", "one byte long", "huge header", "another format"],
)
def test_a_file_that_is_not_whole_is_refused(tmp_path: Path, spoil) -> None:
    path = tmp_path / "blob"
    path.write_bytes(spoil(encode_weights({"w": np.ones(5, np.float32)})))
    with pytest.raises(InvalidInput) as caught, open_blob(path):
        pass
    assert caught.value.code == "not_safetensors"


def test_stored_tensors_are_read_one_at_a_time(store: BlobStore) -> None:
    weights = {"a": np.arange(3, dtype=np.float32), "b": np.float32(2.5).reshape(())}
    reader = StoredTensors(store.path(store.put(encode_weights(weights))))
    assert sorted(reader.keys()) == ["a", "b"]
    np.testing.assert_array_equal(reader.get_tensor("a"), weights["a"])
    assert reader.get_tensor("b").shape == ()
