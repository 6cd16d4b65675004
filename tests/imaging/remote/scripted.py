"""A server on loopback that says what a test wants it to say."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

Script = Callable[[socket.socket, threading.Event], None]
"""Talks on one connection; the event tells that the test is over."""


@contextmanager
def scripted_server(script: Script) -> Iterator[int]:
    """The port of a server that follows `script` on every connection, until the block ends."""
    stopping = threading.Event()
    listener = socket.create_server(("127.0.0.1", 0))
    threads = list[threading.Thread]()

    def follow(connection: socket.socket) -> None:
        # A client that goes away in the middle is what is tested.
        with connection, suppress(OSError):
            script(connection, stopping)

    def accept() -> None:
        with suppress(OSError):
            while True:
                connection, _ = listener.accept()
                threads.append(threading.Thread(target=follow, args=(connection,), daemon=True))
                threads[-1].start()

    accepting = threading.Thread(target=accept, daemon=True)
    accepting.start()
    try:
        yield listener.getsockname()[1]
    finally:
        stopping.set()
        # Closing alone would not wake whoever accepts.
        with suppress(OSError):
            listener.shutdown(socket.SHUT_RDWR)
        listener.close()
        for thread in (accepting, *threads):
            thread.join()
