"""One server: calls with a token and short timeouts, and answers kept for a moment."""

from __future__ import annotations

import json
import threading
from collections import OrderedDict
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any, TypeVar

import requests
from pydantic import BaseModel, ValidationError

from federated.errors import FederationError

CONNECT_SECONDS = 2.0
READ_SECONDS = 10.0
LONG_SECONDS = 120.0
PART_SECONDS = 600.0
"""How long parts of files are kept that are named by their hash."""

KEPT_ANSWERS = 300
KEPT_BYTES = 256 * 2**20
"""Of all answers that are kept: parts of weights may be large."""

KEEP_SECONDS = 2.8
"""A little less than pages take to refresh, so that several viewers cost one request."""

Model = TypeVar("Model", bound=BaseModel)
Parameters = Mapping[str, str | int | None]


class ApiError(FederationError):
    """A call did not go through, or was refused.

    Attributes:
        code: The server's own word, `offline` where it did not answer, or
            `unexpected_answer` where it answered something else than agreed.
        status: HTTP status; None where no answer came.
        body: The answer's JSON document, if it was one.
    """

    code = "offline"

    def __init__(
        self, code: str, sentence: str, status: int | None = None, body: object = None
    ) -> None:
        """Keeps the server's own sentence as it is."""
        super().__init__(sentence.rstrip("."), code=code)
        self.status = status
        self.body = body


@dataclass(frozen=True, slots=True)
class Kept:
    """An answer that is good until `until` (seconds, monotonic)."""

    until: float
    content: bytes


