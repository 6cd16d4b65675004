"""A small browser for tests: asks an ASGI app, and keeps its cookies."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field
from http.cookies import SimpleCookie
from typing import Any

from starlette.datastructures import Headers
from starlette.types import ASGIApp


@dataclass(frozen=True)
class Answer:
    status: int
    headers: Headers
    text: str


@dataclass
class Browser:
    app: ASGIApp
    cookies: dict[str, str] = field(default_factory=dict)

    def ask(self, path: str, method: str = "GET", **headers: str) -> Answer:
        sent = self._sent(self._scope("http", path, headers) | {"method": method})
        start = Headers(raw=sent[0]["headers"])
        for line in start.getlist("set-cookie"):
            self.cookies |= {name: one.value for name, one in SimpleCookie(line).items()}
        return Answer(sent[0]["status"], start, b"".join(m["body"] for m in sent[1:]).decode())

    def talks(self, path: str = "/_stcore/stream") -> bool:
        """Whether a websocket is accepted."""
        sent = self._sent(self._scope("websocket", path, {}))
        return sent[0]["type"] == "websocket.accept"

    def _sent(self, scope: dict[str, Any]) -> list[Any]:
        kind = {"http": "http.request", "websocket": "websocket.connect"}[scope["type"]]
        sent: list[Any] = []

        async def receive() -> dict[str, Any]:
            return {"type": kind, "body": b"", "more_body": False}

        async def send(message: Any) -> None:
            sent.append(message)

        asyncio.run(self.app(scope, receive, send))
        return sent

    def _scope(self, kind: str, path: str, headers: Mapping[str, str]) -> dict[str, Any]:
        place, _, query = path.partition("?")
        cookie = "; ".join(f"{name}={value}" for name, value in self.cookies.items())
        given = {"host": "127.0.0.1:1", "cookie": cookie} | dict(headers)
        return {
            "type": kind,
            "scheme": "http",
            "path": place,
            "query_string": query.encode(),
            "headers": [
                (name.replace("_", "-").lower().encode(), value.encode())
                for name, value in given.items()
                if value
            ],
        }
