"""Arrays that stay where they lie, and are read a row at a time.

References: "NPY format", numpy.lib.format of NumPy 2.
"""

from __future__ import annotations

import math
import tokenize
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from numpy.lib import format as npy

from imaging.readers.bounds import BOUNDS, PIECE, Bounds
from imaging.readers.content import Content, OnceUnpacked, PartContent
from imaging.readers.content_file import ContentFile
from imaging.readers.errors import BrokenSource, OversizedSource

SIGNATURE = b"\x93NUMPY"
MAX_DIMENSIONS = 8
MAX_ITEM_BYTES = 4096
_KINDS = "buifUS"

Array = npt.NDArray[Any]

# What NumPy lets through of the parsers that its headers go through.
_BAD_HEADER = (
    ValueError,
    KeyError,
    EOFError,
    TypeError,
    SyntaxError,
    RecursionError,
    tokenize.TokenError,
)


@dataclass(frozen=True, slots=True, eq=False)
class StoredArray:
    """An array in a file.

    Attributes:
        dtype: Of its items: truth values, numbers or texts.
        shape: Its shape.
        content: Exactly its bytes.
        by_columns: Whether the first index runs fastest (Fortran's order).
        bounds: How much of it may be in memory at once.
    """

    dtype: np.dtype[Any]
    shape: tuple[int, ...]
    content: Content
    by_columns: bool = False
    bounds: Bounds = BOUNDS

    def __post_init__(self) -> None:
        """Compares what it says with what is there, before anything is allocated.

        Raises:
            BrokenSource: The items are of a kind that is not read, or they are too few.
        """
        if (
            self.dtype.kind not in _KINDS
            or self.dtype.hasobject
            or not 0 < self.dtype.itemsize <= 4096
        ):
            raise BrokenSource(
                "This array is of a kind that is not read",
                expected="truth values, numbers or texts",
                received=str(self.dtype)[:60],
            )
        shape = self.shape
        # Looked at before it is shown: what is no row of numbers may take for ever to write out.
        if len(shape) > MAX_DIMENSIONS or not all(map(_is_length, shape)) or 0 in shape[1:]:
            raise BrokenSource(
                "This array has no possible shape",
                expected=f"at most {MAX_DIMENSIONS} whole numbers",
                received=str(shape)[:60] if all(map(_is_length, shape)) else "something else",
            )
        if self.size != self.content.size:
            raise BrokenSource(
                "This array is cut short or damaged",
                expected=f"{self.size} bytes for {self.dtype} {shape}",
                received=self.content.size,
            )

    @property
    def size(self) -> int:
        """Bytes."""
        return math.prod(self.shape) * self.dtype.itemsize

    def __len__(self) -> int:
        """Rows: the length of its first axis."""
        return self.shape[0] if self.shape else 0

    def row(self, number: int) -> Array:
        """One row, of shape `shape[1:]`."""
        if self.by_columns:
            return np.asarray(self.load()[number])
        return np.asarray(self._rows(number, 1)[0])

    def stamp(self, number: int) -> str:
        """See `SourcePicture.stamp`."""
        return f"{self.content.stamp} {self.dtype.str} {self.shape} {number}"

    def load(self) -> Array:
        """The whole array.

        Raises:
            OversizedSource: It is larger than may be in memory.
        """
        self._check_memory(self.size)
        items = np.frombuffer(self.content.read(0, self.size), self.dtype)
        return items.reshape(self.shape, order="F" if self.by_columns else "C")

    def chunks(self) -> Iterator[Array]:
        """All rows, some megabytes at a time."""
        if self.by_columns:
            yield self.load()
            return
        count = max(1, 16 * PIECE // max(1, self._row_bytes))
        for start in range(0, len(self), count):
            yield self._rows(start, min(count, len(self) - start))

    @property
    def _row_bytes(self) -> int:
        return math.prod(self.shape[1:]) * self.dtype.itemsize

    def _rows(self, start: int, count: int) -> Array:
        self._check_memory(count * self._row_bytes)
        data = self.content.read(start * self._row_bytes, count * self._row_bytes)
        if len(data) < count * self._row_bytes:
            raise BrokenSource("This array is cut short", expected="all rows", received="fewer")
        return np.frombuffer(data, self.dtype).reshape(count, *self.shape[1:])

    def _check_memory(self, wanted: int) -> None:
        if wanted > self.bounds.in_memory:
            raise OversizedSource(
                "This array is too large to be read",
                expected=f"at most {self.bounds.in_memory / 2**20:g} MiB at once",
                received=f"{wanted / 2**20:.0f} MiB",
            )


def _is_length(value: object) -> bool:
    return type(value) is int and 0 <= value < 2**63


def read_npy(content: Content, bounds: Bounds = BOUNDS) -> StoredArray:
    """The array in a `.npy` file; its header is read, its items are not.

    Raises:
        BrokenSource: It is none, or one of objects.
    """
    file = ContentFile(content, PIECE)
    try:
        version = npy.read_magic(file)
        read = {(1, 0): npy.read_array_header_1_0, (2, 0): npy.read_array_header_2_0}[version]
        shape, by_columns, dtype = read(file)
    except _BAD_HEADER as error:
        raise BrokenSource(
            "This is no array file of NumPy", expected="version 1 or 2", received=error
        ) from error
    start = file.tell()
    part = PartContent(OnceUnpacked(content), start, content.size - start)
    return StoredArray(dtype, shape, part, by_columns, bounds)
