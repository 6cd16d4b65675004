"""A server that behaves like the ISIC archive: searches in pages, files with ranges, limits."""

from __future__ import annotations

import json
import threading
from collections import Counter
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

PAGE = 3


@dataclass
class Archive:
    """What is in it, and how it misbehaves.

    Attributes:
        files: Bytes by the picture's name.
        results: What a search finds.
        breaks: How often the file of a picture breaks off in its middle.
        busy: How many of the next requests are answered "too many requests".
        asked: Requests, as `GET path range`.
    """

    files: dict[str, bytes] = field(default_factory=dict)
    results: list[dict[str, Any]] = field(default_factory=list)
    breaks: Counter[str] = field(default_factory=Counter)
    busy: int = 0
    next_page: str | None = None
    knows_ranges: bool = True
    asked: list[str] = field(default_factory=list)
    url: str = ""

    def add(self, name: str, data: bytes, diagnosis: str | None, **more: Any) -> dict[str, Any]:
        """A picture; `more` changes what is told of it."""
        self.files[name] = data
        result = {
            "isic_id": name,
            "copyright_license": "CC-BY",
            "attribution": "Clinic of the test",
            "public": True,
            "metadata": {
                "acquisition": {"image_type": "dermoscopic", "pixels_x": 40},
                "clinical": {"diagnosis_1": diagnosis, "age_approx": 45, "melanocytic": True},
            },
            "files": {"full": {"url": f"{self.url}/files/{name}.JPG?sig=1", "size": len(data)}},
        } | more
        self.results.append(result)
        return result

    def files_asked(self) -> list[str]:
        """The requests for files so far."""
        return [line for line in self.asked if "/files/" in line]


class ArchiveServer:
    """The server, on a free port of this machine."""

    def __init__(self) -> None:
        self.archive = Archive()
        archive = self.archive

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self) -> None:
                answer(self, archive)

            def log_message(self, *_: Any) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        archive.url = f"http://127.0.0.1:{self._server.server_port}"
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,))

    def __enter__(self) -> Archive:
        self._thread.start()
        return self.archive

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


def answer(handler: BaseHTTPRequestHandler, archive: Archive) -> None:
    """One request."""
    url = urlsplit(handler.path)
    span = handler.headers.get("Range", "")
    archive.asked.append(f"GET {url.path} {span}".strip())
    if archive.busy:
        archive.busy -= 1
        send(handler, 429, b"{}", {"Retry-After": "0"})
    elif url.path == "/api/v2/images/search/":
        send(handler, 200, json.dumps(page(archive, parse_qs(url.query))).encode())
    elif url.path.startswith("/api/v2/zip-download/license-file/"):
        send(handler, 200, f"Text of {url.path.split('/')[-2]}".encode())
    elif url.path.startswith("/files/"):
        send_file(handler, archive, url.path.split("/")[-1].split(".")[0], span)
    else:
        send(handler, 404, b"{}")


def page(archive: Archive, query: dict[str, list[str]]) -> dict[str, Any]:
    """A page of a search; the only word that it knows is a diagnosis."""
    word = query.get("query", [""])[0]
    found = [r for r in archive.results if word in json.dumps(r)]
    start = int(query.get("cursor", ["0"])[0])
    following = f"{archive.url}/api/v2/images/search/?cursor={start + PAGE}&query={word}"
    return {
        "count": len(found),
        "next": archive.next_page or (following if start + PAGE < len(found) else None),
        "previous": None,
        "results": found[start : start + PAGE],
    }


def send_file(handler: BaseHTTPRequestHandler, archive: Archive, name: str, span: str) -> None:
    """A file, from the byte that is asked for; half of it where it is to break off."""
    data = archive.files[name]
    start = int(span.removeprefix("bytes=").rstrip("-")) if span and archive.knows_ranges else 0
    status = 206 if start else 200
    rest = data[start:]
    if archive.breaks[name]:
        archive.breaks[name] -= 1
        send(handler, status, rest[: len(rest) // 2], {"Content-Length": str(len(rest))})
        handler.close_connection = True
        return
    send(handler, status, rest)


def send(
    handler: BaseHTTPRequestHandler, status: int, body: bytes, headers: dict[str, str] | None = None
) -> None:
    """An answer."""
    handler.send_response(status)
    for name, value in ({"Content-Length": str(len(body))} | (headers or {})).items():
        handler.send_header(name, value)
    handler.end_headers()
    handler.wfile.write(body)
