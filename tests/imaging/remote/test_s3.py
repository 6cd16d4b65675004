"""An S3 server on loopback, where one can be had."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest

from imaging.batch_server import check_unused, fetch, publish, read_index
from imaging.errors import BatchServerAway, BatchServerRefused, BrokenBatch, NoSuchBatch
from tests.imaging.remote.files import AT_ONCE, IMPATIENT, packed_set, served_file
from tests.imaging.remote.http_server import Request, http_server
from tests.imaging.remote.s3_server import RCLONE, s3_server

pytest.importorskip("s3fs", reason="s3fs is not installed")
pytestmark = pytest.mark.skipif(RCLONE is None, reason="rclone is not installed: no S3 server")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    folder = tmp_path / "packed"
    folder.mkdir()
    return folder


@pytest.fixture
def buckets(tmp_path: Path) -> Path:
    (tmp_path / "buckets" / "lesions").mkdir(parents=True)
    return tmp_path / "buckets"


@pytest.fixture
def bucket(buckets: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """A bucket for which there are keys in the environment."""
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "key")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "secret")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    with s3_server(buckets, login="key,secret") as endpoint:
        monkeypatch.setenv("AWS_ENDPOINT_URL", endpoint)
        yield "s3://lesions/skin"


@pytest.fixture
def without_keys(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("AWS_ACCESS_KEY_ID", raising=False)
    monkeypatch.delenv("AWS_SECRET_ACCESS_KEY", raising=False)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("HOME", str(tmp_path))


def test_a_set_is_published_and_read(bucket: str, folder: Path) -> None:
    index = packed_set(folder)
    with pytest.raises(NoSuchBatch):
        read_index(bucket, keys=True)
    publish(folder, bucket, patience=AT_ONCE)
    assert read_index(bucket, keys=True)[0] == index
    with pytest.raises(BatchServerRefused, match="already"):
        check_unused(bucket)


def test_a_broken_transfer_goes_on_where_it_ended(
    bucket: str, buckets: Path, tmp_path: Path
) -> None:
    (buckets / "lesions" / "skin").mkdir()
    file, here = served_file(buckets / "lesions" / "skin", size=2_500_000), list[int]()
    (tmp_path / "b.part").write_bytes(file.data[:400_000])
    get = partial(fetch, bucket, patience=AT_ONCE, keys=True)
    get(file.sha256, file.size, tmp_path / "b", on_bytes=here.append)
    assert (tmp_path / "b").read_bytes() == file.data
    assert here[0] == 400_000
    assert len(here) > 2
    with pytest.raises(NoSuchBatch):
        get("e" * 64, 5, tmp_path / "c")
    with pytest.raises(BatchServerAway, match=f"{file.size + 1} bytes"):
        get(file.sha256, file.size + 1, tmp_path / "d")


def test_other_bytes_than_those_named_do_not_stay(
    bucket: str, buckets: Path, tmp_path: Path
) -> None:
    (buckets / "lesions" / "skin").mkdir()
    file = served_file(buckets / "lesions" / "skin")
    (buckets / "lesions" / "skin" / file.name).write_bytes(file.data[:-1] + b"?")
    with pytest.raises(BrokenBatch, match=file.sha256):
        fetch(bucket, file.sha256, file.size, tmp_path / "b", patience=AT_ONCE, keys=True)
    assert not (tmp_path / "b.part").exists()


def test_a_new_index_is_not_read_from_an_old_answer(
    bucket: str, buckets: Path, folder: Path
) -> None:
    (buckets / "lesions" / "skin").mkdir()
    target = buckets / "lesions" / "skin" / "index.json"
    target.write_text("{}")
    with pytest.raises(BrokenBatch):
        read_index(bucket, keys=True)
    index = packed_set(folder)
    target.write_bytes((folder / "index.json").read_bytes())
    assert read_index(bucket, keys=True)[0] == index


@pytest.mark.usefixtures("without_keys")
def test_a_bucket_that_is_open_to_anyone_is_read_without_keys(
    buckets: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    index = packed_set(buckets / "lesions")
    with s3_server(buckets) as endpoint:
        monkeypatch.setenv("AWS_ENDPOINT_URL", endpoint)
        assert read_index("s3://lesions")[0] == index
        assert read_index("s3://lesions", keys=True)[0] == index


def test_keys_of_the_environment_sign_nothing_unless_they_may(
    bucket: str, folder: Path, tmp_path: Path
) -> None:
    """Whoever names an address is not to read with the keys of whoever fetches."""
    index = packed_set(folder)
    publish(folder, bucket, patience=AT_ONCE)
    entry = index.batches[0]
    with pytest.raises(BatchServerRefused, match="anyone may read"):
        read_index(bucket)
    with pytest.raises(BatchServerRefused, match="anyone may read"):
        fetch(bucket, entry.sha256, entry.bytes, tmp_path / "b", patience=AT_ONCE)
    fetch(bucket, entry.sha256, entry.bytes, tmp_path / "b", patience=AT_ONCE, keys=True)


def test_a_request_without_keys_says_nothing_of_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "key-of-the-site")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "secret")
    monkeypatch.setenv("AWS_SESSION_TOKEN", "token-of-the-site")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    asked = list[str]()

    def refuse(request: Request) -> None:
        asked.append(str(request.headers))
        request.begin(403, content_length=0)

    with http_server(tmp_path, refuse) as server:
        monkeypatch.setenv("AWS_ENDPOINT_URL", server.url)
        with pytest.raises(BatchServerRefused):
            read_index("s3://lesions/skin")
        assert asked
        assert not any("of-the-site" in head or "Authorization" in head for head in asked)
        with pytest.raises(BatchServerRefused):
            read_index("s3://lesions/skin", keys=True)
        assert "key-of-the-site" in asked[-1]


def test_wrong_keys_are_told(bucket: str, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    packed_set(folder)
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "wrong")
    with pytest.raises(BatchServerRefused, match="keys"):
        read_index(bucket, keys=True)
    with pytest.raises(BatchServerRefused, match="keys"):
        publish(folder, bucket, patience=AT_ONCE)


def test_a_server_that_is_away_is_told(
    bucket: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:1")
    with pytest.raises(BatchServerAway):
        read_index(bucket, patience=IMPATIENT, keys=True)
    with pytest.raises(BatchServerAway):
        read_index(bucket, patience=IMPATIENT)
    with pytest.raises(BatchServerAway):
        fetch(bucket, "e" * 64, 5, tmp_path / "b", patience=IMPATIENT)
