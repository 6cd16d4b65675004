"""A server with many connections that rest, and calls that wait for something to happen."""

from __future__ import annotations

import socket
import threading
import time
import urllib.request
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing
from http.client import HTTPConnection

import pytest
from flask import Flask
from waitress.channel import HTTPChannel

from serving import connections
from serving.server import THREADS, Server

LONG = 60.0
ANSWER = bytes(range(256)) * 80_000
"""20 MB: above what waits in memory, and above what waits at all."""


class Waiting:
    """An application one of whose calls waits until the test lets it go."""

    def __init__(self) -> None:
        self.begun = threading.Semaphore(0)
        self.released = threading.Event()
        self.app = Flask("waiting")
        self.app.add_url_rule("/", "hello", view_func=lambda: "hello")
        self.app.add_url_rule("/large", "large", view_func=lambda: ANSWER)
        self.app.add_url_rule("/wait", view_func=self._wait)

    def _wait(self) -> str:
        self.begun.release()
        assert self.released.wait(LONG)
        return "it has happened"

    def await_begun(self, number: int) -> None:
        for _ in range(number):
            assert self.begun.acquire(timeout=LONG)


@pytest.fixture
def waiting() -> Waiting:
    return Waiting()


@pytest.fixture
def server(waiting: Waiting) -> Iterator[Server]:
    server = Server(waiting.app, "127.0.0.1", 0, polls=40)
    thread = server.start()
    yield server
    waiting.released.set()
    server.close()
    thread.join(LONG)
    assert not thread.is_alive()


def get(server: Server, path: str = "/") -> bytes:
    with urllib.request.urlopen(f"{server.address}{path}", timeout=LONG) as answer:
        return bytes(answer.read())


def connected(server: Server) -> socket.socket:
    return socket.create_connection(("127.0.0.1", server.port), timeout=LONG)


def test_calls_that_wait_keep_nobody_out(server: Server, waiting: Waiting) -> None:
    with ThreadPoolExecutor(THREADS + 40) as threads:
        calls = [threads.submit(get, server, "/wait") for _ in range(THREADS - 1 + 40)]
        waiting.await_begun(len(calls))
        assert get(server) == b"hello"
        waiting.released.set()
        assert {call.result() for call in calls} == {b"it has happened"}


def test_a_connection_that_rests_is_asked_nothing(
    server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    with ExitStack() as resting:
        for _ in range(100):
            connection = resting.enter_context(closing(HTTPConnection("127.0.0.1", server.port)))
            connection.request("GET", "/")
            assert connection.getresponse().read() == b"hello"
        monkeypatch.setattr(connections, "SWEEP_SECONDS", LONG)
        asked: list[HTTPChannel] = []
        readable = HTTPChannel.readable
        monkeypatch.setattr(HTTPChannel, "readable", lambda it: asked.append(it) or readable(it))
        for _ in range(10):
            assert get(server) == b"hello"
    assert 10 <= len(asked) < 100


def test_a_slow_reader_gets_the_whole_of_a_large_answer(server: Server) -> None:
    connection = socket.socket()
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    connection.settimeout(LONG)
    with connection:
        connection.connect(("127.0.0.1", server.port))
        connection.sendall(b"GET /large HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
        received = bytearray(connection.recv(1000))
        # What it does not read yet keeps nobody else out.
        assert get(server) == b"hello"
        while data := connection.recv(2**20):
            received += data
    assert received.endswith(b"\r\n\r\n" + ANSWER)


def test_silence_ends_a_connection_but_not_a_call_that_waits(
    server: Server, waiting: Waiting
) -> None:
    with ThreadPoolExecutor(1) as threads, connected(server) as silent:
        call = threads.submit(get, server, "/wait")
        waiting.await_begun(1)
        # As if a minute had gone by.
        server._server.adj.channel_timeout = -LONG
        server._server.next_channel_cleanup = 0.0
        assert silent.recv(1) == b""
        assert not call.done()
        waiting.released.set()
        assert call.result() == b"it has happened"


def test_a_stopping_server_answers_the_calls_that_it_has(waiting: Waiting) -> None:
    server = Server(waiting.app, "127.0.0.1", 0)
    thread = server.start()
    with ThreadPoolExecutor(3) as threads, connected(server):
        calls = [threads.submit(get, server, "/wait") for _ in range(3)]
        waiting.await_begun(3)
        server.close()
        _until_refused(server)
        assert thread.is_alive()
        waiting.released.set()
        assert {call.result() for call in calls} == {b"it has happened"}
        thread.join(LONG)
    assert not thread.is_alive()


def _until_refused(server: Server) -> None:
    end = time.monotonic() + LONG
    while time.monotonic() < end:
        try:
            connected(server).close()
        except ConnectionRefusedError:
            return
        except ConnectionResetError:
            # Met at the very moment at which it stopped listening.
            continue
        time.sleep(0.01)
    raise AssertionError("the server still listens")
