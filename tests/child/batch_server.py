"""Batches of small pictures, and an HTTP server that has them and can be told to misbehave."""

import hashlib
import re
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from federated.messages import AssignedBatch
from imaging.batch_index import INDEX, BatchIndex
from imaging.batches import Batch, PackedPicture
from imaging.packing import write_batches
from tests.child.conftest import picture
from tests.in_thread import serving

CLASSES = ("benign", "malignant")


def batches(count: int, train: int, validation: int, classes=CLASSES, start=0, size=(20, 16)):
    """Batches of noise: every third picture is of the last class, no picture comes twice."""
    for number in range(count):
        first = start + number * (train + validation)
        packed = [
            PackedPicture(picture(seed, size), classes[-1] if seed % 3 == 2 else classes[0])
            for seed in range(first, first + train + validation)
        ]
        yield Batch(tuple(classes), tuple(packed[:train]), tuple(packed[train:]))


@dataclass
class Batches:
    """A folder of batches."""

    folder: Path
    index: BatchIndex

    @property
    def sha256(self) -> str:
        """The index's hash."""
        return hashlib.sha256((self.folder / INDEX).read_bytes()).hexdigest()

    def assigned(self, number: int) -> AssignedBatch:
        entry = self.index.batches[number]
        return AssignedBatch(sha256=entry.sha256, bytes=entry.bytes)

    def file(self, number: int) -> Path:
        return self.folder / f"{self.index.batches[number].sha256}.safetensors"


def pack(folder: Path, count: int, train: int, validation: int, **more) -> Batches:
    """Makes a folder of batches."""
    return Batches(folder, write_batches(folder, batches(count, train, validation, **more)))


@dataclass
class BatchServer:
    """A server of a folder, which notes what it was asked.

    Attributes:
        url: Where it is.
        asked: The name and the byte to begin with, of each call.
        breaks: Bytes after which an answer breaks off; the first is for the next call, and so on.
        held: While it is not set, answers stop after half of their bytes.
    """

    folder: Path
    url: str = ""
    asked: list[tuple[str, int]] = field(default_factory=list)
    breaks: list[int] = field(default_factory=list)
    held: threading.Event = field(default_factory=threading.Event)
    arrived: threading.Condition = field(default_factory=threading.Condition)

    def names(self) -> list[str]:
        return [name for name, _ in self.asked]

    def wait_for(self, name: str, timeout: float = 60) -> None:
        """Waits until a file was asked for."""
        with self.arrived:
            assert self.arrived.wait_for(lambda: name in self.names(), timeout), self.asked


@contextmanager
def batch_server(folder: Path) -> Iterator[BatchServer]:
    """An HTTP server on a free port."""
    state = BatchServer(folder)
    state.held.set()
    server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(lambda: state))
    server.daemon_threads = True
    state.url = f"http://127.0.0.1:{server.server_port}/skin"
    with serving(server):
        try:
            yield state
        finally:
            state.held.set()


def _handler(state: Callable[[], BatchServer]) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        timeout = 5

        def log_message(self, *_: object) -> None:
            pass

        def do_GET(self) -> None:
            name = self.path.removeprefix("/skin/")
            start = int((re.findall(r"bytes=(\d+)-", self.headers.get("Range", "")) or ["0"])[0])
            breaks = state().breaks.pop(0) if state().breaks and name != INDEX else None
            with state().arrived:
                state().asked.append((name, start))
                state().arrived.notify_all()
            try:
                data = (state().folder / name).read_bytes()
            except FileNotFoundError:
                self.send_error(404)
                return
            self.send_response(206 if start else 200)
            if start:
                self.send_header("Content-Range", f"bytes {start}-{len(data) - 1}/{len(data)}")
            self.send_header("Content-Length", str(len(data) - start))
            self.end_headers()
            rest = data[start:]
            if breaks is not None:
                self.wfile.write(rest[:breaks])
                return
            self.wfile.write(rest[: len(rest) // 2])
            state().held.wait(60)
            self.wfile.write(rest[len(rest) // 2 :])

    return Handler
