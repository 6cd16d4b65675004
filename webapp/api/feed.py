"""The newest events of a master that only tells what came after a given one."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable

from federated.views import Event

KEPT = 200


class EventFeed:
    """Remembers the newest events, so that a long history is read once and not at every look.

    Args:
        after: Gives events behind a number, oldest first, perhaps only the first of many.
    """

    def __init__(self, after: Callable[[int], list[Event]]) -> None:
        """Nothing is read yet."""
        self._after = after
        self._events: deque[Event] = deque(maxlen=KEPT)
        self._lock = threading.Lock()

    def newest(self, count: int) -> list[Event]:
        """The last `count` events (at most 200), newest first.

        Raises:
            ApiError: The master refused, or is away and nothing was kept.
        """
        with self._lock:
            while more := self._read():
                self._events.extend(more)
            return list(self._events)[: -count - 1 : -1]

    def _read(self) -> list[Event]:
        """The next events; those that are not newer are left out, or reading might not end."""
        last = self._events[-1].id if self._events else 0
        return [event for event in self._after(last) if event.id > last]
