"""The newest events of a master: the last ones at first, then what came after them."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable

from federated.views import Event
from webapp.api.connection import ApiError

KEPT = 200

PAGE = 1000
"""Events of one answer; fewer are the end."""


class EventFeed:
    """Remembers the newest events, so that a long history is read once and not at every look.

    Args:
        after: Gives events behind a number, oldest first, perhaps only the first of many.
        last: Gives so many of the last events, oldest first.
    """

    def __init__(
        self, after: Callable[[int], list[Event]], last: Callable[[int], list[Event]]
    ) -> None:
        """Nothing is read yet."""
        self._after = after
        self._last = last
        self._events: deque[Event] = deque(maxlen=KEPT)
        self._lock = threading.Lock()

    def newest(self, count: int) -> list[Event]:
        """The last `count` events (at most 200), newest first.

        Raises:
            ApiError: The master refused, or is away and nothing has been read yet.
        """
        with self._lock:
            while more := self._read():
                self._events.extend(more)
                if len(more) < PAGE:
                    break
            return list(self._events)[: -count - 1 : -1]

    def _read(self) -> list[Event]:
        """The next events; those that are not newer are left out, or reading might not end."""
        if not self._events:
            return self._last(KEPT)
        newest = self._events[-1].id
        try:
            found = self._after(newest)
        except ApiError as error:
            if error.code != "offline":
                raise
            # What is there is shown on; the page says that the master is away.
            return []
        return [event for event in found if event.id > newest]
