"""The connections of one server, watched at a cost that does not grow with how many rest.

Waitress's own loop asks every connection before each wait what it waits for. With hundreds of
calls that wait for something to happen, that is most of what a server does all day. Here the
kernel keeps the list, and only a connection where something has happened is asked again.
"""

from __future__ import annotations

import selectors
import time
from typing import Any

from waitress import wasyncore

HURRY_SECONDS = 0.005
"""How soon a connection is asked again whose thread holds its buffers just now."""

SWEEP_SECONDS = 1.0
"""How often all are asked all the same: some are closed because nothing happened there."""


class Connections(dict[int, Any]):
    """Waitress's sockets by descriptor: its `map`, and the loop over it.

    Attributes:
        answering: Descriptors of connections to which an answer is being written; a thread
            that writes changes what its connection waits for.
    """

    def __init__(self) -> None:
        super().__init__()
        self.answering: set[int] = set()
        self._selector = selectors.DefaultSelector()
        self._watched: dict[int, int] = {}
        self._fresh: list[int] = []
        self._swept_at = 0.0

    def __setitem__(self, descriptor: int, item: Any) -> None:
        """Takes a socket in; its object may not be whole yet, and is asked later."""
        super().__setitem__(descriptor, item)
        self._fresh.append(descriptor)

    def __delitem__(self, descriptor: int) -> None:
        """Lets a socket go, which is about to be closed."""
        super().__delitem__(descriptor)
        self.answering.discard(descriptor)
        self._expect(descriptor, 0)

    def step(self, timeout: float) -> None:
        """Waits until something happens, and lets the sockets where it did deal with it."""
        timeout = HURRY_SECONDS if self._look() else timeout
        for key, happened in self._selector.select(timeout):
            # What happened to one socket may have closed another.
            if happened & selectors.EVENT_READ and (item := self.get(key.fd)) is not None:
                wasyncore.read(item)
            if happened & selectors.EVENT_WRITE and (item := self.get(key.fd)) is not None:
                wasyncore.write(item)
            self._watch(key.fd)

    def close(self) -> None:
        """Closes all sockets."""
        wasyncore.close_all(self)
        self._selector.close()

    def _look(self) -> bool:
        """Asks those that may wait for something else by now; says whether any has no answer."""
        unclear = False
        fresh, self._fresh = self._fresh, []
        if time.monotonic() >= self._swept_at + SWEEP_SECONDS:
            self._swept_at = time.monotonic()
            fresh = list(self)
        for descriptor in fresh:
            self._watch(descriptor)
        for descriptor in list(self.answering):
            item = self.get(descriptor)
            # Before it is asked: its thread announces each change that comes after this.
            if not getattr(item, "requests", ()):
                self.answering.discard(descriptor)
            unclear = unclear or _in_its_threads_hands(item)
            self._watch(descriptor)
        return unclear

    def _watch(self, descriptor: int) -> None:
        item = self.get(descriptor)
        if item is None:
            return
        reads = selectors.EVENT_READ if item.readable() else 0
        writes = selectors.EVENT_WRITE if item.writable() and not item.accepting else 0
        if writes and _in_its_threads_hands(item):
            # The loop could send nothing, and would turn and turn until the thread lets go.
            writes = 0
        self._expect(descriptor, reads | writes)

    def _expect(self, descriptor: int, events: int) -> None:
        known = self._watched.pop(descriptor, 0)
        if events:
            self._watched[descriptor] = events
        if events == known:
            return
        if not known:
            self._selector.register(descriptor, events)
        elif not events:
            self._selector.unregister(descriptor)
        else:
            self._selector.modify(descriptor, events)


def _in_its_threads_hands(item: Any) -> bool:
    """Whether a thread is writing an answer to a connection at this very moment."""
    if not getattr(item, "requests", ()):
        return False
    if item.outbuf_lock.acquire(blocking=False):
        item.outbuf_lock.release()
        return False
    return True
