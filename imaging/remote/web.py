"""Files on an HTTP server, streamed from the byte that is asked for.

Not through fsspec's HTTP: it keeps an answer in memory whole before it looks at it, asks a
server that knows no ranges for the whole file again and again, and loses what had arrived
when a connection breaks. No redirect is followed, for a site may have been told which
servers it may talk to, and no login is sent when reading.
"""

from __future__ import annotations

import re
import ssl
from base64 import b64encode
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from http.client import HTTPConnection, HTTPException, HTTPResponse, HTTPSConnection
from pathlib import Path
from typing import IO
from urllib.parse import SplitResult, unquote, urlsplit
from urllib.request import getproxies, proxy_bypass

import certifi

from imaging.errors import BatchServerRefused, ImagingError, NoSuchBatch
from imaging.remote.address import Address
from imaging.remote.cut import cut_after
from imaging.remote.faults import asks_for_login, away, said
from imaging.remote.login import Login
from imaging.remote.patience import TimeLimits
from imaging.remote.stream import PIECE, Stream

_PORTS = {"http": 80, "https": 443}
_LATER = (408, 425, 429)
_MISSING = (404, 410)
_LOGIN = (401, 403, 407)
_NEVER = (501, 505)


@contextmanager
def read(
    address: Address, name: str, start: int, limits: TimeLimits, login: Login | None
) -> Iterator[Stream]:
    """See `imaging.remote.folder.read`."""
    # Packed, the bytes would not be those that were counted and hashed.
    headers = {"Accept-Encoding": "identity", **_authorization("", login)}
    if start:
        headers["Range"] = f"bytes={start}-"
    with _answer("GET", address, name, headers, limits) as response:
        yield Stream(_begins(response, start), _pieces(response))


def write(address: Address, name: str, file: Path, limits: TimeLimits, login: Login | None) -> None:
    """See `imaging.remote.folder.write`; a `PUT`."""
    headers = {"Content-Length": str(file.stat().st_size), **_authorization("", login)}
    with file.open("rb") as body, _answer("PUT", address, name, headers, limits, body):
        pass


@contextmanager
def _answer(
    method: str,
    address: Address,
    name: str,
    headers: dict[str, str],
    limits: TimeLimits,
    body: IO[bytes] | None = None,
) -> Iterator[HTTPResponse]:
    with _told():
        connection, target = _connection(address, limits)
    try:
        with _told(), cut_after(limits.seconds_left, lambda: connection.sock):
            connection.connect()
        # The connection forgets it once it knows that the server will close it.
        sock = connection.sock
        with cut_after(limits.seconds_left, lambda: sock):
            with _told():
                # Who does not want a body may say so before it has come.
                with suppress(BrokenPipeError):
                    connection.request(method, f"{target}/{name}", body, headers)
                response = connection.getresponse()
            # The connection closes only an answer after which it would stay open.
            with response:
                _check(response)
                yield response
    finally:
        connection.close()


def _connection(address: Address, limits: TimeLimits) -> tuple[HTTPConnection, str]:
    """A connection, not yet open, and the folder as a request names it."""
    url, proxy = urlsplit(address.url), _proxy(address)
    server, timeout = (proxy or url).hostname or "", limits.silence_seconds
    # Named always: of an IPv6 address alone, the end would be taken for a port.
    own_port = address.port or _PORTS[address.scheme]
    port = (proxy.port or _PORTS["http"]) if proxy else own_port
    if url.scheme == "http":
        target = address.url if proxy else url.path
        return HTTPConnection(server, port, timeout=timeout), target
    secure = HTTPSConnection(server, port, timeout=timeout, context=_tls())
    if proxy:
        secure.set_tunnel(address.host, own_port, _authorization("Proxy-", _login(proxy)))
    return secure, url.path


def _tls() -> ssl.SSLContext:
    """Trusts whom this machine trusts, and whom browsers do, where the machine has no list."""
    context = ssl.create_default_context()
    context.load_verify_locations(certifi.where())
    return context


def _proxy(address: Address) -> SplitResult | None:
    """The proxy of the environment, as other programs take it."""
    named = getproxies().get(address.scheme)
    if not named or proxy_bypass(urlsplit(address.url).netloc):
        return None
    return urlsplit(named if "://" in named else f"http://{named}")


def _login(proxy: SplitResult) -> Login | None:
    if not proxy.username:
        return None
    return Login(unquote(proxy.username), unquote(proxy.password or ""))


def _authorization(kind: str, login: Login | None) -> dict[str, str]:
    if login is None:
        return {}
    encoded = b64encode(f"{login.name}:{login.password}".encode()).decode()
    return {f"{kind}Authorization": f"Basic {encoded}"}


def _check(response: HTTPResponse) -> None:
    if response.status < 300:
        return
    told = f"status {response.status} {response.getheader('Location') or response.reason}"
    raise _refusal(response.status, " ".join(told.split()))


def _refusal(status: int, received: str) -> ImagingError:
    if status in _LATER or (status >= 500 and status not in _NEVER):
        return away(received)
    if status in _MISSING:
        return NoSuchBatch("The batch server has no such file", received=received)
    if status in _LOGIN:
        return asks_for_login(received)
    return BatchServerRefused(
        "The batch server refuses the transfer", expected="the file itself", received=received
    )


def _begins(response: HTTPResponse, start: int) -> int:
    if response.status != 206:
        return 0
    span = re.match(r"bytes (\d+)-", response.getheader("Content-Range", ""))
    if span and int(span[1]) == start:
        return start
    raise BatchServerRefused(
        "The batch server sends another part of the file than was asked for",
        expected=f"bytes {start}-",
        received=response.getheader("Content-Range"),
    )


def _pieces(response: HTTPResponse) -> Iterator[bytes]:
    while True:
        with _told():
            # What one packet brought: nothing that has arrived is lost when the next does not.
            piece = response.read1(PIECE)
        if not piece and response.length:
            raise away(f"an end {response.length} bytes too early")
        if not piece:
            return
        yield piece


@contextmanager
def _told() -> Iterator[None]:
    """Raises what goes wrong as one of our errors."""
    try:
        yield
    except (HTTPException, OSError, ValueError) as error:
        raise away(said(error)) from error
