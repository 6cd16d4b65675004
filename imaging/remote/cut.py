"""The end of a conversation that a server drags out."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress


@contextmanager
def cut_after(seconds: float, connection: Callable[[], socket.socket | None]) -> Iterator[None]:
    """Cuts a connection if the block has not ended after `seconds`.

    A connection's own timeout is for silence; one byte now and then, in the middle of a
    line, would keep whoever waits for its end for ever.
    """

    def cut() -> None:
        if (found := connection()) is not None:
            with suppress(OSError):
                # Not as TLS would: that state is in use by the thread that waits.
                socket.socket.shutdown(found, socket.SHUT_RDWR)

    timer = threading.Timer(seconds, cut)
    timer.daemon = True
    timer.start()
    try:
        yield
    finally:
        timer.cancel()
