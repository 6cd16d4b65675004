"""The gate of a real server, met over real sockets by callers of every kind."""

import json
import os
import resource
import socket
from collections.abc import Iterator
from http.client import HTTPConnection
from pathlib import Path
from typing import Any

import pytest
from flask import request
from prometheus_client import CollectorRegistry

from serving.app import MAX_JSON, create_app
from serving.auth import AUTH, Principal
from serving.body_gate import OPEN_BODY
from serving.server import Server

MEBIBYTE = 2**20
MAX_BODY = 3 * MEBIBYTE
PICTURE = b"p" * (2 * MEBIBYTE)
KNOWN = {"Authorization": "Bearer a-known-token"}
UNKNOWN = {"Authorization": "Bearer a-stranger's-token"}


@pytest.fixture
def server() -> Iterator[Server]:
    app = create_app(
        "Test",
        "1",
        verify={"a-known-token": Principal("site", "s1")}.get,
        health=dict,
        registry=CollectorRegistry(),
        readers=["operator"],
    )

    @app.put("/file")
    @app.auth_required(AUTH)
    def file() -> dict[str, int]:
        request.max_content_length = MAX_BODY
        return {"nbytes": len(request.get_data())}

    @app.post("/open")
    def take() -> dict[str, int]:
        return {"nbytes": len(request.get_data())}

    @app.get("/picture")
    def picture() -> bytes:
        return PICTURE

    running = Server(app, "127.0.0.1", 0, memory_body=4 * MEBIBYTE, max_body=MAX_BODY)
    thread = running.start()
    yield running
    running.close()
    thread.join(10)


def call(server: Server, method: str, path: str, **options: Any) -> tuple[int, Any]:
    connection = HTTPConnection("127.0.0.1", server.port, timeout=20)
    try:
        connection.request(method, path, **options)
        answer = connection.getresponse()
        return answer.status, json.loads(answer.read())
    finally:
        connection.close()


def head(server: Server, *lines: str) -> socket.socket:
    """A connection that has sent the head of a request, and no more."""
    connection = socket.create_connection(("127.0.0.1", server.port), timeout=20)
    connection.sendall("\r\n".join((*lines, "Host: x", "", "")).encode())
    return connection


def until_closed(connection: socket.socket) -> bytes:
    return b"".join(iter(lambda: connection.recv(65_536), b""))


def temporary_files() -> list[str]:
    """Files without a name that this process has open, as Linux lists them."""
    links = []
    for entry in Path("/proc/self/fd").iterdir():
        try:
            links.append(os.readlink(entry))
        except FileNotFoundError:
            continue
    return [link for link in links if link.endswith("(deleted)")]


def test_a_known_caller_may_send_a_large_body(server: Server) -> None:
    assert call(server, "PUT", "/file", body=PICTURE, headers=KNOWN) == (
        200,
        {"nbytes": len(PICTURE)},
    )


def chunks() -> Iterator[bytes]:
    for _ in range(20):
        yield b"c" * 100_000


@pytest.mark.parametrize("headers", [{}, UNKNOWN, {"Authorization": "Basic b3A6b3A="}])
@pytest.mark.parametrize("body", [lambda: PICTURE, chunks])
def test_a_stranger_may_not_and_hears_why(
    server: Server, headers: dict[str, str], body: Any
) -> None:
    status, answer = call(
        server, "PUT", "/file", body=body(), headers=headers, encode_chunked=body is chunks
    )
    assert status == 401
    assert answer["error"] == "not_authenticated"


def test_a_known_caller_may_send_in_chunks(server: Server) -> None:
    assert call(server, "PUT", "/file", body=chunks(), headers=KNOWN, encode_chunked=True) == (
        200,
        {"nbytes": 2_000_000},
    )


def test_small_bodies_need_no_token(server: Server) -> None:
    assert call(server, "POST", "/open", body=b"s" * OPEN_BODY) == (200, {"nbytes": OPEN_BODY})
    assert call(server, "POST", "/open", body=b"s" * (OPEN_BODY + 1))[0] == 401


def test_nothing_of_a_strangers_body_is_kept(server: Server) -> None:
    open_before = temporary_files()
    with head(server, "PUT /file HTTP/1.1", f"Content-Length: {MAX_BODY}") as connection:
        connection.sendall(PICTURE)
        assert call(server, "GET", "/health")[0] == 200
        assert all(_kept(channel) == 0 for channel in _channels(server))
        assert temporary_files() == open_before


def _channels(server: Server) -> list[Any]:
    return [c for c in server._connections.values() if getattr(c, "request", None) is not None]


def _kept(channel: Any) -> int:
    # The other caller's request may still be there, and has no body.
    buffer = getattr(channel.request.body_rcv, "buf", None)
    return len(buffer.getfile().read()) if hasattr(buffer, "getfile") else 0


def test_a_body_over_the_limit_is_refused_on_its_head(server: Server) -> None:
    lines = ("PUT /file HTTP/1.1", f"Content-Length: {MAX_BODY + 1}", *_lines(KNOWN))
    with head(server, *lines, "Expect: 100-continue") as connection:
        answer = until_closed(connection)
    assert answer.startswith(b"HTTP/1.1 413")
    assert b'"too_large"' in answer


def _lines(headers: dict[str, str]) -> list[str]:
    return [f"{name}: {value}" for name, value in headers.items()]


def test_a_stranger_is_not_asked_to_go_on(server: Server) -> None:
    lines = ("PUT /file HTTP/1.1", "Content-Length: 100000", "Expect: 100-continue")
    with head(server, *lines) as connection:
        connection.sendall(b"x" * 100_000)
        assert until_closed(connection).startswith(b"HTTP/1.1 401")


def test_views_take_little_unless_they_say_so(server: Server) -> None:
    status, answer = call(server, "POST", "/open", body=b"j" * (MAX_JSON + 1), headers=KNOWN)
    assert (status, answer["error"]) == (413, "too_large")


def test_many_half_sent_requests_do_not_keep_others_out(server: Server) -> None:
    soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    number = min(300, soft // 4)
    connections: list[socket.socket] = []
    try:
        for _ in range(number):
            half = socket.create_connection(("127.0.0.1", server.port), timeout=20)
            half.sendall(b"GET / HT")
            connections.append(half)
        assert call(server, "GET", "/health")[0] == 200
    finally:
        for half in connections:
            half.close()


@pytest.mark.skipif(not Path("/proc/self/fd").exists(), reason="/proc is Linux's own")
def test_a_picture_never_waits_in_a_file(server: Server) -> None:
    """Neither on its way in nor on its way out, however slowly it is read."""
    open_before = temporary_files()
    connection = socket.socket()
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    with connection:
        connection.connect(("127.0.0.1", server.port))
        connection.sendall(b"GET /picture HTTP/1.1\r\nHost: x\r\n\r\n")
        assert connection.recv(100)
        assert call(server, "PUT", "/file", body=PICTURE, headers=KNOWN)[0] == 200
        assert temporary_files() == open_before
