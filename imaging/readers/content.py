"""Bytes that can be read from any place: of a file, of a part of one, of a packed stream.

A stranger's lengths are compared with what is there before anything is allocated.
"""

from __future__ import annotations

import hashlib
import os
import tempfile
import threading
import weakref
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Protocol

from federated.errors import StorageFailure
from imaging.readers.bounds import Bounds
from imaging.readers.errors import BrokenSource, OversizedSource


class Content(Protocol):
    """Bytes of a known length."""

    @property
    def size(self) -> int:
        """Bytes in all."""
        ...

    @property
    def stamp(self) -> str:
        """A text that is another one once the bytes may be others; for caches."""
        ...

    def read(self, start: int, length: int) -> bytes:
        """At most `length` bytes from `start` on; fewer at the end."""
        ...

    def seekable(self) -> Content:
        """The same bytes where reading in the middle costs no more than at the start."""
        ...


@dataclass(frozen=True, slots=True)
class FileContent:
    """A part of a file; opened for each reading, so that many of them hold nothing open.

    Attributes:
        path: The file.
        start: Where the part begins.
        size: Its bytes.
    """

    path: Path
    start: int
    size: int

    @property
    def stamp(self) -> str:
        """See `Content.stamp`."""
        changed = self.path.stat().st_mtime_ns
        return f"{self.path} {changed} {self.start} {self.size}"

    def read(self, start: int, length: int) -> bytes:
        """See `Content.read`."""
        with self.path.open("rb") as file:
            file.seek(self.start + start)
            return file.read(max(0, min(length, self.size - start)))

    def seekable(self) -> Content:
        """See `Content.seekable`."""
        return self


@dataclass(frozen=True, slots=True)
class PartContent:
    """A part of other content.

    Attributes:
        whole: What it is a part of; cheap to read in the middle.
        start: Where the part begins.
        size: Its bytes.
    """

    whole: Content
    start: int
    size: int

    @property
    def stamp(self) -> str:
        """See `Content.stamp`."""
        return f"{self.whole.stamp} {self.start} {self.size}"

    def read(self, start: int, length: int) -> bytes:
        """See `Content.read`."""
        return self.whole.read(self.start + start, max(0, min(length, self.size - start)))

    def seekable(self) -> Content:
        """See `Content.seekable`."""
        return self


class Unpacked:
    """Unpacked bytes in a temporary file without a name, gone with this object.

    Args:
        pieces: The bytes.
        packed: What they come from.
        bounds: How much may come of how little.

    Raises:
        OversizedSource: More bytes come than `bounds` allows.
        StorageFailure: There is no room for them.
    """

    def __init__(self, pieces: Iterator[bytes], packed: Content, bounds: Bounds) -> None:
        """Writes the bytes down; see the class docstring."""
        handle = -1
        try:
            with tempfile.TemporaryFile() as file:
                self.size = _copy(pieces, file, packed.size, bounds)
                file.flush()
                handle = os.dup(file.fileno())
        except OSError as error:
            raise StorageFailure(
                "A packed file could not be unpacked for reading",
                expected=f"room in {tempfile.gettempdir()} (TMPDIR names another folder)",
                received=error,
            ) from error
        self.stamp = f"{packed.stamp} unpacked"
        self._handle = handle
        weakref.finalize(self, os.close, handle)

    def read(self, start: int, length: int) -> bytes:
        """See `Content.read`."""
        return os.pread(self._handle, max(0, min(length, self.size - start)), start)

    def seekable(self) -> Content:
        """See `Content.seekable`."""
        return self


def _copy(pieces: Iterator[bytes], file: BinaryIO, packed: int, bounds: Bounds) -> int:
    size = 0
    for piece in pieces:
        size += len(piece)
        if bounds.is_bomb(packed, size):
            raise OversizedSource(
                "A packed file unpacks to too much",
                expected=bounds.words,
                received=f"{size / 2**20:.0f} MiB of {packed / 2**20:.1f} MiB, and more to come",
            )
        file.write(piece)
    return size


def whole(content: Content, limit: int) -> bytes:
    """All bytes.

    Raises:
        OversizedSource: There are more than `limit`.
        BrokenSource: There are fewer than promised.
    """
    if content.size > limit:
        raise OversizedSource(
            "A file of this data set is too large to be read",
            expected=f"at most {limit / 2**20:.0f} MiB",
            received=f"{content.size / 2**20:.1f} MiB",
        )
    data = content.read(0, content.size)
    if len(data) < content.size:
        raise BrokenSource(
            "A file of this data set is cut short",
            expected=f"{content.size} bytes",
            received=len(data),
        )
    return data


def file_content(path: Path) -> FileContent:
    """A whole file."""
    return FileContent(path, 0, path.stat().st_size)


class OnceUnpacked:
    """Content that is made seekable when it is first read, for all who read it.

    Args:
        content: What is read.
    """

    def __init__(self, content: Content) -> None:
        """Remembers what it is; nothing is unpacked yet."""
        self.size = content.size
        self.stamp = content.stamp
        self._content = content
        self._lock = threading.Lock()
        self._opened: Content | None = None

    def read(self, start: int, length: int) -> bytes:
        """See `Content.read`."""
        with self._lock:
            if self._opened is None:
                self._opened = self._content.seekable()
        return self._opened.read(start, length)

    def seekable(self) -> Content:
        """See `Content.seekable`."""
        return self


@dataclass(frozen=True, slots=True)
class MemoryContent:
    """Bytes that are in memory.

    Attributes:
        data: They.
    """

    data: bytes

    @property
    def size(self) -> int:
        """See `Content.size`."""
        return len(self.data)

    @property
    def stamp(self) -> str:
        """See `Content.stamp`."""
        return hashlib.sha256(self.data).hexdigest()

    def read(self, start: int, length: int) -> bytes:
        """See `Content.read`."""
        return self.data[start : start + length]

    def seekable(self) -> Content:
        """See `Content.seekable`."""
        return self
