"""Serving an application: waitress, signals, and no plain HTTP off this machine."""

from __future__ import annotations

import errno
import ipaddress
import re
import resource
import signal
import socket
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from types import FrameType
from typing import Any
from urllib.parse import SplitResult, urlsplit

from waitress import wasyncore
from waitress.server import create_server

from federated.errors import FederationError, InvalidInput
from federated.values import SERVER_URL
from serving.auth import VERIFY
from serving.body_gate import gated_channel
from serving.connections import Connections
from serving.dispatcher import Dispatcher

THREADS = 16
"""Calls that one server works on at the same time; the heavy work is in worker processes."""

CONNECTIONS = 1000
"""Connections held at most; strangers who never finish a request hold one for a minute each."""

CONNECTIONS_PER_POLL = 3
"""A node that waits has other connections besides: for heartbeats, progress, updates."""

PARTING_SECONDS = 2.0
"""Time for the answers that are under way when a server stops."""

STEP_SECONDS = 1.0
"""Longest time that a server looks at nothing but what happens."""

MAX_HEAD = 32 * 1024
"""Bytes of a request's head; each open connection may hold as many."""

MAX_BODY = 256 * 2**20
"""Bytes of a body, unless the server is told otherwise: above every update of our models."""

MEMORY_BODY = 512 * 1024
"""Bytes of a body that waits in memory, unless the server is told otherwise."""


class CannotListen(FederationError):
    """The address cannot be listened on."""

    code = "cannot_listen"


