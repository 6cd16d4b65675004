import json
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from engines.processes.client import Api, Child, Master
from engines.processes.errors import CallFailed
from tests.in_thread import serving

ANSWERS = {
    "/api/v1/join-tokens": (201, b'{"token": "join-me", "expires_at": 1}'),
    "/api/v1/refusing": (409, b'{"error": "no_sites", "detail": "No site can take part."}'),
    "/api/v1/broken": (502, b"<html>Bad gateway</html>"),
    "/api/v1/images": (
        422,
        json.dumps(
            {
                "error": "not_a_picture",
                "detail": "This is no picture.",
                "images": [{"status": "refused", "name": "a.jpg", "detail": "This is no picture."}],
            }
        ).encode(),
    ),
}


@pytest.fixture
def server():
    """A real HTTP server that answers from a table and keeps what it was sent."""
    received = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self):
            body = self.rfile.read(int(self.headers["Content-Length"]))
            received.append((self.path, dict(self.headers), body))
            status, answer = ANSWERS[self.path]
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(answer)))
            self.end_headers()
            self.wfile.write(answer)

        def log_message(self, *_):
            pass

    running = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    with serving(running):
        yield f"http://127.0.0.1:{running.server_port}", received


@pytest.fixture
def call(server):
    api = Api(server[0], "secret")
    yield api
    api.close()


def test_the_token_is_shown_with_every_call(server):
    master = Master(server[0], "secret")
    assert master.join_token(approve=True) == "join-me"
    master.close()
    _, headers, body = server[1][0]
    assert headers["Authorization"] == "Bearer secret"
    assert json.loads(body) == {"approve": True}


def test_a_refusal_keeps_the_servers_words(call):
    with pytest.raises(CallFailed, match="No site can take part") as error:
        call.post("/refusing", {})
    assert (error.value.status, error.value.code) == (409, "no_sites")


def test_an_error_page_is_reported_by_its_status(call):
    with pytest.raises(CallFailed, match="502"):
        call.post("/broken", {})


def test_a_server_that_is_away_is_named():
    api = Api("http://127.0.0.1:9", "secret")
    with pytest.raises(CallFailed, match=r"127\.0\.0\.1:9 does not answer") as error:
        api.get("/health")
    assert error.value.status is None
    api.close()


def test_an_upload_of_refused_files_only_still_says_what_became_of_each(server):
    child = Child(server[0], "secret")
    (view,) = child.add_pictures("skin", [("a.jpg", b"text")], "benign")
    child.close()
    assert (view.status, view.detail) == ("refused", "This is no picture.")
    body = server[1][0][2]
    assert b'name="group"' not in body
    assert b'name="file"; filename="a.jpg"' in body
    assert b'name="study"\r\n\r\nskin' in body
    assert b'name="label"\r\n\r\nbenign' in body


def test_each_file_may_have_the_word_of_its_group(server):
    child = Child(server[0], "secret")
    child.add_pictures("skin", [("a.jpg", b"1"), ("b.jpg", b"2")], None, ["lesion 1", "lesion 2"])
    child.close()
    body = server[1][-1][2]
    words = [part.split(b"\r\n")[2] for part in body.split(b'name="group"')[1:]]
    assert words == [b"lesion 1", b"lesion 2"]
