"""HTTP servers as strangers run them: broken, slow, wrong and hostile ones."""

from __future__ import annotations

import gzip
import shutil
import socket
import subprocess
import threading
from base64 import b64encode
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import pytest

from imaging.batch_index import MAX_INDEX_BYTES
from imaging.batch_server import Patience, fetch, read_index
from imaging.errors import BatchServerAway, BatchServerRefused, BrokenBatch, NoSuchBatch
from tests.imaging.remote.files import AGAIN, AT_ONCE, IMPATIENT, packed_set, served_file
from tests.imaging.remote.http_server import Request, http_server, ranges, whole
from tests.imaging.remote.scripted import Script, scripted_server

BRIEF = Patience(pauses=(), silence_seconds=20.0, total_seconds=0.5)
"""For servers that always say something: this test waits no longer than that."""


needs_openssl = pytest.mark.skipif(shutil.which("openssl") is None, reason="openssl is missing")


def self_signed(folder: Path) -> Path:
    """A certificate for 127.0.0.1 that nobody trusts, and its key, in one file."""
    key, certificate = folder / "key.pem", folder / "certificate.pem"
    command = ["openssl", "req", "-x509", "-nodes", "-newkey", "ec", "-pkeyopt"]
    command += ["ec_paramgen_curve:prime256v1", "-subj", "/CN=test", "-days", "2"]
    command += ["-addext", "subjectAltName=IP:127.0.0.1", "-keyout", str(key)]
    subprocess.run([*command, "-out", str(certificate)], check=True, capture_output=True)
    certificate.write_text(certificate.read_text() + key.read_text())
    return certificate


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    folder = tmp_path / "served"
    folder.mkdir()
    return folder


def breaking(way: Callable[[Request], None], after: int, times: int) -> Callable[[Request], None]:
    """Serves in that way, but the first few connections break after `after` bytes."""
    left = [times]

    def answer(request: Request) -> None:
        if left[0]:
            left[0] -= 1
            request.wfile = _Breaking(request, after)
        way(request)

    return answer


class _Breaking:
    """A connection that breaks when enough of the file has gone through."""

    def __init__(self, request: Request, after: int) -> None:
        self.file, self.after = request.wfile, after

    def write(self, data: bytes) -> int:
        if len(data) > 10_000:
            self.file.write(data[: self.after])
            self.file.flush()
            raise ConnectionAbortedError
        return self.file.write(data)

    def __getattr__(self, name: str) -> object:
        return getattr(self.file, name)


def test_what_came_before_a_break_is_not_asked_for_again(folder: Path, tmp_path: Path) -> None:
    file, here = served_file(folder), list[int]()
    with http_server(folder, breaking(ranges, 350_000, 2)) as server:
        fetch(
            server.url,
            file.sha256,
            file.size,
            tmp_path / "b",
            on_bytes=here.append,
            patience=AGAIN,
        )
    assert (tmp_path / "b").read_bytes() == file.data
    assert [start for _, start in server.asked] == [0, 350_000, 700_000]
    assert here == sorted(here)


def test_a_server_without_ranges_sends_all_again_and_nothing_is_doubled(
    folder: Path, tmp_path: Path
) -> None:
    file, here = served_file(folder), list[int]()
    with http_server(folder, breaking(whole, 500_000, 2)) as server:
        fetch(
            server.url,
            file.sha256,
            file.size,
            tmp_path / "b",
            on_bytes=here.append,
            patience=AGAIN,
        )
    assert (tmp_path / "b").read_bytes() == file.data
    assert here == sorted(here)
    assert len(server.asked) == 3


def test_a_server_that_always_breaks_off_leaves_what_came(folder: Path, tmp_path: Path) -> None:
    file = served_file(folder)
    with http_server(folder, breaking(ranges, 200_000, 99)) as server:
        with pytest.raises(BatchServerAway):
            fetch(server.url, file.sha256, file.size, tmp_path / "b", patience=AT_ONCE)
        first = (tmp_path / "b.part").stat().st_size
        with pytest.raises(BatchServerAway):
            fetch(server.url, file.sha256, file.size, tmp_path / "b", patience=AT_ONCE)
    assert 0 < first < (tmp_path / "b.part").stat().st_size


def silent(request: Request) -> None:
    """Takes the question and says nothing."""
    request.served.stopping.wait()


def silent_in_the_middle(request: Request) -> None:
    request.begin(200, content_length=900_000)
    request.wfile.write(bytes(1000))
    request.served.stopping.wait()


@pytest.mark.parametrize("way", [silent, silent_in_the_middle])
def test_a_server_that_says_nothing_is_not_waited_for(
    way: Callable[[Request], None], folder: Path, tmp_path: Path
) -> None:
    with http_server(folder, way) as server:
        with pytest.raises(BatchServerAway):
            read_index(server.url, patience=IMPATIENT)
        with pytest.raises(BatchServerAway):
            fetch(server.url, "e" * 64, 900_000, tmp_path / "b", patience=IMPATIENT)


