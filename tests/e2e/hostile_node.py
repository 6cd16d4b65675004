"""A node that keeps to the protocol until it has a task, and then sends whatever it likes."""

import json
import queue
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import requests
from safetensors.numpy import load, save

CONTENT_TYPE = "application/x-safetensors"
PUSH_TOKEN = "a-push-token-of-our-own-choosing"


class HostileNode:
    """Enrols as a push node, takes every task, and trains nothing.

    Args:
        master: An operator's client.
        name: The node's name.
    """

    def __init__(self, master, name):
        self.tasks = queue.Queue()
        self.api = f"{master.url}/api/v1"
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(self.tasks))
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        self.session = requests.Session()
        self.session.trust_env = False
        answer = self.session.post(
            f"{self.api}/nodes",
            json={
                "join_token": master.join_token(approve=True),
                "name": name,
                "url": f"http://127.0.0.1:{self._server.server_port}",
                "push_token": PUSH_TOKEN,
            },
            timeout=30,
        ).json()
        self.id = answer["node_id"]
        self.session.headers["Authorization"] = f"Bearer {answer['token']}"

    def announce(self, study, counts):
        """Says how many pictures it has, as a heartbeat does."""
        document = {"studies": {study: {"counts": counts, "new_labelled": 0}}}
        response = self.session.post(
            f"{self.api}/nodes/{self.id}/heartbeat", json=document, timeout=30
        )
        response.raise_for_status()

    def next_task(self):
        """The task that the master handed over."""
        return self.tasks.get(timeout=60)

    def base(self, task):
        """The tensors that a task starts from."""
        response = self.session.get(f"{self.api}/weights/{task['weights']}", timeout=30)
        response.raise_for_status()
        return load(response.content)

    def send(self, task_id, body, **headers):
        """Delivers bytes as the update of a task."""
        return self.session.put(
            f"{self.api}/tasks/{task_id}/update",
            data=body,
            headers={"Content-Type": CONTENT_TYPE} | headers,
            timeout=60,
        )

    def close(self):
        """Ends the server."""
        self._server.shutdown()
        self._server.server_close()
        self.session.close()


def update(task, tensors, /, **changes):
    """An update's bytes, written by hand: what is wrong in it is meant to be."""
    document = {
        "format": 1,
        "task": task["id"],
        "kind": "weights",
        "base": task["weights"],
        "encoding": "float32",
        "num_examples": 12,
        "num_steps": 2,
        "metrics": {"loss": 0.5, "accuracy": 0.75},
        "hyperparameters": {"epochs": 1},
    } | changes
    return save(tensors, metadata={"commonsight": json.dumps(document, sort_keys=True)})


def _handler(tasks):
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_PUT(self):
            self._answer(200, {"missing_blob": False})

        def do_POST(self):
            tasks.put(self._answer(202, {}))

        def do_DELETE(self):
            self._answer(200, {})

        def _answer(self, status, document):
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            data = json.dumps(document).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)
            is_json = self.headers.get("Content-Type", "").startswith("application/json")
            return json.loads(body) if is_json and body else None

        def log_message(self, *_):
            pass

    return Handler
