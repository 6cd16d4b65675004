"""A batch server, on real servers of each kind: what is read, what is put there."""

from __future__ import annotations

import ast
import hashlib
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

import pytest

from federated.errors import FederationError, StorageFailure
from imaging.batch_index import MAX_INDEX_BYTES
from imaging.batch_server import Patience, check_unused, fetch, publish, read_index
from imaging.errors import (
    BatchServerAway,
    BatchServerRefused,
    BrokenBatch,
    NoSuchBatch,
    WrongBatchUrl,
)
from tests.imaging.remote.files import AGAIN, AT_ONCE, packed_set, served_file
from tests.imaging.remote.ftp_server import ftp_server
from tests.imaging.remote.http_server import http_server, whole

ROOT = Path(__file__).parents[2]
Serve = Callable[[Path], AbstractContextManager[str]]


@contextmanager
def over_http(folder: Path) -> Iterator[str]:
    with http_server(folder) as server:
        yield server.url


@contextmanager
def over_http_without_ranges(folder: Path) -> Iterator[str]:
    with http_server(folder, whole) as server:
        yield server.url


@contextmanager
def over_ftp(folder: Path) -> Iterator[str]:
    with ftp_server(folder) as server:
        yield server.url


@contextmanager
def over_ftp_without_rest(folder: Path) -> Iterator[str]:
    with ftp_server(folder, without=("REST",)) as server:
        yield server.url


@contextmanager
def as_folder(folder: Path) -> Iterator[str]:
    yield str(folder)


@contextmanager
def as_file_url(folder: Path) -> Iterator[str]:
    yield folder.as_uri()


