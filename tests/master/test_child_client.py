"""Calls to children over real sockets: strangers' computers answer as they like."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from master import child_client
from master.child_client import Child, HttpChildClient, Unreachable


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
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield server
    server.shutdown()
    thread.join()
    server.server_close()


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
