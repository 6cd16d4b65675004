"""Calls to a server that answers with exactly the bytes that a test gives it."""

import random
import socket
import threading
from contextlib import closing, contextmanager

import pytest

from child.agent.answers import MasterAway, MasterRefused
from child.agent.contact import Contact
from child.agent.transport import Transport


class Notes:
    """A record of departures in a list: method, path, bytes, status."""

    def __init__(self):
        self.calls = []

    def leave(self, method, path, nbytes, sha256, told=None, norm=None):
        self.calls.append([method, path, nbytes, None])
        return len(self.calls) - 1

    def answered(self, number, status):
        self.calls[number][3] = status


@contextmanager
def answering(*answers: bytes):
    """A server that gives one answer a connection, then hangs up; None says nothing."""
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def serve():
            for answer in answers:
                connection, _ = listener.accept()
                with connection:
                    connection.recv(65_536)
                    if answer is None:
                        connection.recv(1)
                    else:
                        connection.sendall(answer)

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        notes = Notes()
        contact = Contact(lambda: 7.0)
        url = f"http://127.0.0.1:{listener.getsockname()[1]}"
        yield Transport(url, notes, contact), notes, contact
        thread.join(10)


def test_an_answer_that_breaks_off_is_no_answer():
    whole = b'HTTP/1.1 200 OK\r\nContent-Length: 40\r\n\r\n{"state": "act'
    with answering(whole) as (transport, notes, contact):
        with pytest.raises(MasterAway, match="did not answer"):
            transport.call("POST", "/nodes", None)
        assert not contact.standing.reachable
        assert notes.calls == [["POST", "/api/v1/nodes", 0, 200]]


def test_a_chunked_answer_that_breaks_off_is_no_answer():
    head = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
    with answering(head + b'10\r\n{"state"') as (transport, _, contact):
        with pytest.raises(MasterAway):
            transport.call("GET", "/tasks/next", "token")
        assert not contact.standing.reachable


def test_a_server_that_hangs_up_leaves_a_departure_without_a_status():
    with answering(b"") as (transport, notes, _):
        with pytest.raises(MasterAway):
            transport.call("GET", "/tasks/next?wait=25", "token")
        assert notes.calls == [["GET", "/api/v1/tasks/next?wait=25", 0, None]]


def test_no_more_of_an_answer_is_read_than_allowed():
    document = b'{"detail": "' + b"a" * 5000 + b'"}'
    head = b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(document)
    with answering(head + document, head + document) as (transport, _, _):
        assert transport.call("GET", "/", None, limit=1000).document == {}
        assert len(transport.call("GET", "/", None, limit=9000).document["detail"]) == 5000


@pytest.mark.parametrize(
    ("header", "seconds"),
    [("7", 7.0), ("999999", 60.0), ("9" * 400, 60.0), ("soon", 0.0), ("-5", 0.0)],
)
def test_a_master_that_asks_to_be_left_alone(header, seconds):
    head = f"HTTP/1.1 503 Busy\r\nRetry-After: {header}\r\nContent-Length: 0\r\n\r\n"
    with answering(head.encode()) as (transport, _, contact):
        with pytest.raises(MasterAway) as raised:
            transport.call("GET", "/", None)
        assert raised.value.retry_after == seconds
        # It is there; it only has no time.
        assert contact.standing.reachable


@pytest.mark.parametrize("content", [b"[" * 100_000, b"\xff\xfe", b'"text"', b"null", b""])
def test_a_refusal_is_understood_whatever_it_carries(content):
    head = b"HTTP/1.1 404 Gone\r\nContent-Length: %d\r\n\r\n" % len(content)
    with answering(head + content) as (transport, _, _):
        with pytest.raises(MasterRefused) as raised:
            transport.call("GET", "/", None)
        assert (raised.value.status, raised.value.code) == (404, "master_refused")


def test_closing_ends_a_call_that_waits_and_lets_no_more_out():
    with answering(None) as (transport, notes, _):
        ended = []

        def wait():
            try:
                transport.call("GET", "/tasks/next", None)
            except MasterAway as error:
                ended.append(error)

        waiting = threading.Thread(target=wait)
        waiting.start()
        while waiting.is_alive():
            if notes.calls:
                transport.close()
            waiting.join(0.01)
        assert len(ended) == 1
        with pytest.raises(MasterAway, match="stopping"):
            transport.call("GET", "/", None)
        assert len(notes.calls) == 1


def test_a_body_is_read_in_pieces():
    data = random.Random(3).randbytes(100_000)
    head = b"HTTP/1.1 206 Partial\r\nContent-Length: 100000\r\nContent-Range: bytes 5-\r\n\r\n"
    with (
        answering(head + data) as (transport, _, _),
        closing(transport.open("GET", "/weights/x", None)) as arrival,
    ):
        assert (arrival.status, arrival.header("content-range")) == (206, "bytes 5-")
        pieces = iter(lambda: arrival.piece(30_000), b"")
        assert b"".join(pieces) == data