EVERY_KIND = pytest.mark.parametrize(
    "serve",
    [
        over_http,
        over_http_without_ranges,
        over_ftp,
        over_ftp_without_rest,
        as_folder,
        as_file_url,
    ],
)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Where the served files lie; a name with a space, for addresses have to bear it."""
    folder = tmp_path / "served here"
    folder.mkdir()
    return folder


@EVERY_KIND
def test_an_index_is_read_with_its_hash(serve: Serve, folder: Path) -> None:
    index = packed_set(folder)
    with serve(folder) as url:
        found, sha256 = read_index(url)
    assert found == index
    assert sha256 == hashlib.sha256((folder / "index.json").read_bytes()).hexdigest()


@EVERY_KIND
def test_a_batch_is_fetched_whole(serve: Serve, folder: Path, tmp_path: Path) -> None:
    file, here = served_file(folder), list[int]()
    with serve(folder) as url:
        fetch(url, file.sha256, file.size, tmp_path / "b", on_bytes=here.append, patience=AT_ONCE)
    assert (tmp_path / "b").read_bytes() == file.data
    assert here[0] == 0
    assert here[-1] == file.size
    assert here == sorted(here)
    assert not (tmp_path / "b.part").exists()


@EVERY_KIND
def test_a_broken_transfer_goes_on_where_it_ended(
    serve: Serve, folder: Path, tmp_path: Path
) -> None:
    file, here = served_file(folder), list[int]()
    (tmp_path / "b.part").write_bytes(file.data[:400_000])
    with serve(folder) as url:
        fetch(url, file.sha256, file.size, tmp_path / "b", on_bytes=here.append, patience=AT_ONCE)
    assert (tmp_path / "b").read_bytes() == file.data
    assert here[0] == 400_000


@EVERY_KIND
def test_other_bytes_than_those_named_do_not_stay(
    serve: Serve, folder: Path, tmp_path: Path
) -> None:
    file = served_file(folder)
    (folder / file.name).write_bytes(file.data[:-1] + b"?")
    with serve(folder) as url, pytest.raises(BrokenBatch, match=file.sha256):
        fetch(url, file.sha256, file.size, tmp_path / "b", patience=AGAIN)
    assert list(tmp_path.iterdir()) == [folder]


@EVERY_KIND
def test_what_was_begun_with_other_bytes_is_begun_anew(
    serve: Serve, folder: Path, tmp_path: Path
) -> None:
    """A crash can leave a file whose end was never written."""
    file = served_file(folder)
    (tmp_path / "b.part").write_bytes(file.data[:300_000] + bytes(100_000))
    with serve(folder) as url:
        with pytest.raises(BatchServerAway, match="fresh beginning"):
            fetch(url, file.sha256, file.size, tmp_path / "b", patience=AT_ONCE)
        assert not (tmp_path / "b.part").exists()
        (tmp_path / "b.part").write_bytes(bytes(400_000))
        fetch(url, file.sha256, file.size, tmp_path / "b", patience=AGAIN)
    assert (tmp_path / "b").read_bytes() == file.data


@EVERY_KIND
def test_a_file_that_is_shorter_than_named_is_never_taken_for_it(
    serve: Serve, folder: Path, tmp_path: Path
) -> None:
    file = served_file(folder)
    with serve(folder) as url, pytest.raises(FederationError):
        fetch(url, file.sha256, file.size + 1, tmp_path / "b", patience=AGAIN)
    assert not (tmp_path / "b").exists()


@EVERY_KIND
def test_no_more_is_taken_than_was_named(serve: Serve, folder: Path, tmp_path: Path) -> None:
    file, here = served_file(folder), list[int]()
    (folder / file.name).write_bytes(file.data + bytes(500_000))
    with serve(folder) as url:
        fetch(url, file.sha256, file.size, tmp_path / "b", on_bytes=here.append, patience=AT_ONCE)
    assert (tmp_path / "b").read_bytes() == file.data
    assert max(here) == file.size


@EVERY_KIND
def test_what_is_not_there_is_told_at_once(serve: Serve, folder: Path, tmp_path: Path) -> None:
    with serve(folder) as url:
        with pytest.raises(NoSuchBatch):
            read_index(url)
        with pytest.raises(NoSuchBatch):
            fetch(url, "e" * 64, 10, tmp_path / "b", patience=Patience(sleep=_never))
        with pytest.raises(NoSuchBatch):
            read_index(f"{url}/deeper")
    assert list(tmp_path.iterdir()) == [folder]


def _never(seconds: float) -> None:
    raise AssertionError(f"waited {seconds} s for nothing")


@EVERY_KIND
@pytest.mark.parametrize(
    "text", [b"", b"{}", b"<html>Welcome</html>", b"\xff\xfe", b"[" * 100_000, b'{"format": 1}']
)
def test_an_index_that_makes_no_sense_is_refused(serve: Serve, folder: Path, text: bytes) -> None:
    (folder / "index.json").write_bytes(text)
    with serve(folder) as url, pytest.raises(BrokenBatch, match="makes no sense"):
        read_index(url)


@EVERY_KIND
def test_an_index_that_is_too_large_is_refused(serve: Serve, folder: Path) -> None:
    with (folder / "index.json").open("wb") as file:
        file.truncate(MAX_INDEX_BYTES + 1)
    with serve(folder) as url, pytest.raises(BrokenBatch, match="too large"):
        read_index(url)


@EVERY_KIND
def test_whoever_hears_of_the_progress_can_stop(serve: Serve, folder: Path, tmp_path: Path) -> None:
    class Stopped(OSError):
        """An OSError, which must not be taken for one of the server or the disk."""

    def stop(here: int) -> None:
        if here >= 200_000:
            raise Stopped

    file = served_file(folder)
    with serve(folder) as url:
        with pytest.raises(Stopped):
            fetch(url, file.sha256, file.size, tmp_path / "b", on_bytes=stop, patience=AGAIN)
        here = (tmp_path / "b.part").stat().st_size
        assert 200_000 <= here < file.size
        fetch(url, file.sha256, file.size, tmp_path / "b", patience=AT_ONCE)
    assert (tmp_path / "b").read_bytes() == file.data


def test_our_own_disk_is_told_apart_from_the_server(folder: Path, tmp_path: Path) -> None:
    file = served_file(folder)
    with pytest.raises(StorageFailure):
        fetch(str(folder), file.sha256, file.size, tmp_path / "missing" / "b", patience=AT_ONCE)


def test_a_whole_file_that_was_not_renamed_is_not_fetched_again(tmp_path: Path) -> None:
    file = served_file(tmp_path)
    (tmp_path / "b.part").write_bytes(file.data)
    fetch("http://127.0.0.1:1", file.sha256, file.size, tmp_path / "b", patience=AT_ONCE)
    assert (tmp_path / "b").read_bytes() == file.data


@pytest.mark.parametrize(
    "url", ["http://127.0.0.1:1/x", "ftp://127.0.0.1:1", "https://127.0.0.1:1"]
)
def test_a_server_that_does_not_answer_is_asked_again_after_pauses(
    url: str, tmp_path: Path
) -> None:
    slept = list[float]()
    with pytest.raises(BatchServerAway):
        fetch(url, "e" * 64, 5, tmp_path / "b", patience=Patience(sleep=slept.append))
    assert slept == [1.0, 4.0, 15.0]
    with pytest.raises(BatchServerAway):
        read_index(url)


def test_there_are_no_more_tries_than_there_is_time(tmp_path: Path) -> None:
    now, slept = [0.0], list[float]()

    def sleep(seconds: float) -> None:
        slept.append(seconds)
        now[0] += seconds

    patience = Patience(
        total_seconds=12.0, pauses=(5.0, 5.0, 5.0), sleep=sleep, clock=lambda: now[0]
    )
    with pytest.raises(BatchServerAway):
        fetch("http://127.0.0.1:1", "e" * 64, 5, tmp_path / "b", patience=patience)
    assert slept == [5.0, 5.0]


@pytest.mark.parametrize(
    "url",
    [
        "gopher://example.org/x",
        "ftps://example.org/x",
        "memory://x",
        "simplecache::http://example.org/x",
        "http://name:secret@example.org/x",
        "ftp://name:secret@example.org/x",
        "http://example.org:99999/x",
        "http://example.org/x?token=1",
        "http://",
        "relative/folder",
        "/srv/../etc",
        "ftp://example.org/%0d%0aDELE%20x",
        "",
    ],
)
def test_what_is_no_address_of_a_batch_server_is_refused(url: str, tmp_path: Path) -> None:
    for attempt in (
        lambda: read_index(url),
        lambda: fetch(url, "e" * 64, 5, tmp_path / "b"),
        lambda: publish(tmp_path, url),
    ):
        with pytest.raises(WrongBatchUrl) as refusal:
            attempt()
        assert "secret" not in refusal.value.detail


def test_without_s3fs_it_is_said_what_to_install() -> None:
    code = """
