"""What stands before every request of the web app: nobody passes without having signed in."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from starlette.datastructures import MutableHeaders
from starlette.requests import HTTPConnection, Request
from starlette.responses import HTMLResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from webapp.gate.keys import SESSION_SECONDS, Keys
from webapp.gate.members import NOBODY, Members, user_of
from webapp.gate.pages import entered_page, left_page, not_signed_in_page, refused_page
from webapp.settings import Role, SettingsError

log = logging.getLogger(__name__)

HEALTH = "/_stcore/health"
ENTER = "/enter"
LEAVE = "/leave"
METRICS = "/_stcore/metrics"
CALLBACK = "/oauth2callback"
"""Where a provider sends the browser back to."""
MOST_LOGGED = 300
"""Characters."""
WITH_PICTURES = ("/media/", "/_stcore/upload_file/")

# Streamlit's own page begins with a script in its HTML, and styles itself as it goes.
POLICY = "; ".join(
    (
        "default-src 'self'",
        "script-src 'self' 'unsafe-inline'",
        "style-src 'self' 'unsafe-inline'",
        "img-src 'self' data: blob:",
        "media-src 'self' data: blob:",
        "font-src 'self' data:",
        "connect-src 'self'",
        "worker-src 'self' blob:",
        "object-src 'none'",
        "base-uri 'self'",
        "form-action 'self'",
        "frame-src 'none'",
        "frame-ancestors 'none'",
    )
)
HEADERS: Mapping[str, str] = {
    "Content-Security-Policy": POLICY,
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(self), geolocation=(), microphone=()",
}


@dataclass(frozen=True)
class Gate:
    """How one web app is entered.

    Attributes:
        role: Whom it serves.
        keys: One-time links; None where it stands open: the classroom, which has no secret.
        members: Who may enter through an identity provider instead.
    """

    role: Role
    keys: Keys | None
    members: Members = NOBODY


@dataclass(frozen=True)
class Wall:
    """ASGI middleware: answers strangers itself and lets the others through.

    Attributes:
        app: What lies behind.
        gate: Gives how the web app is entered; asked at each request, because the settings
            of a start on this computer are written after the web app is up.
    """

    app: ASGIApp
    gate: Callable[[], Gate]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handles one request, one websocket, or the server's own life."""
        if scope["type"] not in ("http", "websocket"):
            await self.app(scope, receive, send)
            return

        async def with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                _guard(MutableHeaders(scope=message), scope["path"])
            await send(message)

        answer = self._answer(scope)
        if answer is None and scope["type"] == "websocket":
            await self.app(scope, self._while_known(scope, receive), send)
        elif answer is None:
            await self.app(scope, receive, with_headers)
        elif scope["type"] == "websocket":
            await send({"type": "websocket.close", "code": 1008})
        else:
            await answer(scope, receive, with_headers)

    def _while_known(self, scope: Scope, receive: Receive) -> Receive:
        """What a websocket hears, until its browser has signed out or its user is no member.

        It may stay open for days, and a panel that draws itself anew does not ask again.
        """
        was_known = self._knows(scope)

        async def heard() -> Message:
            message = await receive()
            ends = message["type"] == "websocket.receive" and was_known and not self._knows(scope)
            return {"type": "websocket.disconnect", "code": 1008} if ends else message

        return heard

    def _knows(self, scope: Scope) -> bool:
        """Whether a browser's cookies are still good for anything."""
        cookies = HTTPConnection(scope).cookies
        try:
            gate = self.gate()
        except SettingsError:
            return False
        if gate.members:
            return gate.members.admits(user_of(cookies))
        return gate.keys is None or gate.keys.admits(cookies.get(gate.keys.cookie))

    def _answer(self, scope: Scope) -> Response | None:
        """What a stranger gets; None for who may pass."""
        path = scope["path"]
        if path == HEALTH and scope["type"] == "http":
            return None
        asking = HTTPConnection(scope)
        try:
            gate = self.gate()
        except SettingsError:
            # Not started yet, or not startable: the server's log and the health page tell.
            return _refused(asking, "demo", 503)
        if gate.members:
            return _for_members(asking, gate.members, path)
        if gate.keys is None:
            return None
        if scope["type"] == "http" and path in (ENTER, LEAVE):
            request = Request(scope)
            return _enter(request, gate) if path == ENTER else _leave(request, gate.keys)
        passed = gate.keys.admits(asking.cookies.get(gate.keys.cookie))
        return None if passed else _refused(asking, gate.role, 401)


def _for_members(asking: HTTPConnection, members: Members, path: str) -> Response | None:
    """Pages ask for the sign-in themselves; pictures and figures of use are kept here.

    Streamlit itself only asks once more where a provider signs nobody in.
    """
    if path.endswith(CALLBACK) and "error" in asking.query_params:
        said = asking.query_params
        told = f"{said['error']}: {said.get('error_description', '')}"
        # As Python writes it: a stranger's words begin no line of their own.
        log.warning("The identity provider signed nobody in: %s", repr(told[:MOST_LOGGED]))
        return HTMLResponse(not_signed_in_page(asking), status_code=403)
    if (_holds_pictures(path) or METRICS in path) and not members.admits(user_of(asking.cookies)):
        return Response(status_code=401)
    return None


def _enter(request: Request, gate: Gate) -> Response:
    """Uses a one-time link: the browser gets a cookie and goes on to the first page.

    It goes on by a page of ours: a cookie for this site alone does not travel with what another
    site's link is redirected to.
    """
    keys = gate.keys
    # A browser that guesses where its user will go next, or a mail program that looks what a
    # link is, must not use it up.
    looks = request.method != "GET" or "prefetch" in request.headers.get("sec-purpose", "")
    session = None if looks or keys is None else keys.enter(request.query_params.get("key", ""))
    if session is None or keys is None:
        return _refused(request, gate.role, 403, used=True)
    answer = HTMLResponse(entered_page(request))
    answer.set_cookie(
        keys.cookie,
        session,
        max_age=int(SESSION_SECONDS),
        httponly=True,
        samesite="strict",
        secure=_is_secure(request),
    )
    return answer


def _leave(request: Request, keys: Keys) -> Response:
    answer = HTMLResponse(left_page(request))
    session = request.cookies.get(keys.cookie)
    # Without it the request may be another site's, which is to sign nobody out.
    if session:
        keys.leave(session)
        answer.delete_cookie(keys.cookie, httponly=True, samesite="strict")
    return answer


def _refused(asking: HTTPConnection, role: Role, status: int, *, used: bool = False) -> Response:
    return HTMLResponse(refused_page(asking, role, used=used), status_code=status)


def _is_secure(request: Request) -> bool:
    """Whether the browser came by TLS, here or at a proxy before us."""
    # Of several proxies, the one that the browser met stands first.
    forwarded = request.headers.get("x-forwarded-proto", "").split(",")[0].strip().lower()
    return "https" in (request.url.scheme, forwarded)


def _holds_pictures(path: str) -> bool:
    """Wherever Streamlit's `server.baseUrlPath` puts them."""
    return any(place in path for place in WITH_PICTURES)


def _guard(headers: MutableHeaders, path: str) -> None:
    for name, value in HEADERS.items():
        headers[name] = value
    if path in (ENTER, LEAVE) or _holds_pictures(path):
        headers["Cache-Control"] = "no-store"
