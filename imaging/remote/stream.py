"""What reading a file elsewhere gives."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass

PIECE = 2**17
"""Bytes that are read at once: few enough for progress to show and a stop to be heard."""


@dataclass(frozen=True, slots=True)
class Stream:
    """A file that is being read.

    Attributes:
        begins: The byte that comes first: the one that was asked for, or 0 where the
            server cannot begin later.
        pieces: The bytes from there on, never empty; their end is that of the file, or
            of what the server was willing to send.
    """

    begins: int
    pieces: Iterator[bytes]

    def span(self, start: int, end: int) -> Iterator[bytes]:
        """The bytes from `start`, not before `begins`, up to `end`; nothing beyond is read."""
        at = self.begins
        for piece in self.pieces:
            wanted = piece[max(0, start - at) : max(0, end - at)]
            at += len(piece)
            if wanted:
                yield wanted
            if at >= end:
                return


def pieces_of(
    read: Callable[[int], bytes], size: int, told: Callable[[], AbstractContextManager[None]]
) -> Iterator[bytes]:
    """What `read` gives, `size` bytes at a time, to its end; `told` says what goes wrong."""
    while True:
        with told():
            piece = read(size)
        if not piece:
            return
        yield piece
