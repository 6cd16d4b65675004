"""One-time links and signed-in browsers, as hashes in a file of mode 0600.

Every key has 256 random bits, so a plain SHA-256 is enough: there is nothing to guess. The file
outlives the process, so that a restart signs nobody out, and `python -m webapp link` writes to
the same one.
"""

from __future__ import annotations

import fcntl
import hashlib
import hmac
import os
import secrets
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from pydantic import Field, ValidationError

from federated.values import Value

LINK_SECONDS = 3600.0
SESSION_SECONDS = 7 * 86_400.0
MOST = 1000
"""Of links and of signed-in browsers that are kept; the newest stay."""


class Link(Value):
    """A link that still opens.

    Attributes:
        until: When it ends, seconds since the epoch.
        left: How many browsers it still lets in.
    """

    until: float
    left: int = Field(ge=1)


class Held(Value):
    """What the file holds, by hash: links, and signed-in browsers with their end."""

    links: dict[str, Link] = Field(default_factory=dict)
    sessions: dict[str, float] = Field(default_factory=dict)


@dataclass(frozen=True)
class Keys:
    """The keys to one web app.

    Attributes:
        path: The file that holds their hashes.
        now: Wall clock, seconds since the epoch.
    """

    path: Path
    now: Callable[[], float]

    @property
    def cookie(self) -> str:
        """The name of the cookie: another web app on this computer has another one."""
        return f"commonsight-{_hash(str(self.path.absolute()))[:12]}"

    def new_link(self, browsers: int = 1, seconds: float = LINK_SECONDS) -> str:
        """A new key for a link.

        Args:
            browsers: How many may enter with it.
            seconds: How long it opens.
        """
        key = secrets.token_urlsafe(32)
        with self._changing() as held:
            held.links[_hash(key)] = Link(until=self.now() + seconds, left=browsers)
        return key

    def enter(self, key: str) -> str | None:
        """Uses a link's key; the browser's own key from then on, or None where it opens nothing."""
        # Who guesses is not to make the disk work.
        if _find(self._current().links, key) is None:
            return None
        session = secrets.token_urlsafe(32)
        with self._changing() as held:
            found = _find(held.links, key)
            if found is None:
                return None
            link = held.links.pop(found)
            if link.left > 1:
                held.links[found] = Link(until=link.until, left=link.left - 1)
            held.sessions[_hash(session)] = self.now() + SESSION_SECONDS
        return session

    def admits(self, session: str | None) -> bool:
        """Whether a browser with this key is signed in."""
        return bool(session) and _find(self._current().sessions, str(session)) is not None

    def leave(self, session: str) -> None:
        """Signs a browser out."""
        with self._changing() as held:
            held.sessions.pop(_find(held.sessions, session) or "", None)

    def _current(self) -> Held:
        return self._without_ended(self._read())

    @contextmanager
    def _changing(self) -> Iterator[Held]:
        """What is held, to be changed by one process at a time and written whole."""
        self.path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        handle = os.open(self.path.with_suffix(".lock"), os.O_RDWR | os.O_CREAT, 0o600)
        try:
            fcntl.flock(handle, fcntl.LOCK_EX)
            held = self._current()
            yield held
            self._write(held)
        finally:
            os.close(handle)

    def _read(self) -> Held:
        try:
            return Held.model_validate_json(self.path.read_bytes())
        except (FileNotFoundError, ValidationError):
            # Who cannot be found in it has to ask for a new link; nothing else is lost.
            return Held()

    def _write(self, held: Held) -> None:
        draft = self.path.with_suffix(".draft")
        handle = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(handle, "wb") as file:
            file.write(held.model_dump_json().encode())
            file.flush()
            os.fsync(file.fileno())
        draft.replace(self.path)

    def _without_ended(self, held: Held) -> Held:
        now = self.now()
        links = {name: link for name, link in held.links.items() if link.until > now}
        sessions = {name: until for name, until in held.sessions.items() if until > now}
        return Held(
            links=dict([*links.items()][-MOST:]), sessions=dict([*sessions.items()][-MOST:])
        )


def _find(hashes: Iterable[str], key: str) -> str | None:
    """The hash of that key among those held; every one is compared, in constant time."""
    wanted, found = _hash(key), None
    for held in hashes:
        if hmac.compare_digest(held, wanted):
            found = held
    return found


def _hash(key: str) -> str:
    return hashlib.sha256(key.encode(errors="replace")).hexdigest()
