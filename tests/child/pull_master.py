"""A small master for children that pull: it speaks the contract, and breaks when told to."""

import hashlib
import json
import re
import threading
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from federated.messages import StudyPush, Task
from tests.child.recording_master import Call
from tests.in_thread import serving

OPEN = ("queued", "leased", "training")


@dataclass(frozen=True)
class Reply:
    """What is answered: JSON, or bytes; `cut` bytes of it are sent, then the line breaks."""

    status: int = 200
    document: object = None
    headers: dict[str, str] = field(default_factory=dict)
    data: bytes | None = None
    cut: int | None = None

    @property
    def body(self) -> bytes:
        if self.data is not None:
            return self.data
        return b"" if self.document is None else json.dumps(self.document).encode()


HANG_UP = Reply(cut=-1)
"""Nothing at all."""


@dataclass
class PullMaster:
    """Tasks, blobs and updates in memory.

    Attributes:
        hold: Seconds that a poll may wait here, whatever it asks for.
        faults: Replies instead of the right ones, by the route's name, in order; None lets
            the call through. A reply that is cut follows after the master has done its part.
    """

    url: str = ""
    hold: float = 0.0
    tasks: dict[str, Task] = field(default_factory=dict)
    states: dict[str, str] = field(default_factory=dict)
    blobs: dict[str, bytes] = field(default_factory=dict)
    updates: dict[str, bytes] = field(default_factory=dict)
    failures: dict[str, dict] = field(default_factory=dict)
    models: dict[str, StudyPush] = field(default_factory=dict)
    faults: dict[str, deque] = field(default_factory=dict)
    calls: list[Call] = field(default_factory=list)
    changed: threading.Condition = field(default_factory=threading.Condition)
    tokens: set[str] = field(default_factory=set)
    enrolled: int = 0
    polling: int = 0
    most_polling: int = 0

    def offer(self, task: Task) -> None:
        """Queues a task for whoever asks."""
        with self.changed:
            self.tasks[task.id] = task
            self.states[task.id] = "queued"
            self.changed.notify_all()

    def keep(self, blob: bytes) -> str:
        sha256 = hashlib.sha256(blob).hexdigest()
        self.blobs[sha256] = blob
        return sha256

    def forget(self) -> None:
        """Loses its memory of all nodes."""
        self.tokens.clear()

    def paths(self, *words: str) -> list[str]:
        """What was called, in order; only what has one of these words in it, if any."""
        paths = [f"{call.method} {call.path.removeprefix('/api/v1')}" for call in self.calls]
        return [path for path in paths if not words or any(word in path for word in words)]

    def wait_for(self, condition, timeout: float = 60) -> None:
        with self.changed:
            assert self.changed.wait_for(condition, timeout), self.paths()

    def answer(self, call: Call) -> Reply:
        """The right reply, or the fault that is due."""
        name, reply = self._route(call)
        with self.changed:
            self.calls.append(call)
            faults = self.faults.get(name) or deque()
            fault = faults.popleft() if faults else None
        if fault is None:
            right = reply()
        elif fault.cut is None:
            right = fault
        else:
            right = Reply(**{**vars(reply()), "cut": fault.cut})
        with self.changed:
            self.changed.notify_all()
        return right

    def _route(self, call: Call):
        path = call.path.removeprefix("/api/v1")
        if path == "/nodes":
            return "nodes", self._enrol
        if call.headers.get("Authorization", "").removeprefix("Bearer ") not in self.tokens:
            return "unknown", lambda: _refusal(401, "not_authenticated")
        routes = {
            r"/nodes/[^/]+/heartbeat": ("heartbeat", self._heartbeat),
            r"/tasks/next\?wait=(\d+)": ("poll", self._poll),
            r"/weights/(\w+)": ("weights", self._weights),
            r"/tasks/([^/]+)/progress": ("progress", self._progress),
            r"/tasks/([^/]+)/failure": ("failure", self._failure),
            r"/tasks/([^/]+)/update": ("update", self._update),
        }
        for pattern, (name, reply) in routes.items():
            if match := re.fullmatch(pattern, path):
                return name, partial(reply, call, *match.groups())
        return "unknown", lambda: _refusal(404, "not_found")

    def _enrol(self) -> Reply:
        self.enrolled += 1
        token = f"token-{self.enrolled}"
        self.tokens.add(token)
        node = {"node_id": f"node-{self.enrolled}", "token": token, "state": "active"}
        return Reply(201, node)

    def _heartbeat(self, call: Call) -> Reply:
        beat = call.json
        held = {study: held["weights"] for study, held in beat["studies"].items()}
        over = [name for name in beat["tasks"] if self.states.get(name) in (None, "cancelled")]
        models = [
            push.model_dump(mode="json")
            for push in self.models.values()
            if held.get(push.study.id) != push.weights
        ]
        answer = {"state": "active", "interval_seconds": 30, "cancelled": over}
        return Reply(document={**answer, "models": models})

    def _poll(self, _call: Call, wait: str) -> Reply:
        with self.changed:
            self.polling += 1
            self.most_polling = max(self.polling, self.most_polling)
            self.changed.wait_for(self._next, min(float(wait), self.hold))
            self.polling -= 1
            name = self._next()
        task = self.tasks.get(name or "")
        return Reply(204) if task is None else Reply(document=task.model_dump(mode="json"))

    def _next(self) -> str | None:
        return next((name for name, state in self.states.items() if state == "queued"), None)

    def _weights(self, call: Call, sha256: str) -> Reply:
        blob = self.blobs.get(sha256)
        if blob is None:
            return _refusal(404, "missing_blob")
        etag = f'"{sha256}"'
        match = re.fullmatch(r"bytes=(\d+)-", call.headers.get("Range", ""))
        if match is None or call.headers.get("If-Range") != etag:
            return Reply(headers={"ETag": etag}, data=blob)
        start = int(match[1])
        content_range = f"bytes {start}-{len(blob) - 1}/{len(blob)}"
        return Reply(206, headers={"Content-Range": content_range}, data=blob[start:])

    def _progress(self, call: Call, name: str) -> Reply:
        if name not in self.states:
            return _refusal(404, "not_found")
        if self.states[name] in OPEN:
            epoch = call.json["epoch"]
            self.states[name] = "training" if epoch else "leased"
        return Reply(document={"state": self.states[name]})

    def _failure(self, call: Call, name: str) -> Reply:
        if self.states.get(name) in OPEN:
            self.states[name] = "failed"
        self.failures[name] = call.json
        return Reply(document={"state": self.states.get(name, "failed")})

    def _update(self, call: Call, name: str) -> Reply:
        if name not in self.states:
            return _refusal(404, "not_found")
        if self.updates.setdefault(name, call.body) != call.body:
            return _refusal(409, "conflict")
        if self.states[name] in OPEN:
            self.states[name] = "submitted"
        sha256 = hashlib.sha256(call.body).hexdigest()
        return Reply(document={"state": self.states[name], "sha256": sha256})


def _refusal(status: int, code: str) -> Reply:
    return Reply(status, {"error": code, "detail": f"This is {code}."})


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, *_: object) -> None:
        """A child that is killed hangs up; that is no news."""


@contextmanager
def pull_master() -> Iterator[PullMaster]:
    """A master on a free port."""
    master = PullMaster()
    server = _Server(("127.0.0.1", 0), _handler(master))
    master.url = f"http://127.0.0.1:{server.server_port}"
    with serving(server):
        yield master


def _handler(master: PullMaster) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True
        timeout = 10

        def log_message(self, *_: object) -> None:
            pass

        def handle_call(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            reply = master.answer(Call(self.command, self.path, dict(self.headers), body))
            if reply.cut == -1:
                self.close_connection = True
                return
            self.send_response(reply.status)
            for name, value in reply.headers.items():
                self.send_header(name, value)
            if reply.status != 204:
                self.send_header("Content-Length", str(len(reply.body)))
            self.end_headers()
            self.wfile.write(reply.body[: reply.cut])
            if reply.cut is not None:
                self.close_connection = True

        do_GET = do_POST = do_PUT = handle_call

    return Handler
