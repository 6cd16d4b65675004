"""Calls to the master. Each one is recorded as a departure before it leaves."""

from __future__ import annotations

import hashlib
import json
import os
import threading
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, Protocol, TypeVar

import requests
from pydantic import BaseModel, ValidationError

from child.agent.contact import Contact
from federated.errors import FederationError, Unavailable
from federated.messages import (
    Enrolment,
    Failure,
    Heartbeat,
    HeartbeatAnswer,
    JoinRequest,
    Progress,
    UpdateReceipt,
)
from federated.values import Message
from federated.wire import CONTENT_TYPE

API = "/api/v1"
MAX_ANSWER = 1 << 20
"""Bytes of an answer that are read; the messages are far smaller."""
CONNECT_SECONDS = 5.0
ANSWER_SECONDS = 60.0

Answer = TypeVar("Answer", bound=BaseModel)


class MasterAway(Unavailable):
    """The master cannot be reached, or cannot answer now; the same call later is right."""

    code = "master_away"


class MasterRefused(FederationError):
    """The master has answered that it does not accept the call; `status` is the HTTP status."""

    code = "master_refused"

    def __init__(self, status: int, code: str, detail: str) -> None:
        """Keeps the status beside the sentence."""
        super().__init__(detail.removesuffix("."), code=code)
        self.status = status


class Record(Protocol):
    """Where departures are written down."""

    def leave(self, method: str, path: str, nbytes: int, sha256: str | None) -> int:
        """A call is about to leave."""

    def answered(self, number: int, status: int) -> None:
        """It was answered."""


class TaskReceipt(Message):
    """Answer to a progress report: the task's state at the master."""

    state: str = "training"


@dataclass(frozen=True, slots=True)
class Node:
    """Who this child is at the master."""

    id: str
    token: str


def new_session(master: str) -> requests.Session:
    """A session to the master, with the proxy and certificates of the environment.

    They are read once: `requests` would look for them before each call.
    """
    session = requests.Session()
    session.proxies.update(requests.utils.get_environ_proxies(master, no_proxy=None))
    session.verify = os.environ.get("REQUESTS_CA_BUNDLE") or True
    session.trust_env = False
    return session


class MasterClient:
    """The master's endpoints for nodes, over connections that are kept open.

    Args:
        master: Base address.
        record: Where departures are written down.
        contact: Hears whether the master answers.
        session: Makes a session; each thread has one of its own.
    """

    def __init__(
        self,
        master: str,
        record: Record,
        contact: Contact,
        session: Callable[[str], requests.Session] = new_session,
    ) -> None:
        self._master = master
        self._record = record
        self._contact = contact
        self._new_session = session
        self._own = threading.local()

    def enrol(self, request: JoinRequest) -> Enrolment:
        """Asks to take part."""
        return _parsed(Enrolment, self._post("/nodes", request, token=None))

    def heartbeat(self, node: Node, heartbeat: Heartbeat) -> HeartbeatAnswer:
        """Tells that this child lives, and what it holds."""
        path = f"/nodes/{node.id}/heartbeat"
        return _parsed(HeartbeatAnswer, self._post(path, heartbeat, node.token))

    def progress(self, node: Node, task: str, progress: Progress) -> str:
        """Tells how far a task is; returns the task's state at the master."""
        answer = self._post(f"/tasks/{task}/progress", progress, node.token)
        return _parsed(TaskReceipt, answer).state

    def failure(self, node: Node, task: str, failure: Failure) -> None:
        """Tells that a task will not be answered."""
        self._post(f"/tasks/{task}/failure", failure, node.token)

    def update(self, node: Node, task: str, path: Path, sha256: str) -> UpdateReceipt:
        """Delivers an update."""
        with path.open("rb") as blob:
            answer = self._call(
                "PUT",
                f"/tasks/{task}/update",
                _Body(blob, path.stat().st_size, sha256, CONTENT_TYPE),
                node.token,
            )
        return _parsed(UpdateReceipt, answer)

    def _post(self, path: str, message: BaseModel, token: str | None) -> Any:
        data = message.model_dump_json().encode()
        digest = hashlib.sha256(data).hexdigest()
        return self._call("POST", path, _Body(data, len(data), digest, "application/json"), token)

    def _call(self, method: str, path: str, body: _Body, token: str | None) -> Any:
        """One call.

        Raises:
            MasterAway: There was no answer, or one that asks to try later.
            MasterRefused: The answer is that the call is not accepted.
        """
        number = self._record.leave(method, API + path, body.nbytes, body.sha256)
        try:
            with self._send(method, path, body, token) as response:
                content = response.raw.read(MAX_ANSWER, decode_content=True)
        except (requests.RequestException, OSError) as error:
            self._contact.missed()
            raise MasterAway("The master did not answer", received=type(error).__name__) from error
        self._contact.answered()
        self._record.answered(number, response.status_code)
        return _understood(response.status_code, content)

    def _send(self, method: str, path: str, body: _Body, token: str | None) -> requests.Response:
        headers = {"Content-Type": body.content_type}
        if token is not None:
            headers["Authorization"] = f"Bearer {token}"
        return self._session().request(
            method,
            self._master + API + path,
            data=body.data,
            headers=headers,
            timeout=(CONNECT_SECONDS, ANSWER_SECONDS),
            # Whoever the master points to is not the master.
            allow_redirects=False,
            stream=True,
        )

    def _session(self) -> requests.Session:
        if not hasattr(self._own, "session"):
            self._own.session = self._new_session(self._master)
        session: requests.Session = self._own.session
        return session


@dataclass(frozen=True, slots=True)
class _Body:
    data: bytes | IO[bytes]
    nbytes: int
    sha256: str
    content_type: str


def _understood(status: int, content: bytes) -> Any:
    try:
        answer = json.loads(content) if content else {}
    except ValueError:
        answer = {}
    if status in (408, 425, 429) or status >= 500:
        raise MasterAway("The master cannot take the call now", received=f"status {status}")
    if not 200 <= status < 300:
        fields = answer if isinstance(answer, dict) else {}
        raise MasterRefused(
            status,
            str(fields.get("error", "master_refused"))[:64],
            str(fields.get("detail", f"The master answered with status {status}"))[:500],
        )
    return answer


def _parsed(kind: type[Answer], answer: Any) -> Answer:
    try:
        return kind.model_validate(answer)
    except ValidationError as error:
        raise MasterAway(
            "The master's answer makes no sense", received=f"{error.error_count()} wrong fields"
        ) from None
