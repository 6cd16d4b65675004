import socket
from contextlib import ExitStack

import pytest

from engines.processes.errors import PortTaken
from engines.processes.ports import fixed_ports, is_free, next_free_ports


@pytest.fixture
def taken():
    """A port that somebody listens on, the one below it free, with a few more above it."""
    with ExitStack() as stack:
        while True:
            listener = stack.enter_context(socket.socket())
            listener.bind(("127.0.0.1", 0))
            listener.listen()
            port = listener.getsockname()[1]
            if is_free(port - 1):
                break
        yield port


def test_a_port_that_is_listened_on_is_not_free(taken):
    assert not is_free(taken)


def test_a_port_is_free_again_after_its_listener_has_gone():
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        port = listener.getsockname()[1]
    assert is_free(port)


def test_a_taken_port_is_named_with_what_to_do(taken):
    with pytest.raises(PortTaken, match=rf"{taken}.*master.*--port-base") as error:
        fixed_ports(taken - 1, ["webapp", "master"])
    assert error.value.code == "port_taken"


def test_with_a_base_the_next_free_ports_are_taken(taken):
    ports = next_free_ports(taken, ["webapp", "master", "site-1"])
    assert list(ports) == ["webapp", "master", "site-1"]
    assert taken not in ports.values()
    assert taken < ports["webapp"] < ports["master"] < ports["site-1"]


def test_at_the_end_of_the_range_there_are_too_few():
    with pytest.raises(PortTaken):
        next_free_ports(65_535, ["webapp", "master"])
