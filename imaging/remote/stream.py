"""What reading a file elsewhere gives."""

from __future__ import annotations

from collections.abc import Iterator
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
