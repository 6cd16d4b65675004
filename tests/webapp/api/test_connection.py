"""The web app's HTTP against a real server on loopback."""

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
import requests
from pydantic import BaseModel, ConfigDict

from tests.in_thread import serving
from tests.webapp.scripted import ScriptedServers, ok
from webapp.api import ApiError, Connection
from webapp.api.connection import KEPT_ANSWERS, parse


@dataclass
class Server:
    """A real HTTP server that counts; its answers are set by the test."""

    url: str = ""
    answer: tuple[int, bytes] = (200, b"{}")
    seen: list[tuple[str, str, str]] = field(default_factory=list)
    headers: dict[str, str] = field(default_factory=dict)


@dataclass
class Clock:
    seconds: float = 100.0

    def __call__(self) -> float:
        return self.seconds


@pytest.fixture
def server() -> Iterator[Server]:
    facts = Server()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.rfile.read(int(self.headers.get("Content-Length", 0)))
            facts.seen.append((self.command, self.path, self.headers["Authorization"]))
            status, body = facts.answer
            self.send_response(status)
            for name, value in facts.headers.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        do_POST = do_GET

        def log_message(self, *_: object) -> None:
            """Quiet."""

    running = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    facts.url = f"http://127.0.0.1:{running.server_address[1]}"
    with serving(running):
        yield facts


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def connection(server: Server, clock: Clock) -> Iterator[Connection]:
    with requests.Session() as session:
        yield Connection(server.url + "/", "my-token", session, clock)


def test_a_call_names_the_path_and_shows_the_token(connection: Connection, server: Server) -> None:
    server.answer = (200, b'{"nodes": []}')
    assert connection.get("nodes", {"after": 3, "label": None}) == b'{"nodes": []}'
    assert server.seen == [("GET", "/api/v1/nodes?after=3", "Bearer my-token")]


def test_ten_viewers_cost_one_request_until_the_answer_is_old(
    connection: Connection, server: Server, clock: Clock
) -> None:
    for _ in range(10):
        connection.get("runs", keep_seconds=1.0)
    assert len(server.seen) == 1
    clock.seconds += 1.5
    connection.get("runs", keep_seconds=1.0)
    assert len(server.seen) == 2


def test_other_parameters_are_another_question(connection: Connection, server: Server) -> None:
    connection.get("rounds", {"round": 1})
    connection.get("rounds", {"round": 2})
    assert [path for _, path, _ in server.seen] == [
        "/api/v1/rounds?round=1",
        "/api/v1/rounds?round=2",
    ]


def test_whoever_changes_something_sees_it_at_once(connection: Connection, server: Server) -> None:
    connection.get("runs", keep_seconds=60)
    connection.change("POST", "runs", json={})
    connection.get("runs", keep_seconds=60)
    assert [method for method, _, _ in server.seen] == ["GET", "POST", "GET"]


def test_even_a_refused_change_drops_what_was_kept(connection: Connection, server: Server) -> None:
    connection.get("runs", keep_seconds=60)
    server.answer = (409, b'{"error": "conflict", "detail": "It runs already."}')
    with pytest.raises(ApiError):
        connection.change("POST", "runs", json={})
    server.answer = (200, b"new")
    assert connection.get("runs", keep_seconds=60) == b"new"


def test_only_so_many_answers_are_kept(connection: Connection, server: Server) -> None:
    for number in range(KEPT_ANSWERS + 1):
        connection.get(f"images/{number}", keep_seconds=60)
    connection.get(f"images/{KEPT_ANSWERS}", keep_seconds=60)
    assert len(server.seen) == KEPT_ANSWERS + 1
    connection.get("images/0", keep_seconds=60)
    assert len(server.seen) == KEPT_ANSWERS + 2


