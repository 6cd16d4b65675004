"""HTTP to the master: what is said in the calls is the business of `master_client`.

Each call is recorded as a departure before it leaves, and every answer is bounded.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Mapping
from contextlib import closing
from dataclasses import dataclass
from typing import IO, Protocol

import requests

from child.agent.answers import Answer, Arrival, MasterAway, away, understood
from child.agent.contact import Contact
from serving.breakable_session import BreakableSession

API = "/api/v1"
MAX_ANSWER = 1 << 20
"""Bytes of an answer that are read, unless the call says more; most are far smaller."""
CONNECT_SECONDS = 5.0
ANSWER_SECONDS = 60.0


class Record(Protocol):
    """Where departures are written down."""

    def leave(
        self,
        method: str,
        path: str,
        nbytes: int,
        sha256: str | None,
        told: str | None = None,
        norm: float | None = None,
    ) -> int:
        """A call is about to leave."""

    def answered(self, number: int, status: int) -> None:
        """It was answered."""


@dataclass(frozen=True, slots=True)
class Body:
    """What a call carries: the bytes, their number and hash, and what they are.

    Attributes:
        told: The figures themselves, where they are of the site's pictures, to be kept on record.
        norm: Of an update: how far it is from what it began with; kept on record too.
    """

    data: bytes | IO[bytes] = b""
    nbytes: int = 0
    sha256: str | None = None
    content_type: str | None = None
    told: str | None = None
    norm: float | None = None


NOTHING = Body()
"""Of a call that carries nothing."""


def new_session(master: str) -> BreakableSession:
    """A session to the master, with the proxy and certificates of the environment.

    They are read once: `requests` would look for them before each call.
    """
    session = BreakableSession()
    session.proxies.update(requests.utils.get_environ_proxies(master, no_proxy=None))
    session.verify = os.environ.get("REQUESTS_CA_BUNDLE") or True
    session.trust_env = False
    return session


class Transport:
    """Calls over connections that are kept open.

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
        session: Callable[[str], BreakableSession] = new_session,
    ) -> None:
        self._master = master
        self._record = record
        self._contact = contact
        self._new_session = session
        self._own = threading.local()
        self._lock = threading.Lock()
        self._sessions: list[BreakableSession] = []
        self._closed = False

    def close(self) -> None:
        """Breaks off the calls under way; later ones fail at once."""
        with self._lock:
            self._closed = True
            sessions = list(self._sessions)
        for session in sessions:
            session.break_off()

    def call(
        self,
        method: str,
        path: str,
        token: str | None,
        body: Body = NOTHING,
        *,
        seconds: float = ANSWER_SECONDS,
        limit: int = MAX_ANSWER,
    ) -> Answer:
        """One call and its whole answer.

        Args:
            method: Verb of HTTP.
            path: What to call, below the API's root.
            token: Who calls; None before enrolment.
            body: What the call carries.
            seconds: Silence after which the answer is not waited for any longer.
            limit: Bytes of the answer that are read.

        Raises:
            MasterAway: There was no answer, or one that asks to try later.
            MasterRefused: The answer is that the call is not accepted.
        """
        with closing(self.open(method, path, token, body, seconds=seconds)) as arrival:
            return understood(arrival, arrival.read(limit))

    def open(
        self,
        method: str,
        path: str,
        token: str | None,
        body: Body = NOTHING,
        *,
        headers: Mapping[str, str] | None = None,
        seconds: float = ANSWER_SECONDS,
    ) -> Arrival:
        """One call whose answer the caller reads, whatever its status, and closes.

        Raises:
            MasterAway: There was no answer.
        """
        session = self._session()
        number = self._record.leave(
            method, API + path, body.nbytes, body.sha256, body.told, body.norm
        )
        try:
            response = session.request(
                method,
                self._master + API + path,
                data=body.data,
                headers={**_headers(body, token), **(headers or {})},
                timeout=(CONNECT_SECONDS, seconds),
                # Whoever the master points to is not the master.
                allow_redirects=False,
                stream=True,
            )
        except (requests.RequestException, OSError) as error:
            self._contact.missed()
            raise away(error) from error
        self._contact.answered()
        self._record.answered(number, response.status_code)
        return Arrival(response, self._contact)

    def _session(self) -> BreakableSession:
        with self._lock:
            if self._closed:
                raise MasterAway("This site is stopping", received="a call to the master")
            if not hasattr(self._own, "session"):
                self._own.session = self._new_session(self._master)
                self._sessions.append(self._own.session)
        session: BreakableSession = self._own.session
        return session


def _headers(body: Body, token: str | None) -> dict[str, str]:
    headers = {"Authorization": f"Bearer {token}"} if token is not None else {}
    return headers | ({"Content-Type": body.content_type} if body.content_type else {})
