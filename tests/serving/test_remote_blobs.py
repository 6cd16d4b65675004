"""Blobs that are kept on a real S3 server too; see `tests/s3_server.py` for which."""

from __future__ import annotations

import hashlib
import io
import os
import threading
from pathlib import Path

import pytest

from federated.errors import InvalidInput, NotFound, Unavailable
from serving.blobs import BlobStore
from serving.remote_blobs import RemoteAway
from tests.s3_server import S3Server

DATA = b"weights of a model"
NAME = hashlib.sha256(DATA).hexdigest()


@pytest.fixture
def bucket(s3_server: S3Server) -> Path:
    return s3_server.bucket("federation")


@pytest.fixture
def store(tmp_path: Path, bucket: Path) -> BlobStore:
    return BlobStore(tmp_path / "blobs", "s3://federation/master/blobs")


def there(bucket: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in bucket.rglob("*") if path.is_file()}


def lose(store: BlobStore) -> None:
    """The local folder is emptied, as with the loss of a machine."""
    for path in store.root.iterdir():
        path.unlink()


def test_a_blob_is_kept_here_and_there(store: BlobStore, bucket: Path) -> None:
    assert store.put(DATA) == NAME
    assert store.path(NAME).read_bytes() == DATA
    assert there(bucket) == {NAME: DATA}
    received = store.receive(io.BytesIO(b"another"), limit=10)
    assert there(bucket)[received.sha256] == b"another"


def test_what_the_folder_lost_is_fetched_once(store: BlobStore, s3_server: S3Server) -> None:
    store.put(DATA)
    lose(store)
    assert store.has(NAME)
    assert store.path(NAME).read_bytes() == DATA
    s3_server.stop()
    assert store.path(NAME).read_bytes() == DATA


def test_a_blob_of_several_parts_comes_back_whole(store: BlobStore) -> None:
    # s3fs sends parts of 50 MiB from 100 MiB on.
    data = os.urandom(1 << 20) * 101
    sha256 = store.put(data)
    lose(store)
    assert store.path(sha256).stat().st_size == len(data)
    assert store.names() == [sha256]


def test_what_does_not_have_the_hash_is_not_taken(store: BlobStore, bucket: Path) -> None:
    store.put(DATA)
    lose(store)
    (bucket / "master" / "blobs" / NAME).write_bytes(b"something else")
    with pytest.raises(InvalidInput) as caught:
        store.path(NAME)
    assert caught.value.code == "hash_mismatch"
    assert os.listdir(store.root) == []


def test_a_blob_that_nobody_has_is_missing(store: BlobStore) -> None:
    assert not store.has(NAME)
    with pytest.raises(NotFound, match=NAME):
        store.path(NAME)


def test_a_deleted_blob_is_gone_everywhere(store: BlobStore, bucket: Path) -> None:
    store.put(DATA)
    store.put(b"another")
    store.delete(NAME)
    store.delete(NAME)
    assert not store.has(NAME)
    assert list(there(bucket).values()) == [b"another"]


def test_a_server_that_is_away_is_told_of_and_loses_nothing(
    store: BlobStore, s3_server: S3Server, bucket: Path
) -> None:
    store.put(DATA)
    s3_server.stop()
    for trouble in (
        lambda: store.put(b"new"),
        lambda: store.has("0" * 64),
        lambda: store.path("0" * 64),
        lambda: store.delete(NAME),
    ):
        with pytest.raises(RemoteAway, match="The blobs at s3://federation/master/blobs cannot"):
            trouble()
    assert os.listdir(store.root) == [NAME]
    with pytest.raises(Unavailable, match="s3://federation"):
        store.complete()
    s3_server.start()
    new = store.put(b"new")
    assert there(bucket) == {NAME: DATA, new: b"new"}


def test_a_store_that_lets_nobody_in_says_so(
    store: BlobStore, bucket: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(Unavailable, match="s3://another cannot be had"):
        BlobStore(tmp_path / "another", "s3://another").complete()
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "not-the-secret")
    stranger = BlobStore(tmp_path / "stranger", "s3://federation")
    with pytest.raises(RemoteAway) as caught:
        stranger.put(DATA)
    assert "not-the-secret" not in str(caught.value)
    assert os.listdir(stranger.root) == []
    assert there(bucket) == {}


def test_many_threads_keep_and_fetch_the_same_blobs(
    store: BlobStore, bucket: Path, tmp_path: Path
) -> None:
    blobs = {hashlib.sha256(data).hexdigest(): data for data in (DATA, b"another" * 99_999)}
    found: list[str] = []

    def work() -> None:
        for data in blobs.values():
            store.receive(io.BytesIO(data), limit=len(data))
        fresh = BlobStore(
            tmp_path / threading.current_thread().name, "s3://federation/master/blobs"
        )
        for sha256 in blobs:
            found.append(hashlib.sha256(fresh.path(sha256).read_bytes()).hexdigest())

    threads = [threading.Thread(target=work) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(found) == sorted([*blobs] * 6)
    assert {name: data == blobs[name] for name, data in there(bucket).items()} == dict.fromkeys(
        blobs, True
    )
    assert store.names() == sorted(blobs)


def test_what_was_kept_before_there_was_a_remote_store_is_sent_to_it(
    tmp_path: Path, bucket: Path
) -> None:
    old = BlobStore(tmp_path / "blobs")
    half, whole = old.put(b"a whole blob"), old.put(DATA)
    store = BlobStore(tmp_path / "blobs", "s3://federation")
    (bucket / half).write_bytes(b"a whole")
    assert store.complete() == 2
    assert there(bucket) == {half: b"a whole blob", whole: DATA}
    assert store.complete() == 0


@pytest.mark.parametrize("url", ["nonsense://bucket/blobs", "nonsense://user:hunter2@host/blobs"])
def test_a_store_of_an_unknown_kind_is_refused(tmp_path: Path, url: str) -> None:
    with pytest.raises(InvalidInput, match="s3:// needs s3fs") as caught:
        BlobStore(tmp_path / "blobs", url)
    assert "hunter2" not in caught.value.detail
