"""The bell: how everybody tells the coordinator that there is something to do."""

from __future__ import annotations

import threading


class Bell:
    """A flag that one thread waits for; a ring while it works is not lost."""

    def __init__(self) -> None:
        self._condition = threading.Condition()
        self._rung = False

    def ring(self) -> None:
        """Wakes the waiting thread, or lets its next wait end at once."""
        with self._condition:
            self._rung = True
            self._condition.notify_all()

    def wait(self, timeout: float | None) -> None:
        """Waits for a ring, at most `timeout` seconds, and takes it."""
        with self._condition:
            self._condition.wait_for(lambda: self._rung, timeout)
            self._rung = False

    @property
    def rung(self) -> bool:
        """Whether a ring waits to be taken."""
        return self._rung
