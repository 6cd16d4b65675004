import resource
import socket
import urllib.request

import pytest
from flask import Flask

from federated.errors import InvalidInput
from serving.server import CannotListen, Server, check_url, is_loopback, polls_within


def hello() -> Flask:
    app = Flask("hello")
    app.add_url_rule("/", view_func=lambda: "hello")
    return app


def test_it_answers_on_a_free_port_until_closed() -> None:
    server = Server(hello(), "127.0.0.1", 0)
    thread = server.start()
    with urllib.request.urlopen(f"http://127.0.0.1:{server.port}/", timeout=10) as answer:
        assert answer.read() == b"hello"
    server.close()
    thread.join(10)
    assert not thread.is_alive()


def test_a_taken_port_is_a_sentence() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(CannotListen, match=f"Port {port} .* it is taken"):
            Server(hello(), "127.0.0.1", port)


def test_plain_http_is_not_offered_to_the_network() -> None:
    with pytest.raises(InvalidInput, match="--behind-proxy"):
        Server(hello(), "0.0.0.0", 0)


@pytest.mark.parametrize("host", ["127.0.0.1", "127.9.9.9", "localhost", "::1", "[::1]"])
def test_this_machine(host: str) -> None:
    assert is_loopback(host)


@pytest.mark.parametrize("host", ["0.0.0.0", "10.0.0.1", "localhost.example.org", "::"])
def test_other_machines(host: str) -> None:
    assert not is_loopback(host)


def test_addresses_that_may_be_called() -> None:
    assert check_url("http://127.0.0.1:8501/", allow_plain=False) == "http://127.0.0.1:8501"
    assert check_url("https://master.example.org", allow_plain=False)
    assert check_url("http://master.example.org", allow_plain=True)


@pytest.mark.parametrize(
    "url",
    [
        "http://master.example.org",
        "ftp://127.0.0.1",
        "https://",
        "x",
        "https://user:secret@master.example.org",
        "https://master.example.org/admin",
        "https://master.example.org?x=1",
        "https://master.example.org/#x",
        "https://[::::1]",
        "https://`a`",
    ],
)
def test_addresses_that_may_not(url: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        check_url(url, allow_plain=False)
    assert "secret" not in caught.value.detail


@pytest.mark.parametrize(("soft", "wanted", "possible"), [(1024, 500, 256), (40_000, 500, 500)])
def test_calls_that_wait_leave_connections_to_others(
    monkeypatch: pytest.MonkeyPatch, soft: int, wanted: int, possible: int
) -> None:
    # As on a machine that lets no process have more files open than this.
    monkeypatch.setattr(resource, "getrlimit", lambda which: (soft, soft))
    monkeypatch.setattr(resource, "setrlimit", lambda which, limits: None)
    assert polls_within(wanted) == possible
    assert polls_within(-1) == 0


def test_a_process_may_have_as_many_files_as_its_calls_need(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    raised: list[tuple[int, int]] = []
    monkeypatch.setattr(resource, "getrlimit", lambda which: (256, 1_000_000))
    monkeypatch.setattr(resource, "setrlimit", lambda which, limits: raised.append(limits))
    assert polls_within(500) == 500
    assert raised == [(5000, 1_000_000)]