def test_large_answers_are_kept_up_to_a_size_together(
    connection: Connection, server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("webapp.api.connection.KEPT_BYTES", 250)
    server.answer = (206, b"x" * 100)
    for number in (0, 1, 2, 2, 1):
        connection.part(f"weights/{number}", 0, 100)
    assert len(server.seen) == 3
    connection.part("weights/0", 0, 100)
    assert len(server.seen) == 4


def test_of_a_file_that_comes_whole_a_part_is_kept(
    connection: Connection, server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("webapp.api.connection.KEPT_BYTES", 50)
    server.answer = (200, bytes(range(100)))
    for _ in range(2):
        assert connection.part("weights/f", 10, 20) == bytes(range(10, 20))
    assert connection.part("weights/f", 90, 300) == bytes(range(90, 100))
    assert len(server.seen) == 2


def test_a_part_that_comes_alone_is_taken_as_it_is(connection: Connection, server: Server) -> None:
    server.answer = (206, bytes(range(10, 20)))
    assert connection.part("weights/f", 10, 20) == bytes(range(10, 20))


def test_a_refusal_keeps_the_servers_own_code_and_sentence(
    connection: Connection, server: Server
) -> None:
    refusal = {"error": "no_sites", "detail": "No site can take part. Expected one. Received 0."}
    server.answer = (409, json.dumps(refusal).encode())
    with pytest.raises(ApiError) as caught:
        connection.change("POST", "runs", json={})
    assert (caught.value.code, caught.value.status) == ("no_sites", 409)
    assert caught.value.detail == refusal["detail"]
    assert caught.value.body == refusal


def test_an_answer_that_is_no_json_is_told_without_its_content(
    connection: Connection, server: Server
) -> None:
    server.answer = (502, b"<html>proxy</html>")
    with pytest.raises(ApiError, match="status 502") as caught:
        connection.get("runs")
    assert "html" not in caught.value.detail


def test_the_token_never_follows_a_redirect(connection: Connection, server: Server) -> None:
    server.answer, server.headers = (302, b""), {"Location": "/elsewhere"}
    with pytest.raises(ApiError, match="status 302"):
        connection.get("runs")
    assert [path for _, path, _ in server.seen] == ["/api/v1/runs"]


def test_a_server_that_is_away_is_offline_and_its_address_is_not_told() -> None:
    with requests.Session() as session:
        away = Connection("http://127.0.0.1:1", "my-token", session, lambda: 0.0)
        with pytest.raises(ApiError) as caught:
            away.get("runs")
    assert (caught.value.code, caught.value.status) == ("offline", None)
    assert caught.value.detail == "The server cannot be reached."


class Number(BaseModel):
    value: int


def test_an_answer_of_another_form_is_told_by_its_fields() -> None:
    assert parse(Number, b'{"value": 3}').value == 3
    with pytest.raises(ApiError, match=r"not as agreed \(in value\)") as caught:
        parse(Number, b'{"value": "many"}')
    assert caught.value.code == "unexpected_answer"


def test_while_a_server_is_away_its_last_answer_stands_and_its_silence_is_told(
    clock: Clock,
) -> None:
    servers = ScriptedServers({"http://master.test": {"GET nodes": ok({"nodes": []})}})
    connection = Connection("http://master.test", "my-token", servers.session(), clock)
    answer = connection.get("nodes")
    assert connection.silent_seconds is None
    script = servers.scripts.pop("http://master.test")
    clock.seconds += 60
    assert connection.get("nodes") == answer
    clock.seconds += 42
    assert connection.silent_seconds == 42
    with pytest.raises(ApiError, match="cannot be reached"):
        connection.get("runs")
    servers.scripts["http://master.test"] = script
    connection.get("nodes")
    assert connection.silent_seconds is None


def test_a_refusal_is_never_covered_by_an_older_answer(
    connection: Connection, server: Server, clock: Clock
) -> None:
    connection.get("runs")
    clock.seconds += 60
    server.answer = (403, b'{"error": "not_allowed", "detail": "No longer."}')
    with pytest.raises(ApiError, match="No longer"):
        connection.get("runs")


class Agreed(BaseModel):
    model_config = ConfigDict(extra="forbid")
    value: int


def test_an_answer_of_another_version_says_which_is_older() -> None:
    with pytest.raises(ApiError, match="the web app is older than the server"):
        parse(Agreed, b'{"value": 3, "added_later": 1}')
    with pytest.raises(ApiError, match="the server is older than the web app"):
        parse(Agreed, b"{}")
