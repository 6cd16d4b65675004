"""How every part of the master tells the coordinator that there may be something to do."""

from __future__ import annotations

import threading


class Wakeup:
    """A flag that one thread waits for; a notification while it works is not lost."""

    def __init__(self) -> None:
        self._condition = threading.Condition()
        self._pending = False

    def notify(self) -> None:
        """Wakes the waiting thread, or lets its next wait end at once."""
        with self._condition:
            self._pending = True
            self._condition.notify_all()

    def wait(self, timeout: float | None) -> None:
        """Waits for a notification, at most `timeout` seconds, and takes it."""
        with self._condition:
            self._condition.wait_for(lambda: self._pending, timeout)
            self._pending = False

    @property
    def pending(self) -> bool:
        """Whether a notification waits to be taken."""
        return self._pending
