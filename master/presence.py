"""Which nodes are there: each call of a node, and each poll of one that waits, is a sign of life.

The signs are gathered in memory and written down together, every few seconds in one statement:
hundreds of nodes that wait for work cost the database next to nothing.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable

from master.polls import PollBoard
from master.store import nodes
from master.wakeup import Wakeup
from serving.database import Database

log = logging.getLogger(__name__)

GATHER_SECONDS = 0.2
"""How long the first sign of a node waits for those of others."""


class Presence:
    """Gathers signs of life, and notes them in the table of nodes.

    Args:
        database: The master's tables.
        polls: The nodes that wait there are present without saying more.
        wakeup: Notified when a node appears: a run may be waiting for it.
        now: The time in seconds since the epoch.
        every: Seconds between two statements.
    """

    def __init__(
        self,
        database: Database,
        polls: PollBoard,
        wakeup: Wakeup,
        now: Callable[[], float],
        every: float,
    ) -> None:
        self._database = database
        self._polls = polls
        self._wakeup = wakeup
        self._now = now
        self._every = every
        self._lock = threading.Lock()
        self._heard: set[str] = set()
        self._present: frozenset[str] = frozenset()
        self._appeared = threading.Event()
        self._stopping = threading.Event()
        self._thread: threading.Thread | None = None

    def note(self, node_id: str) -> None:
        """A node has called."""
        with self._lock:
            self._heard.add(node_id)
            known = node_id in self._present
        if not known:
            self._appeared.set()

    def write(self) -> None:
        """Writes down who has been there since the last time; nothing if nobody has."""
        self._polls.drop_gone()
        with self._lock:
            present = self._polls.waiting | self._heard
            appeared = present - self._present
            self._heard, self._present = set(), present
        if present:
            with self._database.write() as session:
                nodes.present(session, present, self._now())
        if appeared:
            self._wakeup.notify()

    def start(self) -> None:
        """Writes in a thread of its own until `stop`."""
        self._thread = threading.Thread(target=self._run, name="presence", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Ends the thread."""
        self._stopping.set()
        self._appeared.set()
        if self._thread is not None:
            self._thread.join(10)

    def _run(self) -> None:
        while not self._stopping.is_set():
            if self._appeared.wait(self._every):
                self._stopping.wait(GATHER_SECONDS)
                self._appeared.clear()
            try:
                self.write()
            except Exception:
                log.exception("The presence of nodes could not be written down")
