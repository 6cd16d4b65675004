"""A pickle's bytes from left to right; the long ones stay where they lie."""

from __future__ import annotations

import struct

from imaging.readers.content import Content, PartContent
from imaging.readers.errors import BrokenSource
from imaging.readers.pickled_memory import PickleMemory

LAZY_BYTES = 4096
"""Longer byte strings stay in the file."""


class Tape:
    """A pickle's bytes from left to right.

    Args:
        content: The pickle.
        memory: Counts what is taken out of it.
    """

    def __init__(self, content: Content, memory: PickleMemory) -> None:
        self._content = content
        self._memory = memory
        self._at = 0
        self._piece = b""
        self._piece_start = 0

    def take(self, length: int) -> bytes:
        """The next bytes; never asks for more than there are."""
        if length > self._content.size - self._at:
            raise BrokenSource(
                "This pickle is cut short",
                expected=f"{length} more bytes at byte {self._at}",
                received=self._content.size - self._at,
            )
        start = self._at - self._piece_start
        if not 0 <= start <= len(self._piece) - length:
            self._piece = self._content.read(self._at, max(length, 64 * 1024))
            self._piece_start, start = self._at, 0
        self._at += length
        return self._piece[start : start + length]

    def number(self, form: str) -> int:
        """The next number, in the form that `struct` knows."""
        (value,) = struct.unpack(form, self.take(struct.calcsize(form)))
        return int(value)

    def text(self, length: int) -> str:
        """The next text."""
        self._memory.keep(length)
        return self.take(length).decode("utf-8", "surrogatepass")

    def line(self) -> str:
        """The next text that ends with its line: a module's or a function's name."""
        found = bytearray()
        while (byte := self.take(1)) != b"\n":
            found += byte
            if len(found) > 200:
                raise ValueError("a name of more than 200 characters")
        return found.decode()

    def raw(self, length: int) -> bytes | PartContent:
        """The next bytes, left in the file if they are many."""
        if length <= LAZY_BYTES:
            return self.take(length)
        part = PartContent(self._content, self._at, length)
        if length > self._content.size - self._at:
            self.take(length)
        self._at += length
        return part
