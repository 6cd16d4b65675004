"""Sessions whose calls end in time, whatever the other side does.

The time-out of a socket starts anew with every byte, so a server that drips `100 Continue` or
one header after the other holds its caller without end. Only breaking the connection off, from
another thread, ends such a call.
"""

from __future__ import annotations

import socket
import threading
import weakref
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any

import requests
from requests.adapters import HTTPAdapter
from urllib3 import HTTPConnectionPool, HTTPSConnectionPool
from urllib3.connection import HTTPConnection, HTTPSConnection

AGAIN_SECONDS = 1.0
"""A connection that is still being made cannot be broken off: it is tried again then."""


class BreakableSession(requests.Session):
    """A session for one thread at a time, whose calls another thread can break off."""

    def __init__(self) -> None:
        super().__init__()
        self._connections = _Connections()
        for scheme in ("http://", "https://"):
            self.mount(scheme, _Adapter(self._connections))

    def break_off(self) -> None:
        """Ends the call under way, from another thread; it fails as if the network had."""
        self._connections.break_off()

    @contextmanager
    def within(self, seconds: float) -> Iterator[None]:
        """Ends the calls made inside, answers read to their end included, after `seconds`.

        Raises:
            ReadTimeout: They took longer.
        """
        ended, late = threading.Event(), threading.Event()

        def watch() -> None:
            remaining = seconds
            while not ended.wait(remaining):
                late.set()
                self.break_off()
                remaining = AGAIN_SECONDS

        watching = threading.Thread(target=watch, name="call deadline", daemon=True)
        watching.start()
        try:
            yield
        except Exception as error:
            if late.is_set():
                raise requests.ReadTimeout("the call took too long") from error
            raise
        finally:
            ended.set()
            watching.join()
        if late.is_set():
            # An answer that was broken off can look like one that is whole.
            raise requests.ReadTimeout("the call took too long")


class _Connections:
    """Connections of one session that may be open."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._known: weakref.WeakSet[HTTPConnection] = weakref.WeakSet()

    def add(self, connection: HTTPConnection) -> None:
        with self._lock:
            self._known.add(connection)

    def break_off(self) -> None:
        with self._lock:
            known = list(self._known)
        for connection in known:
            if isinstance(connection.sock, socket.socket):
                with suppress(OSError):
                    # Not the method of a TLS socket, which a reading thread would trip over.
                    socket.socket.shutdown(connection.sock, socket.SHUT_RDWR)


class _Adapter(HTTPAdapter):
    def __init__(self, connections: _Connections) -> None:
        self._connections = connections
        super().__init__()

    def init_poolmanager(self, *arguments: Any, **settings: Any) -> None:
        super().init_poolmanager(*arguments, **settings)
        self.poolmanager.pool_classes_by_scheme = _pools(self._connections)


def _pools(connections: _Connections) -> dict[str, type[HTTPConnectionPool]]:
    """Pools whose connections are noted once they are made."""

    class Plain(HTTPConnection):
        def connect(self) -> None:
            super().connect()
            connections.add(self)

    class Secured(HTTPSConnection):
        def connect(self) -> None:
            super().connect()
            connections.add(self)

    class PlainPool(HTTPConnectionPool):
        ConnectionCls = Plain

    class SecuredPool(HTTPSConnectionPool):
        ConnectionCls = Secured

    return {"http": PlainPool, "https": SecuredPool}
