"""The array file: decoded pixels on disk, which training maps into memory.

A header of one page, then rows of one size. The file only grows, in place, so that a
reader's map stays good while others write. It keeps no count of its own: a row counts
once the caller's database says so, which is after `put` has returned, so that neither a
crash nor a reader in the middle of a write ever meets half a picture.
"""

from __future__ import annotations

import fcntl
import json
import math
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import numpy.typing as npt

from federated.errors import StorageFailure
from imaging.array_rows import HEADER_BYTES, ArrayRows
from imaging.errors import WrongArrayFile, WrongPixels

Shape = tuple[int, int, int]


class PixelArray:
    """An array file of uint8 rows of one shape; safe for several threads and processes.

    Args:
        path: The file; made by the first write.
        shape: `(height, width, channels)` of every row.
    """

    def __init__(self, path: Path, shape: Shape) -> None:
        """Remembers where and what; nothing is opened yet."""
        self.path = path
        self.shape = shape
        self.row_bytes = math.prod(shape)

    def __len__(self) -> int:
        """Rows that are in the file from their first byte to their last."""
        try:
            size = self.path.stat().st_size
        except FileNotFoundError:
            return 0
        return max(0, size - HEADER_BYTES) // self.row_bytes

    def put(self, row: int, pixels: npt.NDArray[np.uint8]) -> None:
        """Writes one row, uint8 of `shape`; on return it is on the disk.

        `row` is for the caller's database to give out; a row that readers may be using
        is not to be given out again.

        Raises:
            WrongPixels: `pixels` have another dtype or shape, or `row` is negative.
            WrongArrayFile: The file holds rows of another shape.
            StorageFailure: The disk refused; the row does not count.
        """
        self._check(pixels, self.shape)
        if row < 0:
            raise WrongPixels("There is no such row", expected="0 or more", received=row)
        with self._locked() as file:
            self._write(file, row, pixels)

    def append(self, pixels: npt.NDArray[np.uint8]) -> range:
        """Writes `pixels`, uint8 `(n, *shape)`, behind the last row, and says where.

        Made for files that one writer builds in one go; a store uses `put`.

        Raises:
            WrongPixels: `pixels` have another dtype or shape.
            WrongArrayFile: The file holds rows of another shape.
            StorageFailure: The disk refused; the rows do not count.
        """
        self._check(pixels, (len(pixels), *self.shape))
        with self._locked() as file:
            start = len(self)
            self._write(file, start, pixels)
        return range(start, start + len(pixels))

    def erase(self, row: int) -> None:
        """Overwrites one row with zeros: a deleted picture's pixels are to be gone.

        Raises:
            StorageFailure: The disk refused.
        """
        if 0 <= row < len(self):
            self.put(row, np.zeros(self.shape, np.uint8))

    def open(self, rows: int | None = None) -> npt.NDArray[np.uint8]:
        """The first `rows` rows, uint8 `(rows, *shape)`, mapped and read-only.

        Nothing is loaded before it is looked at. Later rows need a new `open`.

        Args:
            rows: How many the database knows of; all that are complete by default.

        Raises:
            WrongArrayFile: The file holds rows of another shape, or fewer rows.
        """
        complete = len(self)
        wanted = complete if rows is None else rows
        if wanted > complete:
            raise WrongArrayFile(
                "The array file is shorter than it should be",
                expected=f"{wanted} rows",
                received=complete,
            )
        if not wanted:
            return np.empty((0, *self.shape), np.uint8)
        with self.path.open("rb") as file:
            self._check_header(file.read(HEADER_BYTES))
            return np.memmap(file, np.uint8, "r", HEADER_BYTES, (wanted, *self.shape))

    def rows(self) -> ArrayRows:
        """All complete rows, each read from the file when it is asked for, and none mapped.

        What is mapped counts as this process's memory, and with it much of the file around each
        row; a training that looks at every picture would end with the whole file.

        Raises:
            WrongArrayFile: The file holds rows of another shape.
        """
        # Opening checks the header.
        return ArrayRows(self.path, self.open().shape)

    @property
    def _header(self) -> bytes:
        document = {"commonsight": "pixels", "format": 1, "shape": list(self.shape)}
        return json.dumps(document).encode().ljust(HEADER_BYTES, b"\n")

    def _check(self, pixels: npt.NDArray[np.uint8], shape: tuple[int, ...]) -> None:
        if pixels.dtype != np.uint8 or pixels.shape != shape:
            raise WrongPixels(
                "These pixels do not fit the array file",
                expected=f"uint8 {shape}",
                received=f"{pixels.dtype} {pixels.shape}",
            )

    def _check_header(self, header: bytes) -> None:
        if header != self._header:
            raise WrongArrayFile(
                "This file holds no pixels of this shape",
                expected=f"an array file of rows {self.shape}",
                received=bytes(header[:80]).strip(),
            )

    @contextmanager
    def _locked(self) -> Iterator[int]:
        """The file, open for writing by this thread alone, its header in place."""
        try:
            file = os.open(self.path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
            try:
                fcntl.flock(file, fcntl.LOCK_EX)
                header = os.pread(file, HEADER_BYTES, 0)
                # A shorter one is what a crash at the very beginning leaves.
                if len(header) < HEADER_BYTES:
                    _write_all(file, memoryview(self._header), 0)
                else:
                    self._check_header(header)
                yield file
                os.fsync(file)
            finally:
                os.close(file)
        except OSError as error:
            raise StorageFailure(
                "The pixels could not be written",
                expected="room on the disk and the right to write",
                received=error.strerror or type(error).__name__,
            ) from error

    def _write(self, file: int, row: int, pixels: npt.NDArray[np.uint8]) -> None:
        data = np.ascontiguousarray(pixels).reshape(-1).data
        _write_all(file, data, HEADER_BYTES + row * self.row_bytes)


def _write_all(file: int, data: memoryview, offset: int) -> None:
    while data:
        written = os.pwrite(file, data, offset)
        data, offset = data[written:], offset + written
