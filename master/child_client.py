"""Calls to the children: the only module of the master that talks out.

Every answer comes from a stranger's computer: redirects are not followed, sizes and times
are bounded, and what is not the expected JSON counts as no answer.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any, Protocol

import requests
import urllib3

from federated.errors import Unavailable
from federated.messages import StudyPush, Task
from federated.wire import CONTENT_TYPE
from serving.breakable_session import BreakableSession

CONNECT_SECONDS = 3.0
READ_SECONDS = 15.0
CALL_SECONDS = 45.0
"""Longest time of a whole call, however busily the child keeps its connection alive."""
SLOWEST = 100_000
"""Bytes a second at which a child has to take what it is sent, beyond those seconds."""
ANSWER_BYTES = 64 * 1024


class Unreachable(Unavailable):
    """A child gave no usable answer."""

    code = "unreachable"


@dataclass(frozen=True, slots=True)
class Child:
    """A child as the master calls it."""

    id: str
    name: str
    url: str
    token: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Answer:
    """What a child answered: the status, and the JSON object of the body, if there was one."""

    status: int
    body: dict[str, Any] = field(default_factory=dict)

    @property
    def ok(self) -> bool:
        """Whether the child did what was asked."""
        return 200 <= self.status < 300

    @property
    def problem(self) -> str:
        """Status and sentence of a refusal, shortened: it comes from a stranger."""
        detail = str(self.body.get("detail") or self.body.get("error") or "no reason given")
        return f"HTTP {self.status}: {detail[:300]}"


class ChildClient(Protocol):
    """What the master asks of a child. Every call can be made twice without harm."""

    def put_study(self, child: Child, push: StudyPush) -> Answer:
        """Sends a study with the description of its current model."""

    def put_weights(self, child: Child, sha256: str, path: Path) -> Answer:
        """Sends a blob."""

    def post_task(self, child: Child, task: Task) -> Answer:
        """Hands a task over."""

    def delete_task(self, child: Child, task_id: str) -> Answer:
        """Takes a task back."""


class HttpChildClient:
    """Calls over HTTP with one kept-alive session a child.

    A child is called by one thread at a time; different children by different threads.

    Args:
        call_seconds: Longest time of a call, beyond what its body takes.
    """

    def __init__(self, call_seconds: float = CALL_SECONDS) -> None:
        self._call_seconds = call_seconds
        self._sessions: dict[str, BreakableSession] = {}

    def put_study(self, child: Child, push: StudyPush) -> Answer:
        """See `ChildClient`."""
        data = push.model_dump_json().encode()
        return self._call(child, "PUT", f"/studies/{push.study.id}", lambda: data)

    def put_weights(self, child: Child, sha256: str, path: Path) -> Answer:
        """See `ChildClient`."""
        return self._call(child, "PUT", f"/weights/{sha256}", lambda: path.open("rb"), CONTENT_TYPE)

    def post_task(self, child: Child, task: Task) -> Answer:
        """See `ChildClient`."""
        data = task.model_dump_json().encode()
        return self._call(child, "POST", "/tasks", lambda: data)

    def delete_task(self, child: Child, task_id: str) -> Answer:
        """See `ChildClient`."""
        return self._call(child, "DELETE", f"/tasks/{task_id}", lambda: b"")

    def close(self) -> None:
        """Closes all connections."""
        for session in list(self._sessions.values()):
            session.close()

    def _call(
        self,
        child: Child,
        method: str,
        path: str,
        body: Callable[[], bytes | IO[bytes]],
        content_type: str = "application/json",
    ) -> Answer:
        try:
            try:
                return self._once(child, method, path, body(), content_type)
            except requests.ConnectionError:
                # A kept-alive connection that the child has closed shows only when it is used.
                self._sessions.pop(child.id).close()
                return self._once(child, method, path, body(), content_type)
        except (requests.RequestException, urllib3.exceptions.HTTPError) as error:
            raise Unreachable(
                f"Site {child.name} cannot be reached ({_words(error)})", expected="an answer"
            ) from None

    def _once(
        self, child: Child, method: str, path: str, body: bytes | IO[bytes], content_type: str
    ) -> Answer:
        session = self._sessions.setdefault(child.id, _session())
        try:
            with (
                session.within(self._call_seconds + _size(body) / SLOWEST),
                session.request(
                    method,
                    f"{child.url}/api/v1{path}",
                    data=body,
                    headers={
                        "Authorization": f"Bearer {child.token}",
                        "Content-Type": content_type,
                    },
                    timeout=(CONNECT_SECONDS, READ_SECONDS),
                    allow_redirects=False,
                    stream=True,
                ) as response,
            ):
                return Answer(response.status_code, _document(_read(response)))
        finally:
            if not isinstance(body, bytes):
                body.close()


def _size(body: bytes | IO[bytes]) -> int:
    return len(body) if isinstance(body, bytes) else os.fstat(body.fileno()).st_size


def _session() -> BreakableSession:
    session = BreakableSession()
    # No proxies or passwords of this machine's environment: only the address that is named.
    session.trust_env = False
    # An unpacked answer could be a thousand times as large as a packed one.
    session.headers["Accept-Encoding"] = "identity"
    return session


def _read(response: requests.Response) -> bytes:
    data = b""
    while chunk := response.raw.read1(8192, decode_content=False):
        data += chunk
        if len(data) > ANSWER_BYTES:
            raise requests.exceptions.ContentDecodingError("the answer is too long")
    return data


def _document(data: bytes) -> dict[str, Any]:
    with suppress(ValueError, RecursionError):
        document = json.loads(data or b"{}")
        if isinstance(document, dict):
            return document
    return {}


def _words(error: Exception) -> str:
    if isinstance(error, requests.ConnectTimeout | requests.ReadTimeout):
        return "it does not answer in time"
    if isinstance(error, requests.exceptions.SSLError):
        return "its certificate is not valid"
    if isinstance(error, requests.ConnectionError):
        return "no connection"
    return "its answer cannot be read"
