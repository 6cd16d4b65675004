"""An S3 server on loopback, where one can be had."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from uuid import uuid4

import pytest

from imaging.batch_server import check_unused, fetch, publish, read_index
from imaging.errors import BatchServerAway, BatchServerRefused, BrokenBatch, NoSuchBatch
from tests.imaging.remote.files import AT_ONCE, IMPATIENT, packed_set, served_file

s3fs = pytest.importorskip("s3fs", reason="s3fs is not installed")
moto = pytest.importorskip("moto.server", reason="moto is not installed: no S3 server")


@pytest.fixture
def bucket(monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    server = moto.ThreadedMotoServer("127.0.0.1", 0)
    server.start()
    host, port = server.get_host_and_port()
    monkeypatch.setenv("AWS_ENDPOINT_URL", f"http://{host}:{port}")
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "key")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "secret")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    # Buckets of one process are all in one place, whatever server made them.
    name = f"lesions-{uuid4().hex}"
    s3fs.S3FileSystem(skip_instance_cache=True).mkdir(name)
    yield f"s3://{name}/skin"
    server.stop()


def test_a_set_is_published_and_read(bucket: str, tmp_path: Path) -> None:
    folder = tmp_path / "served"
    folder.mkdir()
    index = packed_set(folder)
    with pytest.raises(NoSuchBatch):
        read_index(bucket)
    publish(folder, bucket, patience=AT_ONCE)
    assert read_index(bucket)[0] == index
    with pytest.raises(BatchServerRefused, match="already"):
        check_unused(bucket)
    for entry in index.batches:
        data = (folder / f"{entry.sha256}.safetensors").read_bytes()
        here = list[int]()
        (tmp_path / "b.part").write_bytes(data[:20_000])
        fetch(
            bucket,
            entry.sha256,
            entry.bytes,
            tmp_path / "b",
            on_bytes=here.append,
            patience=AT_ONCE,
        )
        assert (tmp_path / "b").read_bytes() == data
        assert here[0] == 20_000
        with pytest.raises(NoSuchBatch):
            fetch(bucket, "e" * 64, 5, tmp_path / "c", patience=AT_ONCE)


def test_a_new_index_is_not_read_from_an_old_answer(bucket: str, tmp_path: Path) -> None:
    bucket_files = s3fs.S3FileSystem(skip_instance_cache=True)
    bucket_files.pipe_file(f"{bucket}/index.json", b"{}")
    with pytest.raises(BrokenBatch):
        read_index(bucket)
    index = packed_set(tmp_path)
    bucket_files.pipe_file(f"{bucket}/index.json", (tmp_path / "index.json").read_bytes())
    assert read_index(bucket)[0] == index


def test_a_bucket_that_is_open_to_anyone_is_read_without_keys(
    bucket: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    index = packed_set(tmp_path)
    publish(tmp_path, bucket)
    s3fs.S3FileSystem(skip_instance_cache=True).chmod(f"{bucket}/index.json", acl="public-read")
    monkeypatch.delenv("AWS_ACCESS_KEY_ID")
    monkeypatch.delenv("AWS_SECRET_ACCESS_KEY")
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("HOME", str(tmp_path))
    assert read_index(bucket)[0] == index
    with pytest.raises(BatchServerRefused, match="keys"):
        fetch(bucket, index.batches[0].sha256, 5, tmp_path / "b", patience=AT_ONCE)


def test_a_server_that_is_away_is_told(
    bucket: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = served_file(tmp_path)
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:1")
    with pytest.raises(BatchServerAway):
        read_index(bucket, patience=IMPATIENT)
    with pytest.raises(BatchServerAway):
        fetch(bucket, file.sha256, file.size, tmp_path / "b", patience=IMPATIENT)
