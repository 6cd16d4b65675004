"""The language that Streamlit's own page says it is in, by which screen readers choose a voice."""

from __future__ import annotations

from dataclasses import dataclass

from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import HTTPConnection
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from webapp.gate.pages import preferred

SAID = b'<html lang="en"'
"""Of Streamlit's page, which is the same for everybody."""

ABOUT_THE_ENGLISH_ONE = (b"accept-encoding", b"if-none-match", b"if-modified-since", b"range")
"""Headers of a request that would have the page packed, in parts, or answered by the cache's."""


@dataclass(frozen=True)
class Spoken:
    """ASGI middleware: names the language of the address, else the browser's, in a page's HTML.

    Attributes:
        app: What lies behind.
    """

    app: ASGIApp

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handles one request; what is no page of another language passes as it is."""
        code = "en"
        if scope["type"] == "http" and "text/html" in Headers(scope=scope).get("accept", ""):
            code = preferred(HTTPConnection(scope))
        if code == "en":
            await self.app(scope, receive, send)
            return
        headers = [(k, v) for k, v in scope["headers"] if k not in ABOUT_THE_ENGLISH_ONE]
        # A server that sends files by their path would send this one unchanged.
        inner = {**scope, "headers": headers, "extensions": {}}
        # Codes have two letters each, so that the page stays as long as its headers say.
        said = SAID.replace(b"en", code.encode())
        is_page = False

        async def renamed(message: Message) -> None:
            nonlocal is_page
            if message["type"] == "http.response.start":
                answered = MutableHeaders(scope=message)
                is_page = answered.get("content-type", "").startswith("text/html")
                if is_page:
                    del answered["etag"], answered["last-modified"]
                    answered.add_vary_header("Accept-Language")
            elif is_page and SAID in message.get("body", b""):
                message = {**message, "body": message["body"].replace(SAID, said, 1)}
            await send(message)

        await self.app(inner, receive, renamed)
