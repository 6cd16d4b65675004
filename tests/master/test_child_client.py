"""Calls to children over real sockets: strangers' computers answer as they like."""

from __future__ import annotations

import json
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from master import child_client
from master.child_client import Child, HttpChildClient, Unreachable
from tests.in_thread import serving


class Stranger(BaseHTTPRequestHandler):
    """Answers by the name of the task that it is asked to delete."""

    protocol_version = "HTTP/1.1"
    seen: list[tuple[str, str, str, bytes]]
    connections: set[int]

    def log_message(self, *_: object) -> None:
        """Says nothing."""

    def do_PUT(self) -> None:
        self._answer(200, json.dumps({"missing_blob": False}).encode())

    def do_DELETE(self) -> None:
        name = self.path.rsplit("/", 1)[-1]
        if name == "redirect":
            self._answer(302, b"", Location="http://127.0.0.1:1/elsewhere")
        elif name == "endless":
            self._answer(200, b"x" * (child_client.ANSWER_BYTES * 4))
        elif name == "list":
            self._answer(200, b"[1, 2]")
        elif name == "deep":
            self._answer(200, b"[" * 60_000)
        elif name == "rude":
            self.close_connection = True
        else:
            self._answer(409, b'{"error": "missing_blob", "detail": "not here"}')

    def _answer(self, status: int, body: bytes, **headers: str) -> None:
        sent = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        token = self.headers.get("Authorization", "")
        self.server.seen.append((self.command, self.path, token, sent))  # type: ignore[attr-defined]
        self.server.connections.add(self.client_address[1])  # type: ignore[attr-defined]
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


@pytest.fixture
def server() -> Iterator[ThreadingHTTPServer]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), Stranger)
    server.seen, server.connections = [], set()  # type: ignore[attr-defined]
    with serving(server):
        yield server


@pytest.fixture
def http() -> Iterator[HttpChildClient]:
    http = HttpChildClient()
    yield http
    http.close()


@pytest.fixture
def child(server: ThreadingHTTPServer) -> Child:
    return Child("1", "clinic-a", f"http://127.0.0.1:{server.server_port}", "secret")


def test_one_connection_serves_many_calls(
    server: ThreadingHTTPServer, http: HttpChildClient, child: Child, tmp_path: Path
) -> None:
    blob = tmp_path / "blob"
    blob.write_bytes(b"weights" * 1000)
    for _ in range(3):
        assert http.put_weights(child, "a" * 64, blob).ok
    assert len(server.connections) == 1  # type: ignore[attr-defined]
    method, path, token, sent = server.seen[0]  # type: ignore[attr-defined]
    assert (method, path) == ("PUT", f"/api/v1/weights/{'a' * 64}")
    assert (token, sent) == ("Bearer secret", blob.read_bytes())


def test_a_redirect_is_an_answer_and_not_a_way(http: HttpChildClient, child: Child) -> None:
    answer = http.delete_task(child, "redirect")
    assert (answer.status, answer.ok) == (302, False)


def test_an_endless_answer_is_given_up(http: HttpChildClient, child: Child) -> None:
    with pytest.raises(Unreachable, match="cannot be read"):
        http.delete_task(child, "endless")


@pytest.mark.parametrize("name", ["list", "deep"])
def test_what_is_no_json_object_counts_as_empty(
    http: HttpChildClient, child: Child, name: str
) -> None:
    assert http.delete_task(child, name).body == {}


def test_a_refusal_keeps_its_sentence(http: HttpChildClient, child: Child) -> None:
    answer = http.delete_task(child, "other")
    assert answer.problem == "HTTP 409: not here"
    assert answer.body["error"] == "missing_blob"


def test_a_closed_door_is_unreachable(http: HttpChildClient, child: Child) -> None:
    with pytest.raises(Unreachable, match="no connection"):
        http.delete_task(child, "rude")
    with pytest.raises(Unreachable, match="no connection"):
        http.delete_task(Child("2", "clinic-b", "http://127.0.0.1:1", "secret"), "any")


DRIPS = {
    "continue": (b"", b"HTTP/1.1 100 Continue\r\n\r\n"),
    "headers": (b"HTTP/1.1 200 OK\r\n", b"X: y\r\n"),
    "one header": (b"HTTP/1.1 200 OK\r\nX: ", b"y"),
    "body": (b"HTTP/1.1 200 OK\r\nContent-Length: 60000\r\n\r\n", b" "),
}


@pytest.mark.parametrize("drip", DRIPS)
def test_a_child_that_drips_holds_nobody(drip: str) -> None:
    begin, drop = DRIPS[drip]
    calls = []

    def serve(listening: socket.socket) -> None:
        while True:
            try:
                connection, _ = listening.accept()
            except OSError:
                return
            with connection:
                calls.append(connection.recv(4096))
                with suppress(OSError):
                    connection.sendall(begin)
                    while True:
                        connection.sendall(drop)
                        time.sleep(0.02)

    listening = socket.create_server(("127.0.0.1", 0))
    thread = threading.Thread(target=serve, args=(listening,))
    thread.start()
    http = HttpChildClient(call_seconds=0.3)
    child = Child("1", "clinic-a", f"http://127.0.0.1:{listening.getsockname()[1]}", "secret")
    with pytest.raises(Unreachable, match="does not answer in time"):
        http.delete_task(child, "any")
    # What was too slow once is not tried again at once.
    assert len(calls) == 1
    http.close()
    listening.shutdown(socket.SHUT_RDWR)
    listening.close()
    thread.join()


def test_a_child_that_does_not_read_holds_nobody(tmp_path: Path) -> None:
    blob = tmp_path / "blob"
    with blob.open("wb") as file:
        file.truncate(30_000_000)
    with socket.create_server(("127.0.0.1", 0)) as listening:
        port = listening.getsockname()[1]
        # 300 seconds for the body are given and taken back.
        http = HttpChildClient(call_seconds=0.3 - 30_000_000 / child_client.SLOWEST)
        with pytest.raises(Unreachable, match="does not answer in time"):
            http.put_weights(Child("1", "clinic-a", f"http://127.0.0.1:{port}", "x"), "a", blob)
        http.close()


def test_a_connection_that_was_in_time_is_kept(
    server: ThreadingHTTPServer, child: Child, tmp_path: Path
) -> None:
    http = HttpChildClient(call_seconds=0.2)
    http.delete_task(child, "other")
    time.sleep(0.4)
    http.delete_task(child, "other")
    assert len(server.connections) == 1  # type: ignore[attr-defined]
    http.close()
