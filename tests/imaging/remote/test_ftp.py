"""FTP servers as strangers run them: broken, slow, wrong and hostile ones."""

from __future__ import annotations

import re
import socket
import threading
from pathlib import Path

import pytest

from imaging.batch_server import Patience, fetch, read_index
from imaging.errors import BatchServerAway, BatchServerRefused
from tests.imaging.remote.files import AGAIN, AT_ONCE, IMPATIENT, packed_set, served_file
from tests.imaging.remote.ftp_server import ftp_server
from tests.imaging.remote.scripted import Script, scripted_server

BRIEF = Patience(pauses=(), silence_seconds=20.0, total_seconds=0.5)
"""For servers that always say something: this test waits no longer than that."""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    folder = tmp_path / "served"
    folder.mkdir()
    return folder


def test_what_came_before_a_break_is_not_asked_for_again(folder: Path, tmp_path: Path) -> None:
    file, here = served_file(folder), list[int]()
    with ftp_server(folder, breaks=(300_000, 100_000)) as server:
        fetch(
            server.url,
            file.sha256,
            file.size,
            tmp_path / "b",
            on_bytes=here.append,
            patience=AGAIN,
        )
    assert (tmp_path / "b").read_bytes() == file.data
    rests = [int(line.split()[1]) for line in server.said if line.startswith("REST")]
    assert 300_000 <= rests[0] < rests[0] + 100_000 <= rests[1] < file.size
    assert here == sorted(here)


def test_a_server_that_cannot_resume_sends_all_again_and_nothing_is_doubled(
    folder: Path, tmp_path: Path
) -> None:
    file = served_file(folder)
    with ftp_server(folder, breaks=(300_000, 100_000), without=("REST",)) as server:
        fetch(server.url, file.sha256, file.size, tmp_path / "b", patience=AGAIN)
    assert (tmp_path / "b").read_bytes() == file.data
    assert len([line for line in server.said if line.startswith("RETR")]) == 3


def test_an_index_that_breaks_off_is_no_index(folder: Path) -> None:
    (folder / "index.json").write_text(" " * 500_000)
    with ftp_server(folder, breaks=(100_000,)) as server, pytest.raises(BatchServerAway):
        read_index(server.url)


def test_a_server_that_wants_a_login_is_told_apart(folder: Path, tmp_path: Path) -> None:
    packed_set(folder)
    with ftp_server(folder, anonymous=False, writer=("ann", "secret")) as server:
        with pytest.raises(BatchServerRefused, match="asks for a login"):
            read_index(server.url)
        with pytest.raises(BatchServerRefused):
            fetch(server.url, "e" * 64, 5, tmp_path / "b", patience=AGAIN)
    assert len([line for line in server.said if line.startswith("USER")]) == 2


def silent(connection: socket.socket, stopping: threading.Event) -> None:
    stopping.wait()


def silent_after_login(connection: socket.socket, stopping: threading.Event) -> None:
    connection.sendall(b"220 Welcome\r\n")
    connection.recv(1000)
    connection.sendall(b"230 Come in\r\n")
    stopping.wait()


def silent_data(connection: socket.socket, stopping: threading.Event) -> None:
    """Opens the second connection, and sends nothing on it."""
    with socket.create_server(("127.0.0.1", 0)) as data:
        port = data.getsockname()[1]
        answers = {
            b"USER": "230 Come in",
            b"TYPE": "200 Yes",
            b"PASV": f"227 (127,0,0,1,{port // 256},{port % 256})",
            b"RETR": "150 Here it comes",
        }
        connection.sendall(b"220 Welcome\r\n")
        while said := connection.recv(1000):
            answer = answers.get(said[:4], "502 No")
            connection.sendall(f"{answer}\r\n".encode())
        stopping.wait()


@pytest.mark.parametrize("script", [silent, silent_after_login, silent_data])
def test_a_server_that_says_nothing_is_not_waited_for(script: Script, tmp_path: Path) -> None:
    with scripted_server(script) as port:
        with pytest.raises(BatchServerAway):
            read_index(f"ftp://127.0.0.1:{port}", patience=IMPATIENT)
        with pytest.raises(BatchServerAway):
            fetch(f"ftp://127.0.0.1:{port}", "e" * 64, 5, tmp_path / "b", patience=IMPATIENT)


def dripping(connection: socket.socket, stopping: threading.Event) -> None:
    """A welcome that never ends, a letter at a time."""
    while not stopping.wait(0.05):
        connection.sendall(b"2")


def test_a_server_that_drips_is_left_when_the_time_is_up() -> None:
    with scripted_server(dripping) as port, pytest.raises(BatchServerAway):
        read_index(f"ftp://127.0.0.1:{port}", patience=BRIEF)


def endless_welcome(connection: socket.socket, stopping: threading.Event) -> None:
    while not stopping.is_set():
        connection.sendall(b"220-and welcome\r\n" * 1000)


def endless_line(connection: socket.socket, stopping: threading.Event) -> None:
    while not stopping.is_set():
        connection.sendall(b"2" * 2**16)


def says(answer: bytes) -> Script:
    def script(connection: socket.socket, stopping: threading.Event) -> None:
        connection.sendall(answer)
        stopping.wait()

    return script


@pytest.mark.parametrize(
    "script",
    [
        endless_welcome,
        endless_line,
        says(b"421 Too many users\r\n"),
        says(b"HTTP/1.1 200 OK\r\n"),
        says(b"220 \xff\xfe\r\n"),
    ],
)
def test_what_is_no_ftp_server_in_order_is_away(script: Script) -> None:
    with scripted_server(script) as port, pytest.raises(BatchServerAway):
        read_index(f"ftp://127.0.0.1:{port}", patience=AT_ONCE)


def test_no_server_is_connected_to_but_the_one_that_was_named(folder: Path) -> None:
    """A server may name any address for its second connection, inside a hospital's network too."""
    asked = list[str]()

    def elsewhere(connection: socket.socket, stopping: threading.Event) -> None:
        answers = {b"USER": "230 Hi", b"TYPE": "200 Yes", b"PASV": "227 (192,0,2,1,0,1)"}
        connection.sendall(b"220 Welcome\r\n")
        while said := connection.recv(1000):
            asked.append(said.decode().strip())
            connection.sendall(f"{answers.get(said[:4], '502 No')}\r\n".encode())

    with (
        scripted_server(elsewhere) as port,
        pytest.raises(BatchServerAway, match=re.escape("ConnectionRefusedError")),
    ):
        # Nothing listens on port 1 of loopback; the address that was named would only be silent.
        read_index(f"ftp://127.0.0.1:{port}", patience=AT_ONCE)
    assert asked[-1] == "PASV"
