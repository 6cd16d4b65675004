"""Whose a token is, remembered for a while: nodes that wait call all day with the same one."""

from __future__ import annotations

import threading
from collections.abc import Callable

from master.store import tokens
from serving.auth import Principal
from serving.database import Database
from serving.tokens import hash_token

KNOWN_SECONDS = 300.0
"""How long a node's token is taken for valid without asking the database again."""

MOST_KNOWN = 10_000


class KnownTokens:
    """Verifies tokens; those of nodes without the database, once they are known.

    Tokens of people are always looked up: they are few, and may be taken away at any time.

    Args:
        database: The master's tables.
        now: The time in seconds since the epoch.
    """

    def __init__(self, database: Database, now: Callable[[], float]) -> None:
        self._database = database
        self._now = now
        self._known: dict[str, tuple[Principal, float]] = {}
        self._forgotten = 0
        self._lock = threading.Lock()

    def principal(self, token: str) -> Principal | None:
        """Whose token it is; None for an unknown one."""
        digest = hash_token(token)
        known = self._known.get(digest)
        if known is not None and self._now() < known[1]:
            return known[0]
        forgotten = self._forgotten
        with self._database.read() as session:
            found = tokens.principal(session, token)
        if found is not None and found.role == "node":
            self._keep(digest, found, forgotten)
        return found

    def forget(self) -> None:
        """Asks the database again for every token: one has been taken away."""
        with self._lock:
            self._forgotten += 1
            self._known = {}

    def _keep(self, digest: str, found: Principal, forgotten: int) -> None:
        with self._lock:
            if forgotten != self._forgotten:
                # It may have been taken away while the database was asked.
                return
            if len(self._known) >= MOST_KNOWN:
                self._known = {}
            self._known[digest] = (found, self._now() + KNOWN_SECONDS)
