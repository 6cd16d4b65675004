"""A gate before the application: no stranger's large body is ever kept.

Waitress collects a whole body before it calls the application, which alone would ask for a
token. The gate asks on the request's head instead. A body that is refused is read and dropped,
so that its sender hears why instead of a broken connection.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from functools import partial
from typing import Any

from waitress.channel import HTTPChannel
from waitress.parser import HTTPRequestParser
from waitress.utilities import Error, RequestEntityTooLarge

from serving.connections import Connections

OPEN_BODY = 64 * 1024
"""Bytes of a body that may come without a token: a request to join is far smaller."""

Admits = Callable[[str], bool]
"""Whether a bearer token is one that the server knows."""


class Refusal(Error):  # type: ignore[misc,unused-ignore]
    """An answer of the gate, in the one JSON form of `serving.errors`."""

    def __init__(self, code: int, reason: str, error: str, detail: str) -> None:
        self.code = code
        self.reason = reason
        super().__init__(json.dumps({"error": error, "detail": detail}))

    def to_response(self, ident: str | None = None) -> tuple[str, list[tuple[str, str]], bytes]:
        """Status line, headers and body, as waitress asks for them."""
        headers = [("Content-Type", "application/json")]
        return f"{self.code} {self.reason}", headers, self.body.encode()


class Nowhere:
    """A buffer that keeps nothing but its length."""

    def __init__(self, length: int) -> None:
        self._length = length

    def __len__(self) -> int:
        return self._length

    def append(self, data: bytes) -> None:
        """Drops what came."""
        self._length += len(data)

    def close(self) -> None:
        """Has nothing to close."""


class GatedParser(HTTPRequestParser):  # type: ignore[misc,unused-ignore]
    """Reads one request, and decides on its head whether its body is kept.

    Args:
        admits: Whether a token is known; asked for bodies above `OPEN_BODY` alone.
        adj: Waitress's settings.
    """

    def __init__(self, admits: Admits, adj: Any) -> None:
        super().__init__(adj)
        self._admits = admits
        self._judged = False

    def received(self, data: bytes) -> int:
        """Takes bytes of the request; returns how many of them belong to it."""
        consumed = int(super().received(data))
        if isinstance(self.error, RequestEntityTooLarge):
            self._refuse(413, "Content Too Large", "too_large", self._too_large())
        elif self._large() and not self._judged:
            self._judged = True
            if not self._admitted():
                self._refuse(401, "Unauthorized", "not_authenticated", NO_TOKEN)
                self._drop_body()
        return consumed

    def _large(self) -> bool:
        # A chunked body does not announce its length.
        return bool(max(self.content_length, self.body_bytes_received) > OPEN_BODY)

    def _admitted(self) -> bool:
        header: str = self.headers.get("AUTHORIZATION", "")
        scheme, _, token = header.partition(" ")
        return scheme.lower() == "bearer" and self._admits(token.strip())

    def _too_large(self) -> str:
        most = self.adj.max_request_body_size - 1
        return f"The body is too large. Expected at most {most} bytes."

    def _refuse(self, code: int, reason: str, error: str, detail: str) -> None:
        self.error = Refusal(code, reason, error, detail)
        # Waitress would otherwise ask for the body that has just been refused.
        self.expect_continue = False

    def _drop_body(self) -> None:
        kept = self.body_rcv.buf
        self.body_rcv.buf = Nowhere(len(kept))
        kept.close()


NO_TOKEN = (
    "A body of this size needs a token that this server knows. "
    "Expected the header 'Authorization: Bearer <token>'."
)


def gated_channel(admits: Admits, connections: Connections) -> type[Any]:
    """Waitress's connection, with the gate in it; it tells when an answer is being written."""

    class GatedChannel(HTTPChannel):  # type: ignore[misc,unused-ignore]
        parser_class = staticmethod(partial(GatedParser, admits))

        def write_soon(self, data: Any) -> int:
            if (descriptor := self._fileno) is not None:
                connections.answering.add(descriptor)
            return int(super().write_soon(data))

    return GatedChannel
