"""Answers of the master: bounded as they arrive, and what their statuses mean."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import requests
import urllib3

from child.agent.contact import Contact
from federated.errors import FederationError, Unavailable

LONGEST_RETRY_AFTER = 60.0


class MasterAway(Unavailable):
    """The master cannot be reached, or cannot answer now; the same call later is right.

    Attributes:
        retry_after: Seconds that the master asked to be left alone for, if it did.
    """

    code = "master_away"

    def __init__(
        self, problem: str, *, received: str | None = None, retry_after: float = 0.0
    ) -> None:
        """Keeps the seconds beside the sentence."""
        super().__init__(problem, received=received)
        self.retry_after = retry_after


class MasterRefused(FederationError):
    """The master has answered that it does not accept the call; `status` is the HTTP status."""

    code = "master_refused"

    def __init__(self, status: int, code: str, detail: str) -> None:
        """Keeps the status beside the sentence."""
        super().__init__(detail.removesuffix("."), code=code)
        self.status = status


@dataclass(frozen=True, slots=True)
class Answer:
    """A whole answer that is no refusal: its JSON, `{}` where there is none.

    Attributes:
        retry_after: Seconds that the master asks to be left alone for.
    """

    status: int
    document: Any
    retry_after: float


class Arrival:
    """An answer whose head is here; its body comes as it is read."""

    def __init__(self, response: requests.Response, contact: Contact) -> None:
        self.status = response.status_code
        self._response = response
        self._contact = contact

    def header(self, name: str) -> str:
        """A header, empty where it is missing."""
        return self._response.headers.get(name, "")

    def read(self, limit: int) -> bytes:
        """The body, up to so many bytes.

        Raises:
            MasterAway: The connection broke before the end.
        """
        with self._noticing():
            content: bytes = self._response.raw.read(limit, decode_content=True)
            return content

    def piece(self, size: int) -> bytes:
        """What is there of the body now, at most so many bytes; none at its end.

        Raises:
            MasterAway: The connection broke before the end.
        """
        with self._noticing():
            # Nothing is lost of what came before a break.
            return self._response.raw.read1(size, decode_content=True) or b""

    @contextmanager
    def _noticing(self) -> Iterator[None]:
        try:
            yield
        except (requests.RequestException, urllib3.exceptions.HTTPError, OSError) as error:
            self._contact.missed()
            raise away(error) from error

    def close(self) -> None:
        """Lets go of the connection."""
        self._response.close()


def away(error: Exception) -> MasterAway:
    """What an error of the network means."""
    return MasterAway("The master did not answer", received=type(error).__name__)


def understood(arrival: Arrival, content: bytes) -> Answer:
    """An answer that is no refusal.

    Raises:
        MasterAway: It asks to try later.
        MasterRefused: It is one.
    """
    try:
        document = json.loads(content) if content else {}
    except (ValueError, RecursionError):
        document = {}
    retry_after = _seconds(arrival.header("Retry-After"))
    status = arrival.status
    if status in (408, 425, 429) or status >= 500:
        raise MasterAway(
            "The master cannot take the call now",
            received=f"status {status}",
            retry_after=retry_after,
        )
    if not 200 <= status < 300:
        fields = document if isinstance(document, dict) else {}
        raise MasterRefused(
            status,
            str(fields.get("error", "master_refused"))[:64],
            str(fields.get("detail", f"The master answered with status {status}"))[:500],
        )
    return Answer(status, document, retry_after)


def _seconds(retry_after: str) -> float:
    # HTTP allows a date too; our masters send none, and a pause of our own does as well.
    return min(float(retry_after), LONGEST_RETRY_AFTER) if retry_after.isdecimal() else 0.0
