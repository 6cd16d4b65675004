"""Where nodes that cannot be called wait for work: one open poll a node, in memory.

A waiting poll sleeps on an event of its own: it asks no database and wakes for nothing but
news for its node, so that hundreds of them cost nothing but the threads they hold.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import TypeVar

Found = TypeVar("Found")


class TurnedAway(Exception):
    """A poll that may not wait, or not any longer; the same poll a little later is right."""


class PollBoard:
    """The open polls of all nodes.

    A node for which the last look found nothing, and of which there has been no news since, is
    not looked for again when it polls anew.

    Attributes:
        most: Polls that wait at the same time; 0 lets none wait.
    """

    def __init__(self, most: int) -> None:
        self.most = most
        self._lock = threading.Lock()
        self._polls: dict[str, _Poll] = {}
        self._quiet: set[str] = set()
        self._closed = False

    def wait(
        self,
        node_id: str,
        seconds: float,
        ready: Callable[[], Found | None],
        gone: Callable[[], bool] = lambda: False,
    ) -> Found | None:
        """Waits until there is something for a node.

        Args:
            node_id: Who asks; the newest poll of a node ends the one before.
            seconds: How long to wait at most.
            ready: Looks whether there is something. It is asked when the poll is on the board
                already, so that what is put there in the meantime is not missed, and again
                after each notification.
            gone: Whether nobody waits for the answer any more.

        Returns:
            What `ready` has found; None when the time is over.

        Raises:
            TurnedAway: There is nothing, and the poll may not wait: the board is full or
                closed, or the node has polled again.
        """
        until = time.monotonic() + seconds
        poll = self._put_up(node_id, gone)
        try:
            while poll.news.wait(max(0.0, until - time.monotonic())):
                if poll.ended:
                    raise TurnedAway
                if (found := self._look(node_id, poll, ready)) is not None:
                    return found
                if not poll.may_wait:
                    raise TurnedAway
            return None
        finally:
            self._take_down(node_id, poll)

    def notify(self, *node_ids: str) -> None:
        """Lets these nodes look: those that wait at once, the others when they poll next."""
        with self._lock:
            self._quiet.difference_update(node_ids)
            for node_id in node_ids:
                if (poll := self._polls.get(node_id)) is not None:
                    poll.news.set()

    def stir(self) -> None:
        """Lets every node look: another master on the same database may have work for it."""
        with self._lock:
            self._quiet.clear()
            for poll in self._polls.values():
                poll.news.set()

    def drop_gone(self) -> None:
        """Ends the polls whose nodes have hung up."""
        with self._lock:
            for poll in self._polls.values():
                if poll.gone():
                    poll.end()

    def close(self) -> None:
        """Ends all polls; later ones are turned away."""
        with self._lock:
            self._closed = True
            for poll in self._polls.values():
                poll.end()

    @property
    def waiting(self) -> frozenset[str]:
        """The nodes whose polls are open."""
        with self._lock:
            return frozenset(node for node, poll in self._polls.items() if not poll.ended)

    def _put_up(self, node_id: str, gone: Callable[[], bool]) -> _Poll:
        poll = _Poll(gone)
        with self._lock:
            if self._closed:
                raise TurnedAway
            before = self._polls.get(node_id)
            if before is not None:
                before.end()
            poll.may_wait = before is not None or len(self._polls) < self.most
            if poll.may_wait:
                self._polls[node_id] = poll
            if node_id not in self._quiet:
                poll.news.set()
            elif not poll.may_wait:
                raise TurnedAway
        return poll

    def _look(self, node_id: str, poll: _Poll, ready: Callable[[], Found | None]) -> Found | None:
        poll.news.clear()
        if poll.ended:
            # That news was its end.
            raise TurnedAway
        found = ready()
        with self._lock:
            if found is None and not poll.news.is_set() and poll.may_wait:
                self._quiet.add(node_id)
        return found

    def _take_down(self, node_id: str, poll: _Poll) -> None:
        with self._lock:
            if self._polls.get(node_id) is poll:
                del self._polls[node_id]


class _Poll:
    """One open poll.

    Attributes:
        gone: Whether its node has hung up.
        news: Set while it should look.
        may_wait: Whether it is on the board; one that is not looks once.
        ended: Whether it may wait no longer.
    """

    def __init__(self, gone: Callable[[], bool]) -> None:
        self.gone = gone
        self.news = threading.Event()
        self.may_wait = True
        self.ended = False

    def end(self) -> None:
        self.ended = True
        self.news.set()
