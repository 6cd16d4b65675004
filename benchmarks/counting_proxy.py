"""Stands before a server and counts the calls that it passes on."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import requests

DROPPED = {"connection", "transfer-encoding", "content-encoding", "content-length", "host"}
PATIENCE_SECONDS = 130.0


class Counts:
    """Calls and bytes of answers, by path."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self.calls: Counter[str] = Counter()
        self.nbytes = 0

    def note(self, path: str, nbytes: int) -> None:
        """A call was answered."""
        with self._lock:
            self.calls[path.split("?")[0]] += 1
            self.nbytes += nbytes

    def clear(self) -> None:
        """Begins anew."""
        with self._lock:
            self.calls.clear()
            self.nbytes = 0


@contextmanager
def counting_proxy(server: str, counts: Counts) -> Iterator[str]:
    """The address of a proxy before `server`, in threads of its own."""
    session = requests.Session()
    session.trust_env = False

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True

        def _pass_on(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            headers = {k: v for k, v in self.headers.items() if k.lower() not in DROPPED}
            answer = session.request(
                self.command,
                f"{server}{self.path}",
                headers=headers,
                data=body,
                timeout=PATIENCE_SECONDS,
                allow_redirects=False,
            )
            counts.note(self.path, len(answer.content))
            self.send_response(answer.status_code)
            for name, value in answer.headers.items():
                if name.lower() not in DROPPED:
                    self.send_header(name, value)
            self.send_header("Content-Length", str(len(answer.content)))
            self.end_headers()
            self.wfile.write(answer.content)

        do_GET = do_POST = do_PATCH = _pass_on

        def log_message(self, *_: object) -> None:
            """Nothing: the counts tell."""

    proxy = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    proxy.daemon_threads = True
    threading.Thread(target=proxy.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{proxy.server_port}"
    finally:
        proxy.shutdown()
        proxy.server_close()