import sys
sys.modules["s3fs"] = None
from imaging.batch_server import read_index
from imaging.errors import WrongBatchUrl
try:
    read_index("s3://lesions/skin")
except WrongBatchUrl as error:
    print(error.detail)
"""
    said = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True)
    assert "pip install s3fs" in said.stdout


def files_in(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def test_a_set_is_published_over_ftp_with_the_login_of_the_netrc(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    index, target = packed_set(folder), tmp_path / "target"
    target.mkdir()
    _with_login(tmp_path, monkeypatch)
    with ftp_server(target, writer=("ann", "pass word")) as server:
        sent = list[int]()
        publish(folder, f"{server.url}/public/skin", on_bytes=sent.append, patience=AT_ONCE)
        assert files_in(target / "public" / "skin") == files_in(folder)
        stored = [line.split()[1] for line in server.said if line.startswith("RNTO")]
        assert stored[-1] == "/public/skin/index.json"
        assert len(stored) == len(index.batches) + 1
        assert sent[-1] == sum(len(data) for data in files_in(folder).values())
        assert read_index(f"{server.url}/public/skin")[0] == index
        with pytest.raises(BatchServerRefused, match="already"):
            publish(folder, f"{server.url}/public/skin")


def test_a_set_is_published_over_http(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    index, target = packed_set(folder), tmp_path / "target"
    target.mkdir()
    _with_login(tmp_path, monkeypatch)
    with http_server(target, writer=("ann", "pass word")) as server:
        publish(folder, server.url, patience=AT_ONCE)
        assert files_in(target) == files_in(folder)
        assert server.put[-1] == "index.json"
        assert read_index(server.url)[0] == index
        with pytest.raises(BatchServerRefused, match="already"):
            check_unused(server.url)


def _with_login(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "netrc").write_text('machine 127.0.0.1 login ann password "pass word"\n')
    monkeypatch.setenv("NETRC", str(tmp_path / "netrc"))


def test_a_server_that_takes_no_files_says_so(folder: Path, tmp_path: Path) -> None:
    packed_set(folder)
    target = tmp_path / "target"
    target.mkdir()
    with ftp_server(target) as server, pytest.raises((BatchServerRefused, NoSuchBatch)):
        publish(folder, server.url, patience=AT_ONCE)
    with http_server(target, whole) as web, pytest.raises(BatchServerRefused, match="status 501"):
        publish(folder, web.url, patience=AT_ONCE)
    assert files_in(target) == {}


def test_a_set_is_published_to_a_folder_at_once_or_not_at_all(folder: Path, tmp_path: Path) -> None:
    index, target = packed_set(folder), tmp_path / "target"
    publish(folder, str(target))
    assert files_in(target) == files_in(folder)
    with pytest.raises(StorageFailure, match="not empty"):
        publish(folder, target.as_uri())
    (folder / f"{index.batches[1].sha256}.safetensors").unlink()
    with pytest.raises(StorageFailure):
        publish(folder, str(tmp_path / "other"))
    assert not (tmp_path / "other").exists()


def test_talking_to_a_batch_server_needs_no_decoder_of_pictures() -> None:
    code = "import sys, imaging.batch_server; print(*sys.modules)"
    loaded = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout.split()
    ours = {name for name in loaded if name.startswith("imaging")}
    known = {"imaging", "imaging.batch_index", "imaging.batch_server", "imaging.errors"}
    assert {name for name in ours if not name.startswith("imaging.remote")} == known | {
        "imaging.new_folder"
    }
    assert not {"PIL", "safetensors"} & set(loaded)


def test_what_talks_to_a_batch_server_names_what_it_imports() -> None:
    allowed = {"fsspec", "certifi", "pydantic", "federated", "imaging"} | sys.stdlib_module_names
    sources = [ROOT / "imaging" / "batch_server.py", *(ROOT / "imaging" / "remote").glob("*.py")]
    found = {
        (node.module or "") if isinstance(node, ast.ImportFrom) else node.names[0].name
        for source in sources
        for node in ast.walk(ast.parse(source.read_text()))
        if isinstance(node, ast.Import | ast.ImportFrom)
    }
    assert {name.partition(".")[0] for name in found} <= allowed
