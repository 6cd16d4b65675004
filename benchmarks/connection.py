"""A kept-alive HTTP connection for asyncio, as light as it can be.

Just enough of HTTP/1.1 for our own servers, whose answers all have a length: a library would
cost the measuring side several times as much.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import urlsplit

from federated.errors import FederationError

CALL_SECONDS = 90.0
"""A call that takes longer has failed; a poll that waits takes a third of it."""


@dataclass(frozen=True, slots=True)
class Answer:
    """A server's answer; the names of its headers are in lower case."""

    status: int
    headers: Mapping[str, str]
    body: bytes


class Connection:
    """Calls to one server, one after the other; connects when there is something to say.

    Args:
        url: Address of the server, `http://host:port`.
    """

    def __init__(self, url: str) -> None:
        parts = urlsplit(url)
        self._host, self._port = parts.hostname or "", parts.port or 80
        self._streams: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None

    async def call(
        self, method: str, path: str, headers: Mapping[str, str], body: bytes = b""
    ) -> Answer:
        """One call.

        Raises:
            FederationError: It did not go through.
        """
        lines = [f"{method} {path} HTTP/1.1", f"Host: {self._host}:{self._port}"]
        lines += [f"{name}: {value}" for name, value in headers.items()]
        lines += [f"Content-Length: {len(body)}", "", ""]
        message = "\r\n".join(lines).encode() + body
        try:
            async with asyncio.timeout(CALL_SECONDS):
                return await self._exchange(message)
        except (OSError, EOFError, TimeoutError) as error:
            self.close()
            raise FederationError(
                f"{method} {path} did not go through", received=type(error).__name__
            ) from error

    def close(self) -> None:
        """Ends the connection."""
        if self._streams is not None:
            self._streams[1].close()
            self._streams = None

    async def _exchange(self, message: bytes) -> Answer:
        while True:
            is_kept = self._streams is not None
            reader, writer = self._streams or await self._connect()
            try:
                writer.write(message)
                await writer.drain()
                status = await reader.readuntil(b"\r\n")
            except (OSError, EOFError):
                self.close()
                if is_kept:
                    # The server ends connections that were silent for long; that shows now.
                    continue
                raise
            return await self._answer(reader, int(status.split(b" ", 2)[1]))

    async def _connect(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        self._streams = await asyncio.open_connection(self._host, self._port)
        return self._streams

    async def _answer(self, reader: asyncio.StreamReader, status: int) -> Answer:
        headers: dict[str, str] = {}
        while (line := (await reader.readuntil(b"\r\n")).decode("latin-1").strip()) != "":
            name, _, value = line.partition(":")
            headers[name.lower()] = value.strip()
        body = await reader.readexactly(int(headers.get("content-length", 0)))
        if headers.get("connection", "").lower() == "close":
            self.close()
        return Answer(status, headers, body)
