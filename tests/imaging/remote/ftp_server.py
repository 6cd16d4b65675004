"""A real FTP server on loopback."""

from __future__ import annotations

import logging
import threading
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

with warnings.catch_warnings():
    # It stands on asyncore, which Python 3.11 calls deprecated.
    warnings.simplefilter("ignore", DeprecationWarning)
    from pyftpdlib.authorizers import DummyAuthorizer
    from pyftpdlib.handlers import DTPHandler, FTPHandler
    from pyftpdlib.ioloop import IOLoop
    from pyftpdlib.servers import FTPServer


@dataclass
class FtpServer:
    """A server that runs.

    Attributes:
        url: Its address.
        said: What clients said to it, in order.
    """

    url: str
    said: list[str] = field(default_factory=list)


@contextmanager
def ftp_server(
    folder: Path,
    *,
    anonymous: bool = True,
    writer: tuple[str, str] | None = None,
    breaks: tuple[int, ...] = (),
    without: tuple[str, ...] = (),
) -> Iterator[FtpServer]:
    """Serves `folder` until the block ends.

    Args:
        folder: What is served.
        anonymous: Whether anyone may read.
        writer: Name and password of somebody who may write.
        breaks: Bytes after which the next transfers break off; those behind are whole.
        without: Commands that the server does not know.
    """
    authorizer = DummyAuthorizer()
    if anonymous:
        authorizer.add_anonymous(str(folder))
    if writer:
        authorizer.add_user(*writer, str(folder), perm="elradfmw")
    served, loop = FtpServer(""), IOLoop()
    behaviour = {
        "authorizer": authorizer,
        "served": served,
        "use_sendfile": False,
        "dtp_handler": type("Transfer", (_Transfer,), {"breaks": list(breaks)}),
        "proto_cmds": {n: c for n, c in FTPHandler.proto_cmds.items() if n not in without},
    }
    server = FTPServer(("127.0.0.1", 0), type("Handler", (_Handler,), behaviour), ioloop=loop)
    served.url = f"ftp://127.0.0.1:{server.address[1]}"
    ending = threading.Event()
    thread = threading.Thread(target=_serve, args=(server, ending), daemon=True)
    thread.start()
    try:
        yield served
    finally:
        ending.set()
        thread.join()


class _Handler(FTPHandler):
    served: FtpServer
    auth_failed_timeout = 0

    def pre_process_command(self, line: str, cmd: str, arg: str) -> None:
        self.served.said.append(line)
        super().pre_process_command(line, cmd, arg)

    def log(self, *_: Any, **__: Any) -> None:
        pass


class _Transfer(DTPHandler):
    breaks: list[int]

    def send(self, data: bytes) -> int:
        if self.breaks and self.tot_bytes_sent >= self.breaks[0]:
            self.breaks.pop(0)
            self._resp = ("426 Connection closed.", logging.debug)
            self.close()
            return 0
        return super().send(data)


def _serve(server: FTPServer, ending: threading.Event) -> None:
    while not ending.is_set():
        server.ioloop.loop(timeout=0.01, blocking=False)
    server.close_all()
