"""A real HTTP server on loopback, and the ways in which one can serve a folder."""

from __future__ import annotations

import re
import ssl
import threading
from base64 import b64encode
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from tests.in_thread import serving


@dataclass
class HttpServer:
    """A server that runs.

    Attributes:
        url: Its address.
        asked: File name and first byte of each request to read, in order.
        put: File name of each file that was put there, in order.
        stopping: Set when it ends; whoever keeps a client waiting waits for this.
    """

    url: str
    asked: list[tuple[str, int]] = field(default_factory=list)
    put: list[str] = field(default_factory=list)
    stopping: threading.Event = field(default_factory=threading.Event)


class Request(BaseHTTPRequestHandler):
    """One request, as the ways to serve see it."""

    protocol_version = "HTTP/1.1"
    close_connection = True
    served: HttpServer
    folder: Path
    way: Callable[[Request], None]
    writer: str | None

    @property
    def name(self) -> str:
        return self.path.rpartition("/")[2]

    @property
    def start(self) -> int:
        found = re.fullmatch(r"bytes=(\d+)-", self.headers.get("Range", ""))
        return int(found[1]) if found else 0

    def do_GET(self) -> None:
        self.served.asked.append((self.name, self.start))
        type(self).way(self)

    def do_HEAD(self) -> None:
        type(self).way(self)

    def do_PUT(self) -> None:
        data = self.rfile.read(int(self.headers["Content-Length"]))
        if self.writer is None:
            self.begin(501, content_length=0)
        elif self.headers.get("Authorization") != f"Basic {self.writer}":
            self.begin(401, content_length=0)
        else:
            self.served.put.append(self.name)
            (self.folder / self.name).write_bytes(data)
            self.begin(201, content_length=0)

    def content(self) -> bytes:
        return (self.folder / self.name).read_bytes()

    def begin(self, status: int, **headers: object) -> None:
        self.send_response(status)
        for name, value in {"connection": "close", **headers}.items():
            self.send_header(name.replace("_", "-"), str(value))
        self.end_headers()

    def log_message(self, *_: Any) -> None:
        pass


def whole(request: Request) -> None:
    """Knows no ranges: always the whole file."""
    if not (request.folder / request.name).is_file():
        request.begin(404, content_length=0)
        return
    data = request.content()
    request.begin(200, content_length=len(data))
    request.wfile.write(data)


def ranges(request: Request) -> None:
    """Serves a file from the byte that is asked for."""
    if not request.start or not (request.folder / request.name).is_file():
        whole(request)
        return
    data = request.content()
    if request.start >= len(data):
        request.begin(416, content_range=f"bytes */{len(data)}", content_length=0)
        return
    rest = data[request.start :]
    span = f"bytes {request.start}-{len(data) - 1}/{len(data)}"
    request.begin(206, content_range=span, content_length=len(rest))
    request.wfile.write(rest)


@contextmanager
def http_server(
    folder: Path,
    way: Callable[[Request], None] = ranges,
    writer: tuple[str, str] | None = None,
    certificate: Path | None = None,
) -> Iterator[HttpServer]:
    """Serves `folder` in that way until the block ends.

    Args:
        folder: What is served.
        way: How a request to read is answered.
        writer: Name and password of somebody who may put files there.
        certificate: A certificate with its key, for HTTPS.
    """
    served = HttpServer("")
    login = b64encode(":".join(writer).encode()).decode() if writer else None
    handler = type(
        "Handler", (Request,), {"served": served, "folder": folder, "way": way, "writer": login}
    )
    server = _Server(("127.0.0.1", 0), handler)
    if certificate is not None:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate)
        server.socket = context.wrap_socket(server.socket, server_side=True)
    scheme = "http" if certificate is None else "https"
    served.url = f"{scheme}://127.0.0.1:{server.server_port}/skin"
    with serving(server):
        try:
            yield served
        finally:
            served.stopping.set()


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, *_: Any) -> None:
        """A client that goes away in the middle is what is tested."""