def dripping(request: Request) -> None:
    """One byte now and then, never silent for long."""
    request.begin(200, content_length=10**9)
    while not request.served.stopping.wait(0.05):
        request.wfile.write(b"x")


def dripping_headers(request: Request) -> None:
    request.wfile.write(b"HTTP/1.1 200 OK\r\n")
    while not request.served.stopping.wait(0.05):
        request.wfile.write(b"X: y\r\n")


@pytest.mark.parametrize("way", [dripping, dripping_headers])
def test_a_server_that_drips_is_left_when_the_time_is_up(
    way: Callable[[Request], None], folder: Path, tmp_path: Path
) -> None:
    with http_server(folder, way) as server:
        with pytest.raises(BatchServerAway):
            read_index(server.url, patience=BRIEF)
        with pytest.raises(BatchServerAway):
            fetch(server.url, "e" * 64, 10**8, tmp_path / "b", patience=BRIEF)


def endless(request: Request) -> None:
    """No length, and no end."""
    request.begin(200)
    while not request.served.stopping.is_set():
        request.wfile.write(bytes(2**16))


def endless_headers(request: Request) -> None:
    request.wfile.write(b"HTTP/1.1 200 OK\r\n")
    while not request.served.stopping.is_set():
        request.wfile.write(b"X: " + b"y" * 60_000 + b"\r\n")


def test_a_server_that_never_ends_is_read_no_further_than_needed(
    folder: Path, tmp_path: Path
) -> None:
    with http_server(folder, endless) as server:
        with pytest.raises(BrokenBatch, match=f"at most {MAX_INDEX_BYTES}"):
            read_index(server.url)
        with pytest.raises(BrokenBatch, match="other bytes"):
            fetch(server.url, "e" * 64, 500_000, tmp_path / "b", patience=AT_ONCE)
    assert list(tmp_path.iterdir()) == [folder]
    with http_server(folder, endless_headers) as server, pytest.raises(BatchServerAway):
        read_index(server.url)


def saying(length: int) -> Callable[[Request], None]:
    """Says that the file has that many bytes, whatever it has."""

    def answer(request: Request) -> None:
        request.begin(200, content_length=length)
        request.wfile.write(request.content())

    return answer


@pytest.mark.parametrize("length", [900_001, 10**15])
def test_a_length_that_is_a_lie_changes_nothing(length: int, folder: Path, tmp_path: Path) -> None:
    file = served_file(folder)
    with http_server(folder, saying(length)) as server:
        fetch(server.url, file.sha256, file.size, tmp_path / "b", patience=AT_ONCE)
        assert (tmp_path / "b").read_bytes() == file.data
        with pytest.raises(BatchServerAway):
            fetch(server.url, file.sha256, file.size + 1, tmp_path / "c", patience=AT_ONCE)


def test_a_length_that_is_too_small_is_an_end_too_early(folder: Path, tmp_path: Path) -> None:
    file = served_file(folder)
    with http_server(folder, saying(1000)) as server, pytest.raises(BatchServerAway):
        fetch(server.url, file.sha256, file.size, tmp_path / "b", patience=AT_ONCE)
    assert (tmp_path / "b.part").read_bytes() == file.data[:1000]


def another_part(request: Request) -> None:
    """Sends from byte 7 on, whatever was asked for."""
    rest = request.content()[7:]
    request.begin(206, content_range=f"bytes 7-{len(rest) + 6}/*", content_length=len(rest))
    request.wfile.write(rest)


def no_span(request: Request) -> None:
    request.begin(206, content_length=10)
    request.wfile.write(bytes(10))


@pytest.mark.parametrize("way", [another_part, no_span])
def test_another_part_than_was_asked_for_is_refused(
    way: Callable[[Request], None], folder: Path, tmp_path: Path
) -> None:
    file = served_file(folder)
    for begun in (b"", file.data[:100]):
        (tmp_path / "b.part").write_bytes(begun)
        with http_server(folder, way) as server, pytest.raises(BatchServerRefused):
            fetch(server.url, file.sha256, file.size, tmp_path / "b", patience=AGAIN)
        assert (tmp_path / "b.part").read_bytes() == begun


def answering(status: int, **headers: object) -> Callable[[Request], None]:
    return lambda request: request.begin(status, content_length=0, **headers)


