"""One file of the master as a stream that goes on where a broken connection left it."""

from __future__ import annotations

import logging
from collections.abc import Callable

from child.agent.answers import Arrival, MasterAway, understood
from child.agent.backoff import Backoff
from child.agent.transport import MAX_ANSWER

log = logging.getLogger(__name__)

TRIES = 60
"""Breaks without a single byte in between after which a transfer is given up."""
PIECE = 1 << 16
"""Bytes that are asked for at a time."""


class Download:
    """The bytes of a file whose name is their hash, so that its parts always fit together.

    Args:
        open_at: Asks for the file from a byte on.
        pause: Waits so many seconds; returns whether to give up.
        backoff: Delays between tries.
        arrived: Called whenever bytes have come, with how many are here; what it raises
            ends the transfer.
        tries: Breaks in a row after which it gives up.
    """

    def __init__(
        self,
        open_at: Callable[[int], Arrival],
        pause: Callable[[float], bool],
        backoff: Backoff,
        arrived: Callable[[int], None] = lambda _: None,
        tries: int = TRIES,
    ) -> None:
        self._open_at = open_at
        self._pause = pause
        self._backoff = backoff
        self._arrived = arrived
        self._tries = tries
        self._breaks = 0
        self._offset = 0
        self._arrival: Arrival | None = None

    def read(self, size: int, /) -> bytes:
        """At most so many bytes; none at the file's end.

        Raises:
            MasterAway: The master has not answered for so many tries, or this site stops.
            MasterRefused: The master does not give the file.
        """
        while True:
            try:
                piece = self._arriving().piece(min(size, PIECE))
            except MasterAway as error:
                self._broken(error)
                continue
            self._offset += len(piece)
            if piece:
                self._breaks = 0
                self._backoff.reset()
                self._arrived(self._offset)
            return piece

    def close(self) -> None:
        """Lets go of the connection."""
        if self._arrival is not None:
            self._arrival.close()
            self._arrival = None

    def _arriving(self) -> Arrival:
        if self._arrival is None:
            self._arrival = self._open_at(self._offset)
            self._skip(self._arrival)
        return self._arrival

    def _skip(self, arrival: Arrival) -> None:
        """Brings an answer to the byte that is wanted next.

        Raises:
            MasterAway: It does not lead there.
            MasterRefused: It is a refusal.
        """
        if arrival.status == 200:
            # A server that knows no ranges sends everything again.
            left = self._offset
            while left and (piece := arrival.piece(min(left, PIECE))):
                left -= len(piece)
            whole = not left
        elif arrival.status == 206:
            whole = arrival.header("Content-Range").startswith(f"bytes {self._offset}-")
        else:
            understood(arrival, arrival.read(MAX_ANSWER))
            whole = False
        if not whole:
            raise MasterAway(
                "The master's answer is not the file that was asked for",
                received=f"status {arrival.status}",
            )

    def _broken(self, error: MasterAway) -> None:
        self.close()
        self._breaks += 1
        log.info("A transfer broke off at byte %d: %s", self._offset, error.detail)
        delay = max(self._backoff.next(), error.retry_after)
        if self._breaks >= self._tries or self._pause(delay):
            raise error
