"""Calls to a server that takes them and never answers."""

import socket
import threading
from contextlib import closing

import pytest
import requests

from serving.breakable_session import BreakableSession


@pytest.fixture
def silent():
    """The address of a server that accepts connections, and those that it has."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        yield f"http://127.0.0.1:{listener.getsockname()[1]}", listener


def test_a_call_is_broken_off_by_another_thread(silent):
    url, listener = silent
    ended = []

    def call():
        try:
            session.get(url)
        except requests.ConnectionError as error:
            ended.append(error)

    with BreakableSession() as session:
        caller = threading.Thread(target=call)
        caller.start()
        with closing(listener.accept()[0]) as connection:
            assert connection.recv(100).startswith(b"GET / ")
            session.break_off()
            caller.join(10)
    assert len(ended) == 1


def test_nothing_under_way_is_nothing_to_break_off():
    with BreakableSession() as session:
        session.break_off()


def test_a_call_that_takes_too_long_ends_by_itself(silent):
    with (
        BreakableSession() as session,
        pytest.raises(requests.ReadTimeout),
        session.within(0.05),
    ):
        session.get(silent[0])