@pytest.mark.parametrize(
    ("status", "error"),
    [
        (404, NoSuchBatch),
        (410, NoSuchBatch),
        (400, BatchServerRefused),
        (401, BatchServerRefused),
        (403, BatchServerRefused),
        (407, BatchServerRefused),
        (501, BatchServerRefused),
        (408, BatchServerAway),
        (429, BatchServerAway),
        (500, BatchServerAway),
        (503, BatchServerAway),
    ],
)
def test_each_status_is_told_for_what_it_is(
    status: int, error: type[Exception], folder: Path, tmp_path: Path
) -> None:
    with http_server(folder, answering(status)) as server:
        with pytest.raises(error, match=f"status {status}"):
            read_index(server.url)
        with pytest.raises(error, match=f"status {status}"):
            fetch(server.url, "e" * 64, 5, tmp_path / "b", patience=AGAIN)
    # Asked for the index once; for the batch again only where it may help.
    assert len(server.asked) == 1 + (4 if error is BatchServerAway else 1)


def test_no_redirect_is_followed(folder: Path, tmp_path: Path) -> None:
    """A site may have been told which servers it may talk to."""
    packed_set(folder)
    with http_server(folder) as inside:
        away = answering(302, location=f"{inside.url}/index.json")
        with (
            http_server(folder, away) as server,
            pytest.raises(BatchServerRefused, match="status 302"),
        ):
            read_index(server.url)
    assert inside.asked == []


def packed(request: Request) -> None:
    """Sends a gigabyte of zeros in a megabyte."""
    data = gzip.compress(bytes(2**30), 1)
    request.begin(200, content_encoding="gzip", content_length=len(data))
    request.wfile.write(data)


def test_nothing_is_unpacked(folder: Path) -> None:
    with http_server(folder, packed) as server, pytest.raises(BrokenBatch, match="no sense"):
        read_index(server.url)


def nonsense(request: Request) -> None:
    request.wfile.write(b"220 this is no web server\r\n" * 3)


@needs_openssl
def test_a_certificate_is_checked(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    index, certificate = packed_set(folder), self_signed(tmp_path)
    with http_server(folder, certificate=certificate) as server:
        assert server.url.startswith("https://")
        with pytest.raises(BatchServerAway, match="CERTIFICATE_VERIFY_FAILED"):
            read_index(server.url)
        monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
        assert read_index(server.url)[0] == index


def test_what_is_no_web_server_is_told(folder: Path) -> None:
    with http_server(folder, nonsense) as server, pytest.raises(BatchServerAway):
        read_index(server.url)


def test_reading_sends_no_login(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    packed_set(folder)
    (tmp_path / "netrc").write_text("machine 127.0.0.1 login ann password secret\n")
    monkeypatch.setenv("NETRC", str(tmp_path / "netrc"))
    shown = list[str | None]()

    def watch(request: Request) -> None:
        shown.append(request.headers.get("Authorization"))
        ranges(request)

    with http_server(folder, watch) as server:
        read_index(server.url)
    assert shown == [None]


def test_the_proxy_of_the_environment_is_used(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    index = packed_set(folder)
    with http_server(folder) as proxy:
        monkeypatch.setenv("http_proxy", proxy.url.removesuffix("/skin"))
        monkeypatch.setenv("no_proxy", "127.0.0.1")
        assert read_index("http://pictures.invalid/skin")[0] == index
        assert [name for name, _ in proxy.asked] == ["index.json"]
        with pytest.raises(BatchServerAway):
            read_index("http://127.0.0.1:1/skin")
    assert len(proxy.asked) == 1


@needs_openssl
def test_https_goes_through_a_proxy_that_sees_no_file_name(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    index, certificate, heard = packed_set(folder), self_signed(tmp_path), list[bytes]()
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
    monkeypatch.setenv("no_proxy", "")
    with (
        http_server(folder, certificate=certificate) as server,
        scripted_server(tunnel(heard)) as port,
    ):
        monkeypatch.setenv("https_proxy", f"http://ann:a%20b@127.0.0.1:{port}")
        assert read_index(server.url)[0] == index
    assert heard[0].startswith(f"CONNECT {server.url[8:].partition('/')[0]} HTTP/1".encode())
    assert b"Proxy-Authorization: Basic " + b64encode(b"ann:a b") in heard[0]
    assert b"index.json" not in b"".join(heard)


def tunnel(heard: list[bytes]) -> Script:
    """A proxy that connects to whom it is told, and hears what the client says."""

    def script(client: socket.socket, stopping: threading.Event) -> None:
        heard.append(client.recv(10_000))
        host, _, port = heard[0].split()[1].decode().partition(":")
        with socket.create_connection((host, int(port))) as server:
            client.sendall(b"HTTP/1.1 200 Connected\r\n\r\n")
            back = threading.Thread(target=relay, args=(server, client, []), daemon=True)
            back.start()
            relay(client, server, heard)
            back.join()

    return script


def relay(source: socket.socket, target: socket.socket, heard: list[bytes]) -> None:
    with suppress(OSError):
        while data := source.recv(10_000):
            heard.append(data)
            target.sendall(data)
        target.shutdown(socket.SHUT_WR)
