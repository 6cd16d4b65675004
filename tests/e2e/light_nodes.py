"""Nodes without a model or a picture, that speak the whole protocol over real HTTP.

Their weights and messages are written by hand, not by the code under test. They outlive the
master: a call that does not go through is made again until it is answered.
"""

import contextlib
import json
import queue
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import numpy as np
import requests
from safetensors.numpy import load

from tests.e2e.hostile_node import CONTENT_TYPE, PUSH_TOKEN, update

BEAT_SECONDS = 0.5
AGAIN_SECONDS = 0.2
WAIT_SECONDS = 5


class Stopped(Exception):
    """The node has been told to end."""


class Over(Exception):
    """The master no longer wants what the node is about to do."""


class LightNode:
    """A node that asks the master for work.

    Args:
        master: An operator's client.
        name: The node's name.
        study: The study's id.
        counts: How many pictures of each class it claims to hold; all train.
        work: What it does with a task: a function of the node and the task.
    """

    def __init__(self, master, name, study, counts, work):
        self.name, self.study, self.counts = name, study, counts
        self.answers = {}
        self._api = f"{master.url}/api/v1"
        self._work = work
        self._headers = {}
        self._held = None
        self._newest = 0
        self._tasks = set()
        self._over = set()
        self._news = threading.Condition()
        self._stopped = threading.Event()
        request = {"join_token": master.join_token(approve=True), "name": name}
        answer = self.call("POST", "/nodes", json=request | self._door()).json()
        self.id = answer["node_id"]
        self._headers = {"Authorization": f"Bearer {answer['token']}"}
        for loop in (self._beats, self._works):
            threading.Thread(target=loop, name=name, daemon=True).start()

    def call(self, method, path, **request):
        """One call, until there is an answer that is not the master's own trouble."""
        headers = self._headers | request.pop("headers", {})
        while not self._stopped.is_set():
            with contextlib.suppress(requests.RequestException), requests.Session() as session:
                session.trust_env = False
                url = self._api + path
                response = session.request(method, url, headers=headers, timeout=30, **request)
                if response.status_code < 500:
                    return response
            self._stopped.wait(AGAIN_SECONDS)
        raise Stopped

    def trained(self, task):
        """The weights that a task starts from, moved a little, by the task's own seed."""
        rng = np.random.default_rng(task["seed"])
        return {
            name: array + rng.normal(0, 0.01, array.shape).astype(array.dtype)
            for name, array in load(self.fetched(task["weights"])).items()
        }

    def fetched(self, sha256):
        """A blob's bytes; they are a node's only as long as it has work on them."""
        response = self.call("GET", f"/weights/{sha256}")
        if response.status_code == 404:
            raise Over
        response.raise_for_status()
        return response.content

    def deliver(self, task, tensors):
        """Sends an update, and keeps the answer."""
        own = {key: value for key, value in (task["hyperparameters"] or {}).items() if value}
        body = update(
            task,
            tensors,
            num_examples=sum(self.counts.values()),
            hyperparameters={"epochs": 1} | own,
        )
        path, headers = f"/tasks/{task['id']}/update", {"Content-Type": CONTENT_TYPE}
        response = self.call("PUT", path, data=body, headers=headers)
        self.answers[task["id"]] = (response.status_code, response.json())

    def wait_until_over(self, task):
        """Waits until the master no longer wants a task."""
        with self._news:
            while task["id"] not in self._over:
                self._news.wait(1)
                if self._stopped.is_set():
                    raise Stopped

    def wait_until_behind(self, task):
        """Asks until the master has a newer model than the one that a task starts from."""
        while self._newest <= task["base_round"] and task["id"] not in self._over:
            self._beat()

    def close(self):
        """Ends its threads."""
        self._stopped.set()

    def _door(self):
        """What it asks to join with, besides token and name: nothing, for nobody can call it."""
        return {}

    def _beats(self):
        with contextlib.suppress(Stopped):
            while not self._stopped.wait(BEAT_SECONDS):
                self._beat()

    def _beat(self):
        held = {"counts": self.counts, "new_labelled": 0, "weights": self._held}
        message = {"studies": {self.study: held}, "tasks": sorted(self._tasks)}
        answer = self.call("POST", f"/nodes/{self.id}/heartbeat", json=message).json()
        with contextlib.suppress(Over):
            for model in answer["models"]:
                self.fetched(model["weights"])
                self._held = model["weights"]
        with self._news:
            self._newest = max([self._newest, *(model["round"] for model in answer["models"])])
            self._over |= set(answer["cancelled"])
            self._news.notify_all()

    def _works(self):
        with contextlib.suppress(Stopped):
            while True:
                task = self._next_task()
                if task["id"] in self.answers:
                    continue
                self._tasks.add(task["id"])
                progress = {"epoch": 0, "epochs": 1, "num_examples": sum(self.counts.values())}
                self.call("POST", f"/tasks/{task['id']}/progress", json=progress)
                with contextlib.suppress(Over):
                    self._work(self, task)
                self._tasks.discard(task["id"])

    def _next_task(self):
        while True:
            response = self.call("GET", "/tasks/next", params={"wait": WAIT_SECONDS})
            if response.status_code == 200:
                return response.json()
            self._stopped.wait(float(response.headers.get("Retry-After", 0)))


