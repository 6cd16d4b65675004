"""A server where the master would stand: it writes down all that comes, and answers as told."""

import hashlib
import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from tests.in_thread import serving


@dataclass(frozen=True)
class Call:
    """One call as it came."""

    method: str
    path: str
    headers: dict[str, str]
    body: bytes

    @property
    def json(self):
        return json.loads(self.body)


@dataclass
class RecordingMaster:
    """What came, and what is answered: a status and a document, by the path's last word."""

    url: str = ""
    calls: list[Call] = field(default_factory=list)
    answers: dict[str, tuple[int, dict]] = field(default_factory=dict)
    arrived: threading.Condition = field(default_factory=threading.Condition)

    def wait_for(self, word: str, count: int = 1, timeout: float = 60) -> Call:
        """The `count`-th call whose path ends with `word`, once it has come."""

        def found() -> list[Call]:
            return [call for call in self.calls if call.path.endswith(word)]

        with self.arrived:
            assert self.arrived.wait_for(lambda: len(found()) >= count, timeout), (
                f"no {word}: {[call.path for call in self.calls]}"
            )
            return found()[count - 1]

    def paths(self) -> list[str]:
        return [call.path.removeprefix("/api/v1") for call in self.calls]

    def answer(self, call: Call) -> tuple[int, dict]:
        word = call.path.rsplit("/", 1)[-1]
        if word in self.answers:
            return self.answers[word]
        digest = hashlib.sha256(call.body).hexdigest()
        return {
            "nodes": (201, {"node_id": "node-7", "token": "node-token", "state": "pending"}),
            "heartbeat": (200, {"state": "active", "interval_seconds": 60}),
            "update": (200, {"state": "submitted", "sha256": digest}),
        }.get(word, (200, {}))


@contextmanager
def recording_master() -> Iterator[RecordingMaster]:
    """A recording master on a free port."""
    master = RecordingMaster()
    server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(lambda: master))
    server.daemon_threads = True
    master.url = f"http://127.0.0.1:{server.server_port}"
    with serving(server):
        yield master


def _handler(master: Callable[[], RecordingMaster]) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True
        timeout = 5

        def log_message(self, *_: object) -> None:
            pass

        def handle_call(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            call = Call(self.command, self.path, dict(self.headers), body)
            status, document = master().answer(call)
            data = json.dumps(document).encode()
            with master().arrived:
                master().calls.append(call)
                master().arrived.notify_all()
            self.send_response(status)
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

        do_GET = do_POST = do_PUT = handle_call

    return Handler
