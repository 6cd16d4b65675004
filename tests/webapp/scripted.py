"""Servers that answer from a script, below `requests`: the web app's own HTTP code runs whole."""

from __future__ import annotations

import io
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import requests
from pydantic import BaseModel
from requests.adapters import BaseAdapter
from urllib3 import HTTPResponse

MASTER = "http://master.test"
CHILDREN = {"site-1": "http://site-1.test", "site-2": "http://site-2.test"}


@dataclass(frozen=True)
class Call:
    """A call that the web app made."""

    method: str
    path: str
    query: Mapping[str, str]
    token: str
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)


@dataclass(frozen=True)
class Answer:
    status: int
    body: bytes
    kind: str = "application/json"


def ok(value: BaseModel | dict[str, Any] | list[Any] | bytes, status: int = 200) -> Answer:
    if isinstance(value, bytes):
        return Answer(status, value, "application/octet-stream")
    if isinstance(value, BaseModel):
        return Answer(status, value.model_dump_json().encode())
    return Answer(status, json.dumps(value, default=_plain).encode())


def refused(status: int, code: str, detail: str, **more: Any) -> Answer:
    return ok({"error": code, "detail": detail, **more}, status)


def _plain(value: object) -> Any:
    if isinstance(value, BaseModel):
        return value.model_dump(mode="json")
    raise TypeError(type(value))


Script = dict[str, Answer | Callable[[Call], Answer]]
"""`METHOD path` (below `/api/v1/`) → answer; without the key, the answer is 404."""


@dataclass
class ScriptedServers(BaseAdapter):
    """Answers calls to hosts by their scripts; a host without a script is away."""

    scripts: dict[str, Script]
    calls: list[Call] = field(default_factory=list)

    def __post_init__(self) -> None:
        super().__init__()

    def session(self) -> requests.Session:
        session = requests.Session()
        session.mount("http://", self)
        return session

    def made(self, method: str, path: str) -> list[Call]:
        return [call for call in self.calls if (call.method, call.path) == (method, path)]

    def send(self, request: requests.PreparedRequest, **_: Any) -> requests.Response:  # type: ignore[override]
        parts = urlsplit(str(request.url))
        script = self.scripts.get(f"{parts.scheme}://{parts.netloc}")
        if script is None:
            raise requests.ConnectionError("away")
        body = request.body or b""
        call = Call(
            method=str(request.method),
            path=parts.path.removeprefix("/api/v1/"),
            query=dict(parse_qsl(parts.query)),
            token=str(request.headers["Authorization"]).removeprefix("Bearer "),
            body=body.encode() if isinstance(body, str) else bytes(body),
        )
        self.calls.append(call)
        found = script.get(f"{call.method} {call.path}")
        answer = found(call) if callable(found) else found
        return _response(request, answer or refused(404, "not_found", "There is no such thing."))

    def close(self) -> None:
        """Nothing is open."""


def _response(request: requests.PreparedRequest, answer: Answer) -> requests.Response:
    response = requests.Response()
    response.status_code = answer.status
    response.headers["Content-Type"] = answer.kind
    response.request, response.url = request, str(request.url)
    response.raw = HTTPResponse(io.BytesIO(answer.body), preload_content=False)
    return response