class Connection:
    """Calls to one server, shared by all viewers of the web app.

    Answers to GET are kept for a moment, so that ten viewers cost one request; every change
    drops them, so that whoever made it sees it at once. While the server is away, what was kept
    last is given instead, and `silent_seconds` says so.

    Args:
        url: Base address of the server.
        token: Bearer token to show it.
        session: Carries the calls.
        now: Monotonic clock in seconds.
    """

    def __init__(
        self, url: str, token: str, session: requests.Session, now: Callable[[], float]
    ) -> None:
        """Keeps what the calls need; nothing is called yet."""
        self.url = url.rstrip("/")
        self._token = token
        self._session = session
        self._now = now
        self._kept: OrderedDict[str, Kept] = OrderedDict()
        self._lock = threading.Lock()
        self._silent_since: float | None = None

    @property
    def silent_seconds(self) -> float | None:
        """How long the server has not answered; None while it does."""
        since = self._silent_since
        return None if since is None else self._now() - since

    def get(
        self,
        path: str,
        parameters: Parameters | None = None,
        *,
        keep_seconds: float = KEEP_SECONDS,
        read_seconds: float = READ_SECONDS,
    ) -> bytes:
        """The body of `GET /api/v1/<path>`.

        Raises:
            ApiError: The server refused, or is away and nothing was kept.
        """
        query = {key: str(value) for key, value in (parameters or {}).items() if value is not None}
        name = f"{path}?{sorted(query.items())}"
        return self._kept_or(
            name, keep_seconds, lambda: self._call("GET", path, read_seconds, params=query)
        )

    def part(self, path: str, start: int, stop: int) -> bytes:
        """The bytes from `start` to `stop` of a file that never changes; fewer where it ends.

        Raises:
            ApiError: The server refused, or is away and nothing was kept.
        """
        span = f"bytes={start}-{stop - 1}"

        def call() -> bytes:
            answer = self._answer("GET", path, READ_SECONDS, headers={"Range": span})
            # A server may give the whole file instead.
            is_part = answer.status_code == HTTPStatus.PARTIAL_CONTENT
            return answer.content if is_part else answer.content[start:stop]

        return self._kept_or(f"{path} {span}", PART_SECONDS, call)

    def ask(
        self,
        path: str,
        question: Mapping[str, Any],
        *,
        keep_seconds: float = KEEP_SECONDS,
        read_seconds: float = READ_SECONDS,
    ) -> bytes:
        """The body of `POST /api/v1/<path>` for a question that changes nothing.

        Raises:
            ApiError: The server refused, or is away and nothing was kept.
        """
        name = f"{path} {json.dumps(question, sort_keys=True)}"
        return self._kept_or(
            name, keep_seconds, lambda: self._call("POST", path, read_seconds, json=question)
        )

    def change(
        self, method: str, path: str, *, read_seconds: float = READ_SECONDS, **arguments: Any
    ) -> bytes:
        """The body of the answer to a call that changes something.

        Args:
            method: HTTP method.
            path: Below `/api/v1/`.
            read_seconds: How long to wait for the answer.
            arguments: `json`, `data`, `files` or `params`, as `requests` takes them.

        Raises:
            ApiError: The server is away or refused.
        """
        try:
            return self._call(method, path, read_seconds, **arguments)
        finally:
            self.forget()

    def forget(self) -> None:
        """Drops every answer that is kept; the next question goes to the server."""
        with self._lock:
            self._kept.clear()

    def _kept_or(self, name: str, keep_seconds: float, call: Callable[[], bytes]) -> bytes:
        """The answer that is kept under `name`, or a new one."""
        with self._lock:
            kept = self._kept.get(name)
        if kept and kept.until > self._now():
            return kept.content
        try:
            content = call()
        except ApiError as error:
            if kept is None or error.code != "offline":
                raise
            return kept.content
        if keep_seconds > 0:
            self._keep(name, Kept(self._now() + keep_seconds, content))
        return content

    def _keep(self, name: str, answer: Kept) -> None:
        with self._lock:
            self._kept[name] = answer
            self._kept.move_to_end(name)
            nbytes = sum(len(kept.content) for kept in self._kept.values())
            while len(self._kept) > KEPT_ANSWERS or nbytes > KEPT_BYTES:
                nbytes -= len(self._kept.popitem(last=False)[1].content)

    def _call(
        self,
        method: str,
        path: str,
        read_seconds: float,
        headers: Mapping[str, str] | None = None,
        **arguments: Any,
    ) -> bytes:
        return self._answer(method, path, read_seconds, headers, **arguments).content

    def _answer(
        self,
        method: str,
        path: str,
        read_seconds: float,
        headers: Mapping[str, str] | None = None,
        **arguments: Any,
    ) -> requests.Response:
        try:
            response = self._session.request(
                method,
                f"{self.url}/api/v1/{path}",
                headers={**(headers or {}), "Authorization": f"Bearer {self._token}"},
                timeout=(CONNECT_SECONDS, read_seconds),
                # A redirect would carry the token to whatever it names.
                allow_redirects=False,
                **arguments,
            )
        except requests.RequestException as error:
            if self._silent_since is None:
                self._silent_since = self._now()
            slow = isinstance(error, requests.Timeout)
            sentence = "did not answer in time" if slow else "cannot be reached"
            raise ApiError("offline", f"The server {sentence}") from None
        self._silent_since = None
        if 200 <= response.status_code < 300:
            return response
        raise refusal(response)


def refusal(response: requests.Response) -> ApiError:
    """The error that a server's answer amounts to, in the server's own words."""
    try:
        body = response.json()
        return ApiError(str(body["error"]), str(body["detail"]), response.status_code, body)
    except (ValueError, KeyError, TypeError):
        sentence = f"The server answered with status {response.status_code} and no reason"
        return ApiError("unexpected_answer", sentence, response.status_code)


def parse(kind: type[Model], content: bytes | str) -> Model:
    """The answer as a value.

    Raises:
        ApiError: It is not what was agreed; the versions probably differ.
    """
    try:
        return kind.model_validate_json(content)
    except ValidationError as error:
        fields = sorted({".".join(str(part) for part in f["loc"]) for f in error.errors()})
        raise ApiError(
            "unexpected_answer",
            f"The server's answer is not as agreed (in {', '.join(fields[:4]) or 'its form'}); "
            f"{_which_is_older({fault['type'] for fault in error.errors()})}",
        ) from None


def _which_is_older(faults: set[str]) -> str:
    """Which of the two does not know yet what the other does."""
    if "extra_forbidden" in faults:
        return "the web app is older than the server: update the web app"
    if "missing" in faults:
        return "the server is older than the web app: update the server"
    return "the versions of server and web app may differ"