class LightPushNode(LightNode):
    """A node that the master calls; takes what `LightNode` takes."""

    def __init__(self, *arguments):
        self._queue = queue.Queue()
        self._server = Door(("127.0.0.1", 0), _handler(self))
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        super().__init__(*arguments)

    def close(self):
        super().close()
        self._server.shutdown()
        self._server.server_close()

    def pushed(self, model):
        """The master tells which model to hold; returns the answer."""
        self._held = model["weights"]
        return 200, {"missing_blob": False}

    def handed(self, task):
        """The master hands a task over; returns the answer."""
        self._queue.put(task)
        return 202, {}

    def _door(self):
        port = self._server.server_port
        return {"url": f"http://127.0.0.1:{port}", "push_token": PUSH_TOKEN}

    def _next_task(self):
        while not self._stopped.is_set():
            with contextlib.suppress(queue.Empty):
                return self._queue.get(timeout=1)
        raise Stopped


def honest(node, task):
    """Answers at once."""
    node.deliver(task, node.trained(task))


def not_a_number(node, task):
    """Answers at once, with one value that is none."""
    tensors = node.trained(task)
    first = next(iter(tensors))
    tensors[first].flat[0] = np.nan
    node.deliver(task, tensors)


def outrun(node, task):
    """Answers when the others have gone on to a newer model."""
    tensors = node.trained(task)
    node.wait_until_behind(task)
    node.deliver(task, tensors)


def too_slow(node, task):
    """Answers when nobody waits for it any more."""
    tensors = node.trained(task)
    node.wait_until_over(task)
    node.deliver(task, tensors)


class Door(ThreadingHTTPServer):
    """Takes calls; that a caller dies in the middle of one is nothing to tell of."""

    def handle_error(self, request, client_address):
        if not isinstance(sys.exc_info()[1], ConnectionError):
            super().handle_error(request, client_address)


def _handler(node):
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_PUT(self):
            self._answer(node.pushed)

        def do_POST(self):
            self._answer(node.handed)

        def do_DELETE(self):
            self._answer(lambda _: (204, {}))

        def _answer(self, action):
            length = int(self.headers.get("Content-Length") or 0)
            body = self.rfile.read(length)
            if len(body) < length:
                raise ConnectionError("the caller is gone")
            assert self.headers["Authorization"] == f"Bearer {PUSH_TOKEN}"
            status, document = action(json.loads(body) if body else None)
            data = b"" if status == 204 else json.dumps(document).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

        def log_message(self, *_):
            pass

    return Handler
