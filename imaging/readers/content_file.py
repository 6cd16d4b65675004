"""Content as a file, for libraries that want one."""

from __future__ import annotations

import io
import os
from typing import TYPE_CHECKING

from imaging.readers.bounds import PIECE
from imaging.readers.content import Content
from imaging.readers.errors import OversizedSource

if TYPE_CHECKING:
    from typing_extensions import Buffer


class ContentFile(io.RawIOBase):
    """Content as a file for libraries that want one, never more than `most` bytes at once.

    Args:
        content: What is read.
        most: A library that asks for more does so because a stranger's file says so.
    """

    name = ""
    """pydicom asks every file for one."""

    def __init__(self, content: Content, most: int = 64 * PIECE) -> None:
        """See the class docstring."""
        super().__init__()
        self._content = content
        self._most = most
        self._at = 0

    def readable(self) -> bool:
        """It is."""
        return True

    def seekable(self) -> bool:
        """It is."""
        return True

    def tell(self) -> int:
        """Where the next reading begins."""
        return self._at

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        """Moves to another place."""
        start = {os.SEEK_SET: 0, os.SEEK_CUR: self._at, os.SEEK_END: self._content.size}[whence]
        if start + offset < 0:
            raise ValueError("negative seek position")
        self._at = start + offset
        return self._at

    def read(self, size: int = -1) -> bytes:
        """At most `size` bytes; all that are left by default."""
        left = max(0, self._content.size - self._at)
        length = left if size is None or size < 0 else min(size, left)
        if length > self._most:
            raise OversizedSource(
                "A file asks for too much memory",
                expected=f"at most {self._most / 2**20:.0f} MiB at once",
                received=f"{length / 2**20:.0f} MiB",
            )
        data = self._content.read(self._at, length)
        self._at += len(data)
        return data

    def readinto(self, buffer: Buffer) -> int:
        """Fills a buffer, as far as there are bytes."""
        view = memoryview(buffer).cast("B")
        data = self.read(len(view))
        view[: len(data)] = data
        return len(data)