def is_loopback(host: str) -> bool:
    """Whether a host is this machine itself."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False


def address_of(host: str, port: int) -> str:
    """Where a server is reached from its own machine."""
    return f"http://{f'[{host}]' if ':' in host else host}:{port}"


def check_url(url: str, *, allow_plain: bool) -> str:
    """Refuses plain HTTP to another machine: tokens and weights would be open to read.

    Args:
        url: Base address of a server.
        allow_plain: Told by the operator, where something else protects the way.

    Returns:
        The address without a slash at its end.

    Raises:
        InvalidInput: It is no http(s) address, or plain HTTP that leaves this machine.
    """
    address = url.removesuffix("/")
    parts = _parts(address)
    if parts.scheme == "http" and not is_loopback(parts.hostname or "") and not allow_plain:
        raise InvalidInput(
            "Plain HTTP to another machine would show tokens and weights to the network",
            expected="https://, or --allow-plain-http where a proxy or a VPN protects the way",
            received=url,
        )
    return address


def _parts(address: str) -> SplitResult:
    """Scheme and host of an address that has nothing else but a port."""
    if re.fullmatch(SERVER_URL, address):
        try:
            return urlsplit(address)
        except ValueError:
            pass
    raise InvalidInput(
        "This is not a server's address",
        expected="https:// with host and port alone: no path, no question, no password",
        # An address may carry a password, which no log and no answer may show.
        received=repr(address.rpartition("@")[2]),
    )


class Server:
    """A waitress server with a lifetime.

    Args:
        app: The WSGI application; one of `create_app` says which tokens it knows, and nobody
            else sends it a large body.
        host: Address to listen on.
        port: Port to listen on; 0 takes a free one.
        behind_proxy: Whether a proxy in front ends TLS; needed off loopback.
        memory_body: Bytes up to which a body, or an answer, waits in memory; a larger one
            waits in a temporary file, which has no name and is gone with the call.
        max_body: Bytes that no body exceeds.
        polls: Calls beyond those that may wait for something to happen at the same time, each
            in a thread that sleeps meanwhile.

    Raises:
        InvalidInput: The host is not loopback and no proxy was announced.
        CannotListen: The port is taken or may not be used.
    """

    def __init__(
        self,
        app: Any,
        host: str,
        port: int,
        *,
        behind_proxy: bool = False,
        memory_body: int = MEMORY_BODY,
        max_body: int = MAX_BODY,
        polls: int = 0,
    ) -> None:
        if not is_loopback(host) and not behind_proxy:
            raise InvalidInput(
                "This server speaks plain HTTP and would be open to the network",
                expected="a loopback host, or --behind-proxy where a proxy ends TLS",
                received=host,
            )
        listening = _listen(host, port)
        self.port = int(listening.getsockname()[1])
        self.address = address_of(host, self.port)
        self._connections = Connections()
        self._closing_until: float | None = None
        self._ending = threading.Lock()
        self._ended = False
        self._server = create_server(
            app,
            map=self._connections,
            sockets=[listening],
            _dispatcher=Dispatcher(THREADS + polls),
            ident=None,
            clear_untrusted_proxy_headers=True,
            # Of silence between two calls: a call that is being answered may take any time.
            channel_timeout=60,
            connection_limit=_connections(polls),
            # Reading on while a call waits is how a server learns that its caller has gone.
            channel_request_lookahead=1 if polls else 0,
            max_request_header_size=MAX_HEAD,
            max_request_body_size=max_body + 1,
            inbuf_overflow=memory_body,
            outbuf_overflow=memory_body,
        )
        verify = getattr(app, "extensions", {}).get(VERIFY, lambda token: None)
        self._server.channel_class = gated_channel(
            lambda token: bool(token and verify(token)), self._connections
        )

    def run(self) -> None:
        """Answers calls until `close`."""
        while not self._is_over():
            self._connections.step(STEP_SECONDS)
        for channel in list(self._server.active_channels.values()):
            channel.handle_close()
        # Its threads pull the trigger, whose number must not be another file's by then.
        self._server.task_dispatcher.shutdown()
        with self._ending:
            self._ended = True
            self._connections.close()

    def start(self) -> threading.Thread:
        """Answers calls in a thread of its own."""
        thread = threading.Thread(target=self.run, name="http", daemon=True)
        thread.start()
        return thread

    def close(self) -> None:
        """Stops listening and lets `run` return; may be called from any thread.

        Calls that are being answered have a moment for it.
        """
        # The sockets belong to the thread that waits for them: it closes them itself.
        with self._ending:
            if not self._ended:
                self._server.trigger.pull_trigger(self._stop_listening)

    def _stop_listening(self) -> None:
        self._closing_until = time.monotonic() + PARTING_SECONDS
        # Its trigger stays: whoever still answers pulls it.
        wasyncore.dispatcher.close(self._server)

    def _is_over(self) -> bool:
        if self._closing_until is None:
            return False
        channels = list(self._server.active_channels.values())
        busy = any(channel.requests or channel.total_outbufs_len for channel in channels)
        return not busy or time.monotonic() >= self._closing_until


def polls_within(wanted: int) -> int:
    """Of so many calls that wait, those that leave half of the connections to other calls."""
    return max(0, min(wanted, _connections(wanted) // 2))


def _connections(polls: int) -> int:
    """Connections that leave half of the process's descriptors to files and databases."""
    wanted = CONNECTIONS + CONNECTIONS_PER_POLL * polls
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft != resource.RLIM_INFINITY and soft < 2 * wanted:
        more = 2 * wanted if hard == resource.RLIM_INFINITY else min(2 * wanted, hard)
        # A machine may grant less than it says; then fewer connections have to do.
        with suppress(OSError, ValueError):
            resource.setrlimit(resource.RLIMIT_NOFILE, (more, hard))
            soft = more
    return wanted if soft == resource.RLIM_INFINITY else min(wanted, soft // 2)


def _listen(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        return socket.create_server((host.strip("[]"), port), family=family)
    except OSError as error:
        taken = error.errno == errno.EADDRINUSE
        raise CannotListen(
            f"Port {port} on {host} cannot be listened on",
            expected="a free port; choose another with --port",
            received="it is taken" if taken else str(error.strerror),
        ) from None


def wait_for_signal(ready: Callable[[], None] = lambda: None) -> int:
    """Blocks until SIGINT, SIGTERM or SIGHUP; returns which.

    Args:
        ready: Called once a signal would be heard, and would no longer end the process.
    """
    received = threading.Event()
    numbers: list[int] = []

    def note(number: int, _frame: FrameType | None) -> None:
        numbers.append(number)
        received.set()

    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, note)
    ready()
    received.wait()
    return numbers[0]
