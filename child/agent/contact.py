"""What this child knows of its standing with the master."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass, replace

from federated.states import NodeState


@dataclass(frozen=True, slots=True)
class Standing:
    """How things are between child and master.

    Attributes:
        reachable: Whether the last call went through.
        last_contact: When a call last went through.
        node_state: The child's state at the master; None before it has enrolled.
    """

    reachable: bool = False
    last_contact: float | None = None
    node_state: NodeState | None = None


class Contact:
    """The standing, kept up to date by whoever calls the master."""

    def __init__(self, now: Callable[[], float]) -> None:
        self._now = now
        self._lock = threading.Lock()
        self._standing = Standing()

    @property
    def standing(self) -> Standing:
        """The standing as of now."""
        return self._standing

    def answered(self) -> None:
        """The master has answered a call."""
        with self._lock:
            self._standing = replace(self._standing, reachable=True, last_contact=self._now())

    def missed(self) -> None:
        """The master has not answered a call."""
        with self._lock:
            self._standing = replace(self._standing, reachable=False)

    def learned(self, state: NodeState) -> None:
        """The master has told the child's state."""
        with self._lock:
            self._standing = replace(self._standing, node_state=state)
